"""The tests mirror the tree: each module has its own test file, and each test file its module."""

from __future__ import annotations

import pathlib

ROOT = pathlib.Path(__file__).parents[2]
PACKAGES = ("agent", "collectors", "runtime", "dashboards")


# Tables of metric families: tested together, by the test of what a family is.
DATA = "collectors/metrics/catalogue/"


def modules() -> set[str]:
    """`agent/cli/ps.py` as `agent/cli/test_ps.py`, for every module that is not a package's front page."""
    return {
        str(path.relative_to(ROOT).with_name(f"test_{path.name}"))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
        and (DATA not in str(path) or path.name == "family.py")
    }


def test_each_module_has_its_test_file() -> None:
    tests = {str(path.relative_to(ROOT / "tests/unit")) for path in (ROOT / "tests/unit").rglob("test_*.py")}
    missing = sorted(modules() - tests)
    assert not missing, f"modules without a test file under tests/unit: {missing}"


def test_each_test_file_has_its_module() -> None:
    tests = {
        str(path.relative_to(ROOT / "tests/unit"))
        for package in PACKAGES
        for path in (ROOT / "tests/unit" / package).rglob("test_*.py")
    }
    orphans = sorted(tests - modules())
    assert not orphans, f"test files whose module is gone: {orphans}"
