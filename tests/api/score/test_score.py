"""A file of rows becomes a file of predictions: the same as a server's, told where they come from, and whole or not there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import csv, parquet

from api.predictor import Predictor, load
from api.score.score import predict_file
from lakehouse.errors import NotReadable
from tests.api import served_models as models

IRIS = "id,sepal_length,sepal_width,petal_length,petal_width\n"
ROWS = 'a,5.1,3.5,1.4,0.2\n"b\nc",6.3,3.3,6.0,2.5\n\nd, 5.1 ,3.5,1.4,0.2\n'


@pytest.fixture(scope="module")
def iris(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load(models.place(tmp_path_factory.mktemp("iris"), models.iris_booster(), models.card()))


@pytest.fixture(scope="module")
def rent(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    return load(models.place(tmp_path_factory.mktemp("rent"), models.rent_booster(), models.rent_card()))


def written(folder: Path, text: str) -> Path:
    file = folder / "in.csv"
    file.write_text(text)
    return file


def refusal(predictor: Predictor, source: Path) -> str:
    """Why a file is not predicted; nothing is left of the attempt."""
    to = source.parent / "out.parquet"
    with pytest.raises(NotReadable) as refused:
        predict_file(predictor, source, to, count=2)
    assert [file.name for file in source.parent.iterdir()] == [source.name]
    return refused.value.reason


def test_a_csv_becomes_a_parquet_with_all_its_columns_the_predictions_and_their_lineage(
    iris: Predictor, tmp_path: Path
) -> None:
    to = tmp_path / "new" / "out.parquet"
    assert predict_file(iris, written(tmp_path, IRIS + ROWS), to, count=2) == 3
    found = parquet.read_table(to)
    assert found.column_names == [
        *("id", "sepal_length", "sepal_width", "petal_length", "petal_width"),
        *("prediction", "class", "probability_setosa", "probability_versicolor", "probability_virginica"),
        *("model", "version", "run", "inputs", "predicted_at"),
    ]
    rows = found.to_pylist()
    assert [row["id"] for row in rows] == ["a", "b\nc", "d"]
    assert [(row["prediction"], row["class"]) for row in rows] == [(0, "setosa"), (2, "virginica"), (0, "setosa")]
    assert rows[0]["prediction"] == iris.predict(models.SETOSA)
    assert sum(rows[1][f"probability_{name}"] for name in iris.classes or ()) == pytest.approx(1, abs=1e-6)
    told = [rows[0][name] for name in ("model", "version", "run", "inputs", "petal_width")]
    assert told == ["iris_xgboost_classifier", 1, "run1", "gold.iris_features@3", 0.2]
    assert abs((rows[0]["predicted_at"] - datetime.now(UTC)).total_seconds()) < 60
    assert [file.name for file in to.parent.iterdir()] == ["out.parquet"]


def test_a_parquet_becomes_a_csv_and_the_types_of_the_model_are_kept(rent: Predictor, tmp_path: Path) -> None:
    rows = [models.FLAT, {**models.FLAT, "floor": None, "town": "Mainz"}, {**models.FLAT, "is_new": True}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet", row_group_size=1)
    assert predict_file(rent, tmp_path / "in.parquet", tmp_path / "out.csv", count=2) == 3
    found = csv.read_csv(tmp_path / "out.csv").to_pylist()
    assert [row["prediction"] for row in found] == pytest.approx([rent.predict(row) for row in rows], rel=1e-6)
    assert [(row["floor"], row["town"], row["is_new"]) for row in found] == [
        (2, "Koeln", False),
        (None, "Mainz", False),
        (2, "Koeln", True),
    ]
    # The same rows as texts, as a program writes them that has no null among its integers.
    source = written(tmp_path, "is_new,town,area,floor\nfalse,Koeln,50,2.0\nFalse,Mainz,5e1,\nTRUE,Koeln,50.0,2\n")
    predict_file(rent, source, tmp_path / "again.parquet")
    again = parquet.read_table(tmp_path / "again.parquet")
    assert again.column("prediction").to_pylist() == pytest.approx([row["prediction"] for row in found], rel=1e-6)
    assert again.column("floor").to_pylist() == [2, None, 2]


def test_a_file_without_rows_becomes_one_without_rows(iris: Predictor, tmp_path: Path) -> None:
    assert predict_file(iris, written(tmp_path, IRIS), tmp_path / "out.csv") == 0
    assert (tmp_path / "out.csv").read_text().startswith('"id","sepal_length"')
    parquet.write_table(csv.read_csv(tmp_path / "out.csv").select(models.FIELDS), tmp_path / "in.parquet")
    schema = pa.schema([(name, pa.float64()) for name in models.FIELDS])
    parquet.write_table(schema.empty_table(), tmp_path / "in.parquet")
    assert predict_file(iris, tmp_path / "in.parquet", tmp_path / "out.parquet") == 0
    assert "predicted_at" in parquet.read_schema(tmp_path / "out.parquet").names


def lines(*wrong: str) -> Iterator[str]:
    yield "area,town,floor,is_new\n"
    for line in wrong:
        yield f"{line}\n"
        yield "50,Koeln,2,false\n"


def test_bad_rows_are_named_by_line_and_column_and_no_file_is_left(rent: Predictor, tmp_path: Path) -> None:
    bad = ("50,Koeln,2,false", "x,Koeln,2.5,false", "50,Paris,2,maybe", "inf,Koeln,2,false")
    told = refusal(rent, written(tmp_path, "".join(lines(*bad))))
    assert told == "line 4, column 'area': wanted a number; found 'x'"
    assert refusal(rent, written(tmp_path, "".join(lines("50,Koeln,2,false", "50,Paris,2,0")))).startswith(
        "line 4, column 'town': wanted one of Bonn, Koeln, Mainz"
    )
    assert refusal(rent, written(tmp_path, "".join(lines(",Koeln,2,false", "50,Koeln,2,no")))).startswith(
        "line 2, column 'area': is null"
    )
    two = "area,town,floor,is_new\n50,Koeln,1e30,false\n50,Koeln,2,no\n"
    assert refusal(rent, written(tmp_path, two)) == (
        "line 2, column 'floor': wanted a whole number; found '1e30'; "
        "line 3, column 'is_new': wanted true or false; found 'no'"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("a,a\n1,2\n", "names 'a' twice"),
        ("town,floor\nBonn,2\n", "column 'area': is required; column 'is_new': is required"),
        ("area,town,floor,is_new,run\n50,Koeln,2,false,7\n", "column 'run': is the name of a column that is added"),
        ("area,town,floor,is_new\n50,Koeln,2\n", "line 2 has 3 fields, wanted 4"),
        ("area,town,floor,is_new\n50,K\udcff,2,0\n", "line 2 is not UTF-8"),
    ],
)
def test_a_file_that_is_no_table_for_the_model_is_refused(
    rent: Predictor, tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "in.csv").write_bytes(text.encode(errors="surrogateescape"))
    assert reason in refusal(rent, tmp_path / "in.csv")


def test_bad_rows_of_a_parquet_are_named_by_their_number(iris: Predictor, tmp_path: Path) -> None:
    rows = [models.SETOSA, models.SETOSA, {**models.SETOSA, "petal_width": 0.0}]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "in.parquet")
    assert refusal(iris, tmp_path / "in.parquet").startswith("row 3, column 'petal_length': petal_ratio = ")
    (tmp_path / "in.parquet").write_bytes(b"PAR1 no")
    assert "Parquet" in refusal(iris, tmp_path / "in.parquet")


def test_a_file_that_is_there_is_not_written_over(iris: Predictor, tmp_path: Path) -> None:
    source = written(tmp_path, IRIS + ROWS)
    with pytest.raises(NotReadable, match="it is there already"):
        predict_file(iris, source, source)
    assert source.read_text() == IRIS + ROWS
    with pytest.raises(NotReadable, match=r"wanted a name that ends in .csv or .parquet"):
        predict_file(iris, source, tmp_path / "out.json")
