"""`lakeline predict` with a real registry: by alias or by version, one row or a file."""

from pathlib import Path

import pytest
from pyarrow import parquet

from lakehouse.lake import Lake
from registry.models import Models
from tests.api.terminal import lakeline
from tests.registry.kept import NAME, save

SETOSA = ("sepal_length=5.1", "sepal_width=3.5", "petal_length=1.4", "petal_width=0.2")


@pytest.mark.slow
@pytest.mark.long
def test_a_version_is_asked_by_its_alias_or_its_number_and_says_which_it_is(tmp_path: Path) -> None:
    models = Models.from_env(Lake.from_env())
    save(models, version=3)
    save(models, version=4, sequence=2, run="r2")
    source, to = tmp_path / "flowers.csv", tmp_path / "predicted.parquet"
    source.write_text("sepal_length,sepal_width,petal_length,petal_width,who\n5.1,3.5,1.4,0.2,ada\n")
    mine = ("--model", NAME)

    by_alias = lakeline("predict", *SETOSA, *mine, "--alias", "candidate", "--json", folder=tmp_path)
    assert by_alias.json["version"] == 2  # type: ignore[index]
    done = lakeline("predict", str(source), "--to", str(to), *mine, "--version", "1", folder=tmp_path)
    assert done.code == 0, done.err
    (row,) = parquet.read_table(to).to_pylist()
    assert (row["who"], row["prediction"], row["class"]) == ("ada", 0, "setosa")
    assert (row["version"], row["inputs"]) == (1, "gold.iris_features@3")

    unknown = lakeline("predict", str(source), "--to", "out.csv", *mine, "--version", "9", folder=tmp_path)
    assert (unknown.code, "has no version 9 in MLflow" in unknown.err) == (2, True)
    nobody = lakeline("predict", str(source), "--to", "out.csv", *mine, folder=tmp_path)
    assert (nobody.code, "has the alias 'production'" in nobody.err) == (2, True)
    assert not (tmp_path / "out.csv").exists()
    source.write_text(source.read_text().replace("0.2", "wide"))
    bad = lakeline("predict", str(source), "--to", "out.csv", *mine, "--version", "1", folder=tmp_path)
    assert (bad.code, "line 2, column 'petal_width': wanted a number; found 'wide'" in bad.err) == (2, True)
    assert sorted(file.name for file in tmp_path.iterdir() if file.is_file()) == ["flowers.csv", "predicted.parquet"]
