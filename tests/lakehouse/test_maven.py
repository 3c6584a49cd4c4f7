from pathlib import Path

import pytest

from lakehouse.errors import BadSetting
from lakehouse.maven import Credential, Machine, from_machine

DIRECT = Machine(mirror=None, credentials=(), java_options=())


def machine(home: Path, settings: str, **environment: str) -> Machine:
    """What a `~/.m2/settings.xml` with these elements says, with Maven's namespace as real ones have it."""
    (home / ".m2").mkdir(parents=True, exist_ok=True)
    opening = '<?xml version="1.0"?>\n<settings xmlns="urn:a-namespace">'
    (home / ".m2" / "settings.xml").write_text(f"{opening}{settings}</settings>")
    return from_machine(home, environment)


def mirror(name: str, of: str, url: str | None = None) -> str:
    address = url or f"https://{name}.example/maven"
    return f"<mirror><id>{name}</id><mirrorOf>{of}</mirrorOf><url>{address}</url></mirror>"


def mirrors(*told: str) -> str:
    return f"<mirrors>{''.join(told)}</mirrors>"


def server(name: str, user: str, password: str) -> str:
    told = f"<id>{name}</id><username>{user}</username><password>{password}</password>"
    return f"<servers><server>{told}</server></servers>"


def proxy(elements: str) -> str:
    return f"<proxies><proxy>{elements}</proxy></proxies>"


def test_a_machine_that_says_nothing_reads_directly(tmp_path: Path) -> None:
    assert from_machine(tmp_path, {}) == DIRECT
    assert machine(tmp_path, "") == DIRECT
    assert machine(tmp_path, mirrors() + "<servers/><proxies/>") == DIRECT


@pytest.mark.parametrize("of", ["central", "*", "external:*", "other,central", " * , !other", "*,!other"])
def test_a_mirror_of_central_is_used(of: str, tmp_path: Path) -> None:
    assert machine(tmp_path, mirrors(mirror("near", of))).mirror == "https://near.example/maven"


@pytest.mark.parametrize("of", ["other", "*,!central", "external:*, !central", ""])
def test_a_mirror_of_something_else_or_one_that_excludes_central_is_not(of: str, tmp_path: Path) -> None:
    assert machine(tmp_path, mirrors(mirror("near", of))) == DIRECT


def test_the_mirror_that_names_central_comes_before_one_of_everything(tmp_path: Path) -> None:
    told = mirrors(mirror("all", "*"), mirror("named", "central"), mirror("later", "central"))
    assert machine(tmp_path, told).mirror == "https://named.example/maven"


def test_among_the_others_the_first_one_is_used(tmp_path: Path) -> None:
    told = mirrors(mirror("not", "*,!central"), mirror("first", "external:*"), mirror("second", "*"))
    assert machine(tmp_path, told).mirror == "https://first.example/maven"


def test_only_the_mirrors_own_name_and_password_are_told(tmp_path: Path) -> None:
    told = mirrors(mirror("near", "*")) + server("near", "ann", "s3cret") + server("other", "bob", "x")
    assert machine(tmp_path, told).credentials == (Credential(host="near.example", user="ann", password="s3cret"),)
    assert machine(tmp_path, mirrors(mirror("near", "*")) + server("other", "bob", "x")).credentials == ()
    assert machine(tmp_path, server("near", "ann", "s3cret")) == DIRECT


def test_variables_are_filled_in_and_unknown_ones_left(tmp_path: Path) -> None:
    told = mirrors(mirror("near", "*", "https://${env.HOST}/${env.NOWHERE}")) + server("near", "ann", "${env.TOKEN}")
    found = machine(tmp_path, told, HOST="here.example", TOKEN="a&b")
    assert found.mirror == "https://here.example/${env.NOWHERE}"
    assert found.credentials == (Credential(host="here.example", user="ann", password="a&b"),)


def test_an_encrypted_password_is_refused_and_not_told(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"wanted it plain or as \$\{env.NAME\}") as caught:
        machine(tmp_path, mirrors(mirror("near", "*")) + server("near", "ann", "{COQLCE6DU6GtcS5P=}"))
    assert "COQLCE" not in str(caught.value)


def test_an_encrypted_password_of_another_server_is_no_concern(tmp_path: Path) -> None:
    told = mirrors(mirror("near", "*")) + server("other", "ann", "{COQLCE6DU6GtcS5P=}")
    assert machine(tmp_path, told).mirror == "https://near.example/maven"


def test_settings_that_are_no_xml_are_named(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match=r"settings\.xml.*wanted a readable XML file"):
        machine(tmp_path, "<mirrors>")


def test_mavens_own_proxy_counts_before_the_variables(tmp_path: Path) -> None:
    told = "<host>proxy.example</host><port>3128</port><nonProxyHosts>localhost|*.example</nonProxyHosts>"
    assert machine(tmp_path, proxy(told), HTTPS_PROXY="http://other.example:1").java_options == (
        "-Dhttp.proxyHost=proxy.example",
        "-Dhttp.proxyPort=3128",
        "-Dhttps.proxyHost=proxy.example",
        "-Dhttps.proxyPort=3128",
        "-Dhttp.nonProxyHosts=localhost|*.example",
    )


def test_a_proxy_that_is_switched_off_is_passed_over(tmp_path: Path) -> None:
    told = "<active>false</active><host>proxy.example</host>"
    assert machine(tmp_path, proxy(told)) == DIRECT
    assert machine(tmp_path, proxy(told), HTTP_PROXY="other.example").java_options == (
        "-Dhttp.proxyHost=other.example",
        "-Dhttp.proxyPort=80",
    )


def test_a_proxys_name_and_password_are_told_as_ivy_reads_them(tmp_path: Path) -> None:
    told = "<host>proxy.example</host><username>ann</username><password>${env.WORD}</password>"
    options = machine(tmp_path, proxy(told), WORD="s3cret").java_options
    assert {"-Dhttp.proxyUser=ann", "-Dhttp.proxyPassword=s3cret", "-Dhttps.proxyPort=8080"} <= {*options}
    assert "-Djdk.http.auth.tunneling.disabledSchemes=" in options


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [
        ("http://proxy.example:3128", "proxy.example", "3128"),
        ("https://proxy.example", "proxy.example", "443"),
        ("proxy.example:8888", "proxy.example", "8888"),
        ("http://[::1]:3128/", "::1", "3128"),
    ],
)
def test_a_proxy_variable_in_javas_words(address: str, host: str, port: str, tmp_path: Path) -> None:
    expected = (f"-Dhttps.proxyHost={host}", f"-Dhttps.proxyPort={port}")
    assert from_machine(tmp_path, {"HTTPS_PROXY": address}).java_options == expected


def test_the_lower_case_variable_comes_first(tmp_path: Path) -> None:
    told = {"HTTPS_PROXY": "http://upper.example:1", "https_proxy": "http://lower.example:2"}
    assert from_machine(tmp_path, told).java_options[0] == "-Dhttps.proxyHost=lower.example"


def test_a_proxys_password_is_unquoted(tmp_path: Path) -> None:
    options = from_machine(tmp_path, {"https_proxy": "http://ann:p%40ss%3A1@proxy.example:3128"}).java_options
    assert {"-Dhttp.proxyUser=ann", "-Dhttp.proxyPassword=p@ss:1"} <= {*options}


@pytest.mark.parametrize(
    ("told", "patterns"),
    [
        ("localhost,127.0.0.1", "localhost|*.localhost|127.0.0.1|*.127.0.0.1"),
        (".corp.example, *.lab.example,", "corp.example|*.corp.example|lab.example|*.lab.example"),
        ("*", "*"),
    ],
)
def test_hosts_without_a_proxy_in_javas_words(told: str, patterns: str, tmp_path: Path) -> None:
    assert from_machine(tmp_path, {"NO_PROXY": told}).java_options == (f"-Dhttp.nonProxyHosts={patterns}",)


@pytest.mark.parametrize("address", ["http://proxy.example:many", "http://[::1"])
def test_a_proxy_that_is_no_address_is_named(address: str, tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="HTTPS_PROXY"):
        from_machine(tmp_path, {"HTTPS_PROXY": address})
