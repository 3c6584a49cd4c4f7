"""Lineage both ways, told by the stamps alone."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from assets import rows
from assets.asset import TableAsset
from assets.errors import UnknownVersion
from assets.lineage import Lineage, Node
from assets.tracing import found_version
from lakehouse.lake import Lake
from tests.assets.authored import copied, flowers_landing, joined, line_of_tree, made_by, numbers, put, told_by


def keys(node: Node) -> object:
    """A tree as names, each with its version and what lies next to it."""
    name = f"{node.key} v{node.version}" + (f" @{node.alias}" if node.alias else "")
    return {name: [keys(inner) for inner in node.next]} if node.next else name


def flowers(lake: Lake) -> tuple[object, ...]:
    """From landed files to a table."""
    put(lake, "a.csv", "id,name\n1,rose\n")
    return (
        flowers_landing(),
        copied("bronze.flowers_raw", "landing.flowers", write="append"),
        copied("silver.flowers_clean", "bronze.flowers_raw"),
    )


def test_upstream_goes_down_to_the_landed_files(lake: Lake) -> None:
    materializer = made_by(lake, *flowers(lake))  # type: ignore[arg-type]
    materializer.run()
    put(lake, "b.csv", "id,name\n2,tulip\n")
    materializer.run()
    lineage = Lineage.of(lake)
    newest, first = lineage.find("silver.flowers_clean"), lineage.find("silver.flowers_clean", 0)
    assert keys(lineage.upstream(newest)) == {
        "silver.flowers_clean v1": [{"bronze.flowers_raw v1": ["landing.flowers v2"]}]
    }
    (raw,) = lineage.upstream(newest).next
    assert raw.made
    assert [file.name for file in raw.made.files] == ["flowers/a.csv", "flowers/b.csv"]
    (raw,) = lineage.upstream(first).next
    assert raw.made
    assert [file.name for file in raw.made.files] == ["flowers/a.csv"]


def test_a_table_that_is_replaced_holds_the_files_of_its_last_version_alone(lake: Lake) -> None:
    put(lake, "a.csv", "id,name\n1,rose\n")
    materializer = made_by(lake, flowers_landing(), copied("bronze.flowers_all", "landing.flowers"))
    materializer.run()
    (lake.settings.landing / "flowers" / "a.csv").unlink()
    put(lake, "b.csv", "id,name\n2,tulip\n")
    materializer.run()
    lineage = Lineage.of(lake)
    assert [[f.name for f in v.files] for v in lineage.versions["bronze.flowers_all"]] == [
        ["flowers/a.csv"],
        ["flowers/b.csv"],
    ]


def test_upstream_and_downstream_of_a_diamond(lake: Lake) -> None:
    declared = (
        numbers("bronze.top", [1]),
        copied("silver.left", "bronze.top"),
        copied("silver.right", "bronze.top"),
        joined("gold.bottom", "silver.left", "silver.right"),
    )
    made_by(lake, *declared).run()
    lineage = Lineage.of(lake)
    assert keys(lineage.upstream(lineage.find("gold.bottom"))) == {
        "gold.bottom v0": [{"silver.left v0": ["bronze.top v0"]}, {"silver.right v0": ["bronze.top v0"]}]
    }
    assert keys(lineage.downstream(lineage.find("bronze.top"))) == {
        "bronze.top v0": [{"silver.left v0": ["gold.bottom v0"]}, {"silver.right v0": ["gold.bottom v0"]}]
    }


def test_each_version_is_linked_to_the_version_that_it_was_made_from(lake: Lake) -> None:
    for ids in ([1], [1, 2]):
        made_by(lake, numbers("bronze.top", ids), copied("silver.left", "bronze.top")).run()
    lineage = Lineage.of(lake)
    for version in (0, 1):
        assert keys(lineage.upstream(lineage.find("silver.left", version))) == {
            f"silver.left v{version}": [f"bronze.top v{version}"]
        }
        assert keys(lineage.downstream(lineage.find("bronze.top", version))) == {
            f"bronze.top v{version}": [f"silver.left v{version}"]
        }


def test_what_was_kept_back_is_downstream_of_what_it_was_kept_back_from(lake: Lake) -> None:
    check = rows("id > 0", otherwise="quarantine")
    made_by(lake, numbers("bronze.top", [1, -1]), copied("silver.left", "bronze.top", checks=[check])).run()
    lineage = Lineage.of(lake)
    found = {node.key for node in lineage.downstream(lineage.find("bronze.top")).next}
    assert found == {"silver.left", "quarantine.silver.left"}


def test_a_commit_of_maintenance_is_the_version_whose_data_it_keeps(lake: Lake) -> None:
    import deltalake

    top = numbers("bronze.top", [1])
    appended = replace(top, write="append")
    made_by(lake, appended, copied("silver.left", "bronze.top")).run()
    made_by(lake, appended, copied("silver.left", "bronze.top")).run(force=True)
    deltalake.DeltaTable(lake.location("bronze.top").uri).optimize.compact()
    lineage = Lineage.of(lake)
    assert [version.table.version for version in lineage.versions["bronze.top"]] == [0, 1, 1]
    assert keys(lineage.downstream(lineage.find("bronze.top", 2))) == {"bronze.top v2": ["silver.left v1"]}
    assert keys(lineage.upstream(lineage.find("silver.left"))) == {"silver.left v1": ["bronze.top v1"]}


def test_a_dropped_and_recreated_table_is_another_table(lake: Lake) -> None:
    declared = (numbers("bronze.top", [1]), copied("silver.left", "bronze.top"))
    made_by(lake, *declared).run()
    shutil.rmtree(lake.location("bronze.top").uri)
    made_by(lake, declared[0]).run()
    lineage = Lineage.of(lake)
    (input_,) = lineage.upstream(lineage.find("silver.left")).next
    assert (input_.key, input_.version, input_.made) == ("bronze.top", 0, None)
    assert lineage.downstream(lineage.find("bronze.top")).next == ()
    planned = made_by(lake, *declared).plan()
    assert planned.steps[1].causes == ("input bronze.top v0 -> v0 (another table)",)


def model_line() -> tuple[object, ...]:
    return (
        numbers("gold.rows", range(8)),
        line_of_tree(),
        told_by("gold.told", "staging"),
        copied("gold.report", "gold.told"),
    )


@pytest.mark.slow
def test_downstream_reaches_models_and_predictions_and_upstream_leads_back(lake: Lake, store: Path) -> None:
    assert store.exists()
    materializer = made_by(lake, *model_line())  # type: ignore[arg-type]
    materializer.run()
    materializer.models.promote("tree", 1, "staging", by="ann", why="reviewed")
    materializer.run()
    lineage = Lineage.of(lake)
    assert keys(lineage.downstream(lineage.find("gold.rows"))) == {
        "gold.rows v0": [
            {"models.tree v1": [{"gold.told v0": ["gold.report v0"]}]},
            {"gold.told v0": ["gold.report v0"]},
        ]
    } or keys(lineage.downstream(lineage.find("gold.rows"))) == {
        "gold.rows v0": [
            {"gold.told v0": ["gold.report v0"]},
            {"models.tree v1": [{"gold.told v0": ["gold.report v0"]}]},
        ]
    }
    assert keys(lineage.upstream(lineage.find("gold.report"))) == {
        "gold.report v0": [{"gold.told v0": ["gold.rows v0", {"models.tree v1 @staging": ["gold.rows v0"]}]}]
    }
    models = materializer.models
    for text in ("models.tree", "models.tree@staging", "models.tree@v1", "models.tree@1", "models.tree@candidate"):
        assert found_version(lineage, models, text).version == 1
    with pytest.raises(UnknownVersion):
        found_version(lineage, models, "models.tree@production")


@pytest.mark.slow
def test_lineage_is_what_the_raw_log_and_sql_tell(lake: Lake) -> None:
    made_by(lake, *flowers(lake)).run()  # type: ignore[arg-type]
    told = lake.query("SELECT asset, version, input, input_version FROM lakeline.lineage ORDER BY asset").to_pylist()
    assert told == [
        {"asset": "bronze.flowers_raw", "version": 0, "input": "landing.flowers", "input_version": 1},
        {"asset": "silver.flowers_clean", "version": 0, "input": "bronze.flowers_raw", "input_version": 0},
    ]
    log = Path(lake.location("silver.flowers_clean").uri) / "_delta_log" / f"{0:020}.json"
    infos = [json.loads(line).get("commitInfo") for line in log.read_text().splitlines()]
    (stamp,) = (json.loads(info["userMetadata"]) for info in infos if info)
    lineage = Lineage.of(lake)
    (raw,) = lineage.upstream(lineage.find("silver.flowers_clean")).next
    assert raw.made
    assert stamp["inputs"] == {"bronze.flowers_raw": {"table": raw.made.table.table_id, "version": 0}}


def test_an_unknown_version_is_told_with_what_there_is(lake: Lake) -> None:
    declared: tuple[TableAsset, ...] = (numbers("bronze.top", [1]),)
    made_by(lake, *declared).run()
    lineage = Lineage.of(lake)
    with pytest.raises(UnknownVersion, match="bronze.top has no version 7; it has 0 to 0"):
        lineage.find("bronze.top", 7)
    with pytest.raises(UnknownVersion, match="did you mean bronze.top"):
        lineage.find("bronze.tops")


def test_a_commit_of_others_has_no_story_but_is_a_version(lake: Lake) -> None:
    import deltalake
    import pyarrow as pa

    made_by(lake, numbers("bronze.top", [1])).run()
    deltalake.write_deltalake(lake.location("bronze.top").uri, pa.table({"id": [2]}), mode="append")
    lineage = Lineage.of(lake)
    newest = lineage.find("bronze.top")
    assert (newest.version, newest.stamp) == (1, None)
    assert lineage.upstream(newest).next == ()
