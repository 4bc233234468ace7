"""Memory by NUMA node."""

from __future__ import annotations

import os
from typing import Any

import pytest

from collectors.metrics import catalogue, numa
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies

PAGE = os.sysconf("SC_PAGE_SIZE")


def _parsed(recorded: Any, content: bytes) -> Value:
    values: list[Value] = [None] * len(catalogue.ROW)
    (plan,) = numa.probe(recorded.host)
    plan.parse((content,), values)
    return values[INDEX[catalogue.MEMORY_NUMA_PAGES]]


def test_v1_tells_pages_of_the_cgroup_itself_and_of_all_below(v1: Any) -> None:
    content = b"total=6 N0=2 N1=4\nfile=5 N0=2 N1=3\nhierarchical_total=60 N0=20 N1=40\nhierarchical_anon=9 N0=9 N1=0\n"
    assert _parsed(v1, content) == (
        (',type="file",scope="container",node="0"', 2),
        (',type="file",scope="container",node="1"', 3),
        (',type="anon",scope="hierarchy",node="0"', 9),
        (',type="anon",scope="hierarchy",node="1"', 0),
    )


def test_v2_tells_bytes_of_all_below(v2: Any) -> None:
    content = b"anon N0=%d N1=0\nfile_mapped N0=9 N1=9\nunevictable N0=%d N1=%d\n" % (
        3 * PAGE,
        PAGE,
        2 * PAGE,
    )
    assert _parsed(v2, content) == (
        (',type="anon",scope="hierarchy",node="0"', 3),
        (',type="anon",scope="hierarchy",node="1"', 0),
        (',type="unevictable",scope="hierarchy",node="0"', 1),
        (',type="unevictable",scope="hierarchy",node="1"', 2),
    )


def test_nothing_read_is_nothing_told(either: Any) -> None:
    assert _parsed(either, b"") is None


def test_why_there_is_none(either: Any) -> None:
    with pytest.raises(NotSupported, match="controller memory"):
        numa.probe(Host(Hierarchies({}, None)))
    (either.at("memory", "/") / "memory.numa_stat").unlink()
    with pytest.raises(NotSupported, match="CONFIG_NUMA"):
        numa.probe(either.host)
