"""Definitions of a small line that needs neither Spark nor MLflow: words with their lengths, and a branch beside them."""

import duckdb

from assets import asset, external, rows, unique

landing = external("landing.words", files="words/*.csv", columns=("word", "length"))


@asset("bronze.sent", inputs={"arrivals": "landing.words"}, write="append", engine="duckdb")
def sent(arrivals: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The words as they were sent."""
    return arrivals


@asset(
    "silver.lengths",
    inputs={"raw": "bronze.sent"},
    checks=[rows("length > 0", otherwise="quarantine"), unique("word", otherwise="fail")],
    engine="duckdb",
)
def lengths(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """One row per word; a word that was sent twice is refused."""
    return raw.select("word, try_cast(length AS INTEGER) AS length")


@asset("gold.longest", inputs={"lengths": "silver.lengths"}, engine="duckdb")
def longest(lengths: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """The longest word."""
    return lengths.order("length DESC").limit(1)


@asset("gold.count", inputs={"raw": "bronze.sent"}, engine="duckdb")
def count(raw: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """How many words were sent: a branch that no check of the others stops."""
    return raw.aggregate("count(*) AS words")
