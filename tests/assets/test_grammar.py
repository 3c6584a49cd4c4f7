import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.errors import BadSelection
from assets.grammar import parse
from assets.selection import (
    ATTRIBUTES,
    ENDS,
    AllOf,
    AnyOf,
    Around,
    Ends,
    Everything,
    Having,
    Named,
    Not,
    Selection,
    Stale,
)

A, B, C = Named(pattern="gold.a"), Named(pattern="gold.b"), Named(pattern="gold.c")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("*", Everything()),
        ("gold.a", A),
        ("  gold.a ", A),
        ("a", Named(pattern="a")),
        ("gold.*", Named(pattern="gold.*")),
        ("*iris*", Named(pattern="*iris*")),
        ("key:gold.a", A),
        ('key:"gold.*"', Named(pattern="gold.*")),
        ("'gold.a'", A),
        ("key:*", Named(pattern="*")),
        ("tag:daily", Having(attribute="tag", name="daily")),
        ("tag:line=iris", Having(attribute="tag", name="line", value="iris")),
        ('tag : "a b" = "c=d"', Having(attribute="tag", name="a b", value="c=d")),
        ("tag:day=2024-01-01", Having(attribute="tag", name="day", value="2024-01-01")),
        ("owner:ann@example.org", Having(attribute="owner", name="ann@example.org")),
        ("group:finance/eu", Having(attribute="group", name="finance/eu")),
        ("kind:spark", Having(attribute="kind", name="spark")),
        ("+gold.a", Around(of=A, up=None)),
        ("gold.a+", Around(of=A, down=None)),
        ("+gold.a+", Around(of=A, up=None, down=None)),
        ("2+gold.a", Around(of=A, up=2)),
        ("gold.a + 10", Around(of=A, down=10)),
        ("2+gold.a+1", Around(of=A, up=2, down=1)),
        ("0+gold.a", Around(of=A)),
        ("tag:n=1+2", Around(of=Having(attribute="tag", name="n", value="1"), down=2)),
        ("+(gold.a or gold.b)", Around(of=AnyOf(parts=(A, B)), up=None)),
        ("+roots(gold.a)+1", Around(of=Ends(end="roots", of=A), up=None, down=1)),
        ("sinks()", Ends(end="sinks", of=Everything())),
        ("sinks(*)", Ends(end="sinks", of=Everything())),
        ("roots(gold.a, gold.b)", Ends(end="roots", of=AnyOf(parts=(A, B)))),
        ("stale()", Stale()),
        ("not gold.a", Not(of=A)),
        ("not not gold.a", Not(of=Not(of=A))),
        ("NOT gold.a AND gold.b OR gold.c", AnyOf(parts=(AllOf(parts=(Not(of=A), B)), C))),
        ("gold.a, gold.b, gold.c", AnyOf(parts=(A, B, C))),
        (
            "tag, key and owner",
            AnyOf(parts=(Named(pattern="tag"), AllOf(parts=(Named(pattern="key"), Named(pattern="owner"))))),
        ),
    ],
)
def test_a_text_means_a_selection(text: str, meant: Selection) -> None:
    assert parse(text) == meant


def test_not_binds_before_and_and_and_before_or() -> None:
    assert parse("not gold.a and gold.b") == AllOf(parts=(Not(of=A), B))
    assert parse("not (gold.a and gold.b)") == Not(of=AllOf(parts=(A, B)))
    assert parse("gold.a or gold.b and gold.c") == AnyOf(parts=(A, AllOf(parts=(B, C))))
    assert parse("(gold.a or gold.b) and gold.c") == AllOf(parts=(AnyOf(parts=(A, B)), C))
    assert parse("not +gold.a") == Not(of=Around(of=A, up=None))
    assert parse("gold.a and gold.b, gold.c") == AnyOf(parts=(AllOf(parts=(A, B)), C))


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "gold.a",
        "bronze.*",
        "*iris*",
        "tag:line=iris",
        "tag:daily",
        'owner:"Ann B."',
        "group:finance",
        "kind:model",
        "+gold.a",
        "gold.a+",
        "2+gold.a+1",
        "0+gold.a",
        "sinks()",
        "roots(tag:daily)",
        "stale() and not gold.*",
        "(gold.a or gold.b) and gold.c",
        "gold.a or gold.b and not (gold.c or +gold.a)",
        "+(gold.a or gold.b)+1",
        "+(*)",
        "(+gold.a)+1",
        'key:"and"',
        'key:"2"',
        'tag:"or"="a \\"b\\" \\\\ c"',
    ],
)
def test_a_selection_is_spelled_as_it_was_written(text: str) -> None:
    assert str(parse(text)) == text


names = st.text(min_size=1) | st.sampled_from(
    ["gold.a", "iris*", "*", "and", "NOT", "7", "tag", "a b", "sinks", "a:b", '"', "\\"]
)
steps = st.none() | st.integers(0, 999)


def composed(inner: st.SearchStrategy[Selection]) -> st.SearchStrategy[Selection]:
    several = st.lists(inner, min_size=2, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Around, of=inner, up=steps, down=steps),
        st.builds(Ends, end=st.sampled_from(ENDS), of=inner),
        st.builds(Not, of=inner),
        st.builds(AllOf, parts=several),
        st.builds(AnyOf, parts=several),
    )


tags = st.builds(Having, attribute=st.just("tag"), name=st.text(), value=st.none() | st.text())
filters = st.builds(Having, attribute=st.sampled_from([a for a in ATTRIBUTES if a != "tag"]), name=st.text())
leaves = st.one_of(st.just(Everything()), st.just(Stale()), st.builds(Named, pattern=names), tags, filters)
selections = st.recursive(leaves, composed, max_leaves=6)


@settings(max_examples=60)
@given(selections)
def test_law_what_is_spelled_is_read_as_the_same(selection: Selection) -> None:
    assert parse(str(selection)) == selection


@given(
    st.text()
    | st.lists(st.sampled_from(["a", "not", "and", ",", "(", ")", "+", "2", "*", "tag:", "=", '"', "sinks("])).map(
        " ".join
    )
)
def test_law_any_text_is_a_selection_or_an_error_that_points_into_it(text: str) -> None:
    try:
        parse(text)
    except BadSelection as error:
        assert 0 <= error.place <= len(text)
        assert text[error.place :].startswith(error.found[:1])
        _, shown, caret = str(error).split("\n")
        assert len(caret) <= len(shown) + 1


@pytest.mark.parametrize(
    ("text", "place", "wanted"),
    [
        ("", 0, "a name"),
        ("+", 1, "a name"),
        ("not", 3, "a name"),
        ("gold.a and", 10, "a name"),
        ("gold.a and and", 11, "a name"),
        ("gold.a, ", 7, "a name"),
        ("gold.a gold.b", 7, "spaces join nothing, a comma does"),
        ("gold.a +gold.b", 8, "spaces join nothing, a comma does"),
        ("gold.a++", 7, "'and', 'or', ',' or the end"),
        ("*+", 0, "'*' without '+'"),
        ("+*", 1, "'*' without '+'"),
        ("**key:a", 0, "one of key:, tag:, owner:, group:, kind:"),
        ("tga:daily", 0, "one of key:, tag:, owner:, group:, kind:"),
        ("tag:daily=", 10, "the tag's value after '='"),
        ("owner:", 6, "the owner after 'owner:'"),
        ("owner:a=b", 7, "'and', 'or', ',' or the end"),
        ("kind:sp*", 5, "only keys have patterns"),
        ("leaves(gold.a)", 0, "one of sinks(), roots(), stale()"),
        ("stale(gold.a)", 6, "stale() takes nothing"),
        ("sinks(gold.a", 12, "'and', 'or', ',' or ')'"),
        ("(gold.a", 7, "'and', 'or', ',' or ')'"),
        ("gold.a)", 6, "a '(' before this ')'"),
        ('gold.a, "gold.b', 8, 'a closing "'),
        ("gold.a & gold.b", 7, "quotes around a value"),
        ("2", 1, "'+' after a number of steps"),
        ("(" * 60 + "a" + ")" * 60, 51, "at most 50 parentheses"),
        ("not " * 5000 + "a", 204, "at most 50 parentheses"),
    ],
)
def test_a_wrong_text_is_shown_with_a_caret_at_the_place_and_what_was_wanted(
    text: str, place: int, wanted: str
) -> None:
    with pytest.raises(BadSelection) as caught:
        parse(text)
    assert wanted in caught.value.wanted
    assert caught.value.place == place
    _, shown, caret = str(caught.value).splitlines()
    assert shown[caret.index("^") :].startswith(text[place : place + 1])


def test_an_error_is_read_at_one_look() -> None:
    with pytest.raises(BadSelection) as caught:
        parse("gold.* and and silver.*")
    assert str(caught.value).splitlines() == [
        "the selection cannot be read: wanted a name, a filter such as tag:x, '*' or '('; found 'and'",
        "  gold.* and and silver.*",
        "             ^",
    ]


def test_of_a_long_text_the_part_around_the_place_is_shown() -> None:
    with pytest.raises(BadSelection) as caught:
        parse(f"{', '.join(f'gold.a{number}' for number in range(1000))}, nothing:here")
    assert all(len(line) < 120 for line in str(caught.value).splitlines())
    assert "nothing:here" in str(caught.value)


def test_thousands_of_names_are_no_deeper_than_two() -> None:
    text = ", ".join(f"gold.a{number}" for number in range(5000))
    assert len(str(parse(text)).split(" or ")) == 5000
