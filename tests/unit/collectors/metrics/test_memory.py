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


def test_what_the_kernel_could_take_back(v1: Any, v2: Any) -> None:
    one = _parsed(v1, Pace.ALWAYS, b"", b"total_inactive_file 30\ntotal_active_file 4\n", b"")
    two = _parsed(v2, Pace.ALWAYS, b"", b"inactive_file 30\nactive_file 4\nslab_reclaimable 5\n", b"")
    place = INDEX[catalogue.MEMORY_RECLAIMABLE]
    assert (one[place], two[place]) == (34, 39)


def test_who_took_memory_back_as_far_as_the_kernel_tells_them_apart(v2: Any) -> None:
    stat = b"pgscan_kswapd 1\npgscan_direct 2\npgsteal 4\n"
    values = _parsed(v2, Pace.ALWAYS, b"", stat, b"")
    assert values[INDEX[catalogue.MEMORY_RECLAIM_SCANNED]] == (
        (',reclaimer="kswapd"', 1),
        (',reclaimer="direct"', 2),
    )
    assert values[INDEX[catalogue.MEMORY_RECLAIM_TAKEN]] is None
    assert values[INDEX[catalogue.MEMORY_PGSTEAL]] == 4


def test_events_of_a_whole_container_killed(v2: Any) -> None:
    events = b"low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\noom_group_kill 6\n"
    values = _parsed(v2, Pace.STILL, b"", events)
    told = (
        catalogue.MEMORY_EVENTS_LOW,
        catalogue.MEMORY_EVENTS_HIGH,
        catalogue.MEMORY_EVENTS_MAX,
        catalogue.MEMORY_EVENTS_OOM,
        catalogue.OOM_EVENTS,
        catalogue.MEMORY_EVENTS_OOM_GROUP_KILL,
    )
    assert [values[INDEX[family]] for family in told] == [1, 2, 3, 4, 5, 6]


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
