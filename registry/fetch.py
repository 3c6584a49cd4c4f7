"""`python -m registry.fetch NAME VERSION FOLDER`: brings a model here for a server that must not load MLflow.

The folder is complete when it holds `served.json`, which is written last. What went wrong is the last line on stderr.
"""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from lakehouse.errors import PlatformError, StoreUnreachable
from lakehouse.stamp import decode
from registry.errors import ModelUnreadable, ModelUnsupported
from registry.loading import Downloaded, download
from registry.settings import RegistrySettings
from registry.signature import categories_of
from registry.tags import STAMP, inputs_of

CARD = "served.json"


def fetch_model(settings: RegistrySettings, name: str, version: int, folder: Path) -> Path:
    """Leaves the model's file and `served.json` in a folder, and returns the card's path."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / CARD).unlink(missing_ok=True)
        with tempfile.TemporaryDirectory(prefix=".fetched-", dir=folder) as passing:
            found = download(settings, name, version, Path(passing))
            if "xgboost" not in found.flavors:
                kinds = ", ".join(kind for kind in found.flavors if kind != "python_function")
                raise ModelUnsupported(name, kinds or "unknown", ("xgboost, the one kind that is served",))
            texts = [column for column in found.columns if column["type"] == "string"]
            source = found.folder / str(found.flavors["xgboost"].get("data"))
            if not source.is_file():
                raise ModelUnreadable(name, version, f"it has no file {source.name!r}")
            categories = _categories(name, version, source) if texts else {}
            shutil.move(source, folder / source.name)
            card = Path(passing) / CARD
            told = _card(name, version, source.name, found) | {
                "fields": [{**column, **_named(categories, column)} for column in found.columns],
                "files": {source.name: _sha256(folder / source.name)},
            }
            card.write_text(json.dumps(told, indent=1))
            card.rename(folder / CARD)
    except OSError as error:
        raise StoreUnreachable(str(folder), str(error)) from error
    return folder / CARD


def _card(name: str, version: int, file: str, found: Downloaded) -> dict[str, object]:
    return {
        "name": name,
        "version": version,
        "run_id": found.run_id,
        "flavor": "xgboost",
        "model_file": file,
        "features": list(found.features),
        "derived": dict(found.derived),
        "inputs": inputs_of(found.tags),
        "classes": list(found.classes),
        "example": found.example,
        "golden": found.golden,
        "trained": _trained(found.tags),
    }


def _trained(tags: Mapping[str, str]) -> dict[str, object] | None:
    """How the version came to be; None for one that another program registered."""
    stamp = decode(tags.get(STAMP))
    return None if stamp is None else {"asset": stamp.asset, "code": stamp.code, "run": stamp.run}


def _categories(name: str, version: int, file: Path) -> Mapping[str, tuple[str, ...]]:
    import xgboost
    from xgboost.core import XGBoostError

    try:
        return categories_of(xgboost.Booster(model_file=str(file)))
    except (XGBoostError, OSError, ValueError) as error:
        raise ModelUnreadable(name, version, str(error).strip().splitlines()[0]) from error


def _named(categories: Mapping[str, tuple[str, ...]], column: Mapping[str, object]) -> dict[str, object]:
    found = categories.get(str(column["name"]))
    return {} if found is None else {"categories": found}


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def main(arguments: list[str]) -> int:
    """The exit code: 0 fetched, 1 not fetched, 2 asked wrongly."""
    if len(arguments) != 3 or not arguments[1].isdigit():
        print("wanted: python -m registry.fetch NAME VERSION FOLDER", file=sys.stderr)
        return 2
    name, version, folder = arguments
    try:
        fetch_model(RegistrySettings.from_env(), name, int(version), Path(folder))
    except PlatformError as error:
        print(str(error).replace("\n", " "), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main(sys.argv[1:]))
