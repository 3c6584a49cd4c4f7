from dags.bridge.events import News
from dags.bridge.openlineage import dataset, facets

ADDRESSES = {
    "landing.files": "file:///landing/files",
    "silver.rows": "s3://bucket/lake/silver/rows",
    "gold.rows": "s3://bucket/lake/gold/rows",
    "models.tree": "x-mlflow-model://tree",
}


def news(version: int, rows: int | None, *reads: tuple[str, int | None]) -> News:
    return News(extra={"version": version, "rows": rows}, reads=reads)


def test_addresses_are_spelled_as_openlineage_spells_them() -> None:
    assert dataset(ADDRESSES["landing.files"]) == ("file", "/landing/files")
    assert dataset(ADDRESSES["gold.rows"]) == ("s3://bucket", "lake/gold/rows")
    assert dataset(ADDRESSES["models.tree"]) == ("mlflow", "tree")


def test_versions_are_told_of_what_was_read_and_made() -> None:
    told = facets({"gold.rows": news(4, 10, ("silver.rows", 7), ("models.tree", 2))}, ADDRESSES)
    assert [(each.name, each.facets["version"].datasetVersion) for each in told.inputs] == [
        ("lake/silver/rows", "7"),
        ("tree", "2"),
    ]
    (output,) = told.outputs
    assert (output.name, output.facets["version"].datasetVersion) == ("lake/gold/rows", "4")
    assert output.outputFacets["outputStatistics"].rowCount == 10


def test_landed_files_have_no_version_and_what_a_task_read_of_its_own_is_no_input() -> None:
    made = {"silver.rows": news(1, 5, ("landing.files", None)), "gold.rows": news(4, None, ("silver.rows", 1))}
    told = facets(made, ADDRESSES)
    assert [(each.name, dict(each.facets)) for each in told.inputs] == [("/landing/files", {})]
    assert [dict(each.outputFacets) for each in told.outputs][1] == {}


def test_what_was_read_at_another_version_than_was_made_is_an_input() -> None:
    made = {"silver.rows": news(2, 5), "gold.rows": news(4, 5, ("silver.rows", 1))}
    assert [each.facets["version"].datasetVersion for each in facets(made, ADDRESSES).inputs] == ["1"]
