"""The generated documents."""

from __future__ import annotations

import pathlib

import pytest

from agent import reference
from agent.config.schema import keys
from collectors.metrics import catalogue

ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize("name", reference.DOCUMENTS)
def test_the_documents_are_current(name: str) -> None:
    committed = (ROOT / "docs" / name).read_text(encoding="utf-8")
    assert committed == reference.DOCUMENTS[name](), "run `make docs` and commit what it changes"


def test_every_key_and_family_stands_in_them() -> None:
    configuration, metrics = reference.configuration(), reference.metrics()
    for key in keys():
        if not key.path.endswith(":"):
            assert f"`{key.path}`" in configuration
    for family in catalogue.ALL:
        assert f"| `{family.name}` |" in metrics


def test_it_writes_into_a_directory(tmp_path: pathlib.Path) -> None:
    assert reference.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(reference.DOCUMENTS)
    assert reference.main([]) == 2
    assert reference.main([str(tmp_path / "absent")]) == 2
