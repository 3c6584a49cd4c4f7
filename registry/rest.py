"""MLflow's REST API by the standard library alone: the few questions that must not cost an import of MLflow."""

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping

from registry.errors import AccessRefused, RegistryRefused, RegistryUnreachable
from registry.settings import RegistrySettings

TIMEOUT_SECONDS = 5.0


def check_server(settings: RegistrySettings) -> None:
    """Raises at once where a server is down or lets nobody in; MLflow's own client would try for minutes."""
    if settings.is_server:
        ask(settings, "experiments/search", {"max_results": "1"})


def ask(settings: RegistrySettings, path: str, query: Mapping[str, str]) -> dict[str, object] | None:
    """The answer of MLflow's REST API; None where it says that there is no such thing."""
    try:
        with urllib.request.urlopen(
            _request(settings, path, query), timeout=TIMEOUT_SECONDS, context=_tls(settings)
        ) as answer:
            body = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        _raise_refusal(settings, error)
        return None
    except (OSError, http.client.HTTPException) as error:
        raise RegistryUnreachable(settings.address, str(getattr(error, "reason", error)) or repr(error)) from error
    except ValueError as error:
        raise RegistryUnreachable(settings.address, "the answer is not one of MLflow's") from error
    if not isinstance(body, dict):
        raise RegistryUnreachable(settings.address, "the answer is not one of MLflow's")
    return body


def _request(settings: RegistrySettings, path: str, query: Mapping[str, str]) -> urllib.request.Request:
    parts = urllib.parse.urlsplit(settings.tracking_uri)
    host = parts.netloc.rpartition("@")[2]
    address = f"{parts.scheme}://{host}{parts.path}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(address, headers={"Accept": "application/json"})
    password = settings.mlflow_tracking_password
    user = settings.mlflow_tracking_username or urllib.parse.unquote(parts.username or "")
    secret = password.get_secret_value() if password else urllib.parse.unquote(parts.password or "")
    if user:
        request.add_header("Authorization", f"Basic {base64.b64encode(f'{user}:{secret}'.encode()).decode()}")
    elif settings.mlflow_tracking_token is not None:
        request.add_header("Authorization", f"Bearer {settings.mlflow_tracking_token.get_secret_value()}")
    return request


def _tls(settings: RegistrySettings) -> ssl.SSLContext | None:
    if not settings.tracking_uri.startswith("https://"):
        return None
    context = ssl.create_default_context(cafile=settings.mlflow_tracking_server_cert_path)
    if settings.mlflow_tracking_insecure_tls:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _raise_refusal(settings: RegistrySettings, error: urllib.error.HTTPError) -> None:
    text = error.read(10_000).decode("utf-8", "replace")
    try:
        body = json.loads(text)
        code, reason = str(body["error_code"]), str(body.get("message", "")).splitlines()[0]
    except (ValueError, KeyError, TypeError, IndexError):
        code, reason = "", f"HTTP {error.code} {error.reason}"
    if code == "RESOURCE_DOES_NOT_EXIST" or (
        code == "INVALID_PARAMETER_VALUE" and "alias" in reason and "not found" in reason
    ):
        return
    if error.code in {401, 403}:
        raise AccessRefused(settings.address, reason) from error
    if error.code >= 500 or error.code in {404, 408, 429}:
        raise RegistryUnreachable(settings.address, reason) from error
    raise RegistryRefused(settings.address, "answer", reason) from error
