"""The whole page, and what a browser may do with it: show it, and send its form back."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from string import Template

from fastapi.responses import HTMLResponse

_TEMPLATES = Path(__file__).parent.parent / "templates"


def page_of(*, title: str, state: str, main: str, status: int) -> HTMLResponse:
    """The answer to a browser; no script, no other host, and no style but its own can be loaded by it."""
    template, style, policy = _read()
    body = template.substitute(title=title, style=style, state=state, main=main)
    headers = {"content-security-policy": policy, "cache-control": "no-store"}
    return HTMLResponse(body, status_code=status, headers=headers)


@cache
def _read() -> tuple[Template, str, str]:
    style = (_TEMPLATES / "home.css").read_text(encoding="utf-8")
    known = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{known}'; img-src data:; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return Template((_TEMPLATES / "home.html").read_text(encoding="utf-8")), style, policy
