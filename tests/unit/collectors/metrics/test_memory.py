"""Memory."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, memory
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host, Pace
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies


def _parsed(recorded: Any, pace: Pace, *contents: bytes) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    (plan,) = (plan for plan in memory.probe(recorded.host) if plan.pace is pace)
    plan.parse(contents, values)
    return values


def test_v1_counts_the_whole_subtree(v1: Any) -> None:
    values = _parsed(
        v1, Pace.ALWAYS, b"100\n", b"rss 1\ntotal_rss 70\ninactive_file 99\ntotal_inactive_file 30\n", b"7\n"
    )
    assert values[INDEX[catalogue.MEMORY_KERNEL]] == 7
    assert values[INDEX[catalogue.MEMORY_RSS]] == 70
    assert values[INDEX[catalogue.MEMORY_WORKING_SET]] == 70
    assert values[INDEX[catalogue.MEMORY_SWAP]] is None
    assert values[INDEX[catalogue.MEMORY_FAILURES]] is None


def test_without_the_statistics_there_is_no_working_set(either: Any) -> None:
    values = _parsed(either, Pace.ALWAYS, b"100\n", b"", b"")
    assert values[INDEX[catalogue.MEMORY_USAGE]] == 100
    assert values[INDEX[catalogue.MEMORY_WORKING_SET]] is None


def test_an_old_v2_kernel_has_neither_peak_nor_kernel_nor_reclaim(v2: Any) -> None:
    values = _parsed(v2, Pace.ALWAYS, b"100\n", b"anon 1\nfile 2\ninactive_file 40\n", b"")
    assert values[INDEX[catalogue.MEMORY_WORKING_SET]] == 60
    for family in (catalogue.MEMORY_KERNEL, catalogue.MEMORY_PGSCAN, catalogue.MEMORY_SWAP):
        assert values[INDEX[family]] is None
    still = _parsed(v2, Pace.STILL, b"", b"low 0\nhigh 1\nmax 2\noom 3\noom_kill 4\n")
    assert still[INDEX[catalogue.MEMORY_MAX_USAGE]] is None
    assert still[INDEX[catalogue.OOM_EVENTS]] == 4


def test_kernels_before_the_oom_kill_counter(v1: Any) -> None:
    values = _parsed(v1, Pace.STILL, b"", b"", b"oom_kill_disable 0\nunder_oom 0\n")
    assert values[INDEX[catalogue.OOM_EVENTS]] is None


def test_a_host_without_the_controller_says_so() -> None:
    with pytest.raises(NotSupported, match="controller memory"):
        memory.probe(Host(Hierarchies({}, None)))
