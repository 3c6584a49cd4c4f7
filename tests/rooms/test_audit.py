"""Nothing passes as audited that no database of advisories has looked at."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    spec = importlib.util.spec_from_file_location("audit", SCRIPTS / "audit.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("set_up", None)


def report(**told: object) -> dict[str, object]:
    return {"dependencies": [{"name": "jinja2", **told}], "fixes": []}


def test_a_fault_is_named_with_the_version_that_mends_it(audit: ModuleType) -> None:
    fault = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.5"], "description": ""}
    told = report(version="2.4.1", vulns=[fault])
    assert audit.faults(told) == ["jinja2 2.4.1: PYSEC-1, mended in 2.5"]
    audit.ACCEPTED = {"CVE-1": "it is not reached"}
    assert audit.faults(told) == []


def test_a_package_that_the_database_does_not_know_is_not_one_without_faults(audit: ModuleType) -> None:
    unknown = report(skip_reason="Dependency not found on PyPI and could not be audited: jinja2 (2.4.1)")
    assert (audit.faults(unknown), audit.skipped(unknown)) == ([], ["jinja2"])
    assert audit.faults(None) == []


def test_what_is_locked_can_be_asked_for(audit: ModuleType) -> None:
    lines = audit.exported(dict(audit.os.environ)).splitlines()
    assert any(line.startswith("xgboost==") for line in lines)
    assert not any("index.invalid" in line for line in lines)
