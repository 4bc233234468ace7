"""The configuration reference, and the writing of the documents."""

from __future__ import annotations

import pathlib

from agent import reference
from agent.config.schema import keys

ROOT = pathlib.Path(__file__).parents[4]


def test_the_document_is_current() -> None:
    committed = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert committed == reference.configuration(), "run `make docs` and commit what it changes"


def test_every_key_stands_in_it() -> None:
    document = reference.configuration()
    for key in keys():
        if not key.path.endswith(":"):
            assert f"`{key.path}`" in document


def test_documents_are_written_into_a_directory(tmp_path: pathlib.Path) -> None:
    assert reference.main([str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == set(reference.DOCUMENTS)
    assert reference.main([]) == 2
    assert reference.main([str(tmp_path / "absent")]) == 2
