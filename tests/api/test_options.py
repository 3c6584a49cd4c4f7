import inspect

import pytest

from api.cli.models import promote
from api.cli.options import spelled
from api.cli.quality import quarantine


@pytest.mark.parametrize(("typed", "kept"), [("réviewed", "réviewed"), ("caf\udce9", "caf\N{REPLACEMENT CHARACTER}")])
def test_what_was_typed_can_be_kept(typed: str, kept: str) -> None:
    assert spelled(typed) == kept


@pytest.mark.parametrize("command", [promote, quarantine])
def test_a_reason_is_kept_as_it_can_be(command: object) -> None:
    (option,) = inspect.get_annotations(command)["why"].__metadata__  # type: ignore[arg-type]
    assert option.callback is spelled
