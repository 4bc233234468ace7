"""The catalogue keeps Prometheus' rules of naming and its own order."""

from __future__ import annotations

import re

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family, Kind

# cAdvisor's names for gauges, which dashboards know.
MISNAMED = re.compile(r"container_(network_(tcp6?|udp6?)_usage|fs_inodes)_total")


def test_names_are_unique_and_valid() -> None:
    names = [family.name for family in catalogue.ALL]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"(container|machine|deckwatch)_[a-z][a-z0-9_]*", name) for name in names)


@pytest.mark.parametrize("family", catalogue.ALL, ids=lambda family: family.name)
def test_type_unit_and_suffix_agree(family: Family) -> None:
    if MISNAMED.fullmatch(family.name):
        assert family.kind is Kind.GAUGE
    else:
        assert (family.kind is Kind.COUNTER) == family.name.endswith("_total")
    assert (family.kind is Kind.INFO) == family.name.endswith("_info")
    if family.unit:
        assert family.name.removesuffix("_total").endswith(f"_{family.unit}")
    assert family.help.endswith(".") and "\n" not in family.help
    if family.compat is catalogue.Compat.FIXED:
        assert family.difference, "a fixed family says what differs"


def test_a_row_has_each_family_once_and_each_collector_together() -> None:
    assert [catalogue.ROW[at] for at in catalogue.INDEX.values()] == list(catalogue.ROW)
    runs = [
        name
        for at, name in enumerate(f.collector for f in catalogue.ROW)
        if at == 0 or name != catalogue.ROW[at - 1].collector
    ]
    assert runs == list(catalogue.COLLECTORS)


def test_series_outlive_their_container_by_kind() -> None:
    assert catalogue.CPU_USAGE.dead == "final"
    assert catalogue.MEMORY_FAILCNT.dead == "final"
    assert catalogue.MEMORY_USAGE.dead == "end"
    assert {family.dead for family in catalogue.LIFECYCLE} == {"kept"}
