"""The metrics reference."""

from __future__ import annotations

import pathlib

from agent import reference
from agent.exposition.selfmetrics import FAMILIES
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Compat, cadvisor

ROOT = pathlib.Path(__file__).parents[4]


def test_the_document_is_current() -> None:
    committed = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert committed == reference.metrics(), "run `make docs` and commit what it changes"


def test_every_family_stands_in_it() -> None:
    document = reference.metrics()
    for family in (*catalogue.ALL, *FAMILIES):
        assert f"| `{family.name}` |" in document


def test_each_of_cadvisors_families_is_here_or_left_out_for_a_reason() -> None:
    ours = {family.name for family in (*catalogue.ALL, *FAMILIES) if family.compat is not Compat.OWN}
    left_out = set(cadvisor.LEFT_OUT)
    assert ours | left_out == set(cadvisor.NAMES) and not ours & left_out


def test_each_family_of_containers_names_its_source() -> None:
    without = [one.name for one in catalogue.ROW if not (one.v1 or one.v2 or one.proc)]
    assert without == []


def test_each_row_has_as_many_cells_as_its_table() -> None:
    width = 0
    for line in reference.metrics().splitlines():
        cells = line.replace("\\|", "").count("|") if line.startswith("|") else 0
        assert not (width and cells) or cells == width, line
        width = cells
