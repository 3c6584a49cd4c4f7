"""How this machine reaches Maven Central: the mirror, server and proxy of Maven's own settings, and the proxy variables."""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import unquote, urlsplit
from urllib.request import Request, urlopen
from xml.etree import ElementTree

from lakehouse.errors import BadSetting

CENTRAL = "central"
_ANSWER_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A name and password for one host."""

    host: str
    user: str
    password: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where Maven Central is read from: `mirror` is None where it is read directly."""

    mirror: str | None
    credentials: tuple[Credential, ...]
    java_options: tuple[str, ...]


def from_machine(home: Path | None = None, environment: Mapping[str, str] = os.environ) -> Machine:
    """What `~/.m2/settings.xml` and the proxy variables say."""
    file = (home or Path.home()) / ".m2" / "settings.xml"
    settings = _parsed(file, environment) if file.is_file() else ElementTree.Element("settings")
    mirror = next(_mirrors(settings), None)
    url = mirror and _text(mirror, "url")
    credentials = tuple(_credentials(settings, mirror, url)) if mirror is not None and url else ()
    proxy = tuple(_settings_proxy(settings)) or tuple(_variable_proxies(environment))
    return Machine(mirror=url or None, credentials=credentials, java_options=proxy)


def realm_of(url: str) -> str:
    """What a server that wants a password calls itself: Ivy tells a password to nobody else."""
    try:
        with urlopen(Request(url, method="HEAD"), timeout=_ANSWER_SECONDS):
            return ""
    except HTTPError as error:
        found = re.search(r'realm="([^"]*)"', error.headers.get("WWW-Authenticate", ""))
        return found[1] if found else ""
    except OSError:
        return ""  # Ivy, which asks next, tells why


def _parsed(file: Path, environment: Mapping[str, str]) -> ElementTree.Element:
    """The settings without their namespace, with `${env.NAME}` filled in."""
    try:
        root = ElementTree.fromstring(file.read_bytes())
    except (OSError, ElementTree.ParseError) as error:
        raise BadSetting("Maven's settings", str(file), f"wanted a readable XML file: {error}") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        filled = re.sub(r"\$\{env\.(\w+)\}", lambda found: environment.get(found[1], found[0]), element.text or "")
        element.text = filled.strip()
    return root


def _mirrors(settings: ElementTree.Element) -> Iterator[ElementTree.Element]:
    """The mirrors of Maven Central; as in Maven, one that names it comes before one that says `*`."""
    told = [(mirror, _text(mirror, "mirrorOf")) for mirror in settings.iterfind("mirrors/mirror")]
    yield from (mirror for mirror, of in told if of == CENTRAL)
    for mirror, of in told:
        parts = {part.strip() for part in of.split(",")}
        if of != CENTRAL and parts & {CENTRAL, "*", "external:*"} and f"!{CENTRAL}" not in parts:
            yield mirror


def _credentials(settings: ElementTree.Element, mirror: ElementTree.Element, url: str) -> Iterator[Credential]:
    for server in settings.iterfind("servers/server"):
        user, password = _text(server, "username"), _text(server, "password")
        if _text(server, "id") != _text(mirror, "id") or not user:
            continue
        if re.fullmatch(r"\{.*\}", password):
            raise BadSetting("the mirror's password in Maven's settings", "{...}", "wanted it plain or as ${env.NAME}")
        yield Credential(host=urlsplit(url).hostname or "", user=user, password=password)


def _settings_proxy(settings: ElementTree.Element) -> Iterator[str]:
    for proxy in settings.iterfind("proxies/proxy"):
        if _text(proxy, "active") == "false" or not _text(proxy, "host"):
            continue
        port = _text(proxy, "port") or "8080"
        for scheme in ("http", "https"):
            yield from _options(scheme, _text(proxy, "host"), port, _text(proxy, "username"), _text(proxy, "password"))
        if _text(proxy, "nonProxyHosts"):
            yield f"-Dhttp.nonProxyHosts={_text(proxy, 'nonProxyHosts')}"
        return


def _variable_proxies(environment: Mapping[str, str]) -> Iterator[str]:
    """HTTPS_PROXY, HTTP_PROXY and NO_PROXY in Java's words; the lower-case name comes first, as in curl."""
    told = {
        name: environment.get(name) or environment.get(name.upper()) or ""
        for name in ("https_proxy", "http_proxy", "no_proxy")
    }
    for scheme in ("https", "http"):
        address = told[f"{scheme}_proxy"]
        if address:
            try:
                proxy = urlsplit(address if "://" in address else f"http://{address}")
                port = str(proxy.port or (443 if proxy.scheme == "https" else 80))
            except ValueError as error:
                shown = address.rpartition("@")[2]
                raise BadSetting(f"{scheme.upper()}_PROXY", shown, "wanted an address, as http://host:3128") from error
            user, password = unquote(proxy.username or ""), unquote(proxy.password or "")
            yield from _options(scheme, proxy.hostname or "", port, user, password)
    hosts = [host.strip() for host in told["no_proxy"].split(",") if host.strip()]
    if hosts:
        patterns = (
            host if host == "*" else f"{host}|*.{host}"
            for host in (each.removeprefix("*").removeprefix(".") or "*" for each in hosts)
        )
        yield f"-Dhttp.nonProxyHosts={'|'.join(patterns)}"


def _options(scheme: str, host: str, port: str, user: str, password: str) -> Iterator[str]:
    yield f"-D{scheme}.proxyHost={host}"
    yield f"-D{scheme}.proxyPort={port}"
    if user:
        yield f"-Dhttp.proxyUser={user}"  # Ivy reads the name of this scheme for both
        yield f"-Dhttp.proxyPassword={password}"
        yield "-Djdk.http.auth.tunneling.disabledSchemes="  # Java refuses Basic to an https proxy unless told otherwise


def _text(element: ElementTree.Element, name: str) -> str:
    return element.findtext(name) or ""
