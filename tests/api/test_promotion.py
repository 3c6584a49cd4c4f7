from pathlib import Path

import pytest

from lakehouse.lake import Lake
from registry.models import Models
from tests.api.terminal import lakeline
from tests.registry.kept import NAME, save


@pytest.mark.slow
def test_a_no_to_a_promotion_is_journaled_and_silence_is_not(tmp_path: Path) -> None:
    models = Models.from_env(Lake.from_env())
    save(models)
    command = ("promote", NAME, "--to", "staging")
    silence = lakeline(*command, folder=tmp_path)
    assert (silence.code, silence.err.splitlines()[-1]) == (1, "nothing was moved, as nobody answered; --yes does")
    assert [event.event for event in models.events(NAME)] == ["registered"]

    refusal = lakeline(*command, "--why", "too few flowers", folder=tmp_path, answer="n\n")
    assert (refusal.code, refusal.err) == (1, "nothing was moved; the journal tells that you said no\n")
    told = models.events(NAME)[-1]
    assert (told.event, told.version, told.alias, told.why) == ("rejected", 1, "staging", "too few flowers")
    assert "staging" not in models.aliases(NAME)

    again = lakeline(*command, "--yes", folder=tmp_path)
    assert again.code == 1
    assert "turned down version 1" in again.err and "too few flowers" in again.err
    assert "staging" not in models.aliases(NAME)
    overruled = lakeline(*command, "--yes", "--why", "there are more by now", folder=tmp_path)
    assert (overruled.code, models.aliases(NAME)["staging"].version) == (0, 1)
