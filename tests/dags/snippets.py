"""The code blocks of a page of the documentation."""

import re
from pathlib import Path

PAGE = (Path(__file__).parents[2] / "docs" / "airflow.md").read_text()


def blocks(language: str) -> list[str]:
    """The code blocks of a language, in the page's order."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
