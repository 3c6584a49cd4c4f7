from pathlib import Path

import pytest

from api.door.settings import DoorSettings, tokens_in
from api.door.tokens import Tokens
from lakehouse.errors import BadSetting

OLD, NEW = "old-token-0123456789", "new-token-0123456789"


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def write(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


def test_tokens_of_a_file_are_changed_without_a_restart_and_without_a_gap(tmp_path: Path) -> None:
    file, clock = tmp_path / "tokens", Clock()
    write(file, f"{OLD}\n")
    tokens = Tokens((), file, clock=clock)
    for text, old, new in ((f"{OLD}\n{NEW}\n", True, True), (f"# changed\n{NEW}\n", False, True)):
        write(file, text)
        clock.now += 2
        assert (bool(tokens.known(OLD.encode())), bool(tokens.known(NEW.encode()))) == (old, new)


@pytest.mark.parametrize("spoilt", ["", "short\n", None])
def test_a_file_that_was_spoilt_opens_nothing_and_closes_nothing(tmp_path: Path, spoilt: str | None) -> None:
    file, clock = tmp_path / "tokens", Clock()
    write(file, f"{OLD}\n")
    tokens = Tokens((), file, clock=clock)
    file.unlink() if spoilt is None else write(file, spoilt)
    clock.now += 2
    assert tokens.known(OLD.encode())
    assert not tokens.known(b"short")
    assert not tokens.known(b"")


def test_a_file_without_a_token_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="SOME_FILE is .*wanted a file of tokens"):
        Tokens((), tmp_path / "none", setting="SOME_FILE")
    (tmp_path / "empty").touch()
    with pytest.raises(BadSetting, match="wanted a token in it"):
        Tokens((), tmp_path / "empty", setting="SOME_FILE")


def test_a_weak_token_is_refused_and_not_shown() -> None:
    with pytest.raises(BadSetting, match="LAKELINE_SERVE_TOKENS is 'a token of 6 characters'") as refused:
        tokens_in(f"{OLD},secret", "LAKELINE_SERVE_TOKENS")
    assert "secret" not in str(refused.value)


def test_settings_show_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKELINE_SERVE_TOKENS", OLD)
    settings = DoorSettings.from_env()
    assert settings.is_guarded
    assert OLD not in f"{settings} {settings!r}"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"TLS_CERT": "c"}, "LAKELINE_SERVE_TLS_KEY"),
        ({"TLS_KEY": "k"}, "LAKELINE_SERVE_TLS_CERT"),
        ({"TLS_CLIENT_CA": "a"}, "LAKELINE_SERVE_TLS_CLIENT_CA"),
        ({"RATE": "-1"}, "LAKELINE_SERVE_RATE"),
    ],
)
def test_settings_that_lack_something_are_named(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], named: str
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"LAKELINE_SERVE_{name}", value)
    with pytest.raises(BadSetting, match=named):
        DoorSettings.from_env()
