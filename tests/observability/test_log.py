import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from observability.log import start_log


@pytest.fixture(autouse=True)
def root_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def test_a_line_for_a_person_has_time_level_place_and_message() -> None:
    stream = io.StringIO()
    start_log(stream=stream)
    logging.getLogger("api.follow").warning("version %s of %s", 3, "iris")
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARNING api\.follow: version 3 of iris\n", stream.getvalue()
    )


def test_a_line_for_a_machine_is_one_object_even_with_a_trace() -> None:
    stream = io.StringIO()
    start_log(style="json", stream=stream)
    try:
        raise ValueError("a\nb")
    except ValueError:
        logging.getLogger("x").exception("first\nsecond")
    told = json.loads(stream.getvalue())
    assert (told["level"], told["logger"], told["message"]) == ("error", "x", "first\nsecond")
    assert "ValueError" in told["exception"]


def test_started_again_it_writes_each_line_once() -> None:
    first, second = io.StringIO(), io.StringIO()
    start_log(stream=first)
    start_log(stream=second)
    logging.getLogger("x").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
