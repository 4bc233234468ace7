"""CPU time."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from collectors.metrics import catalogue, cpu
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host, Plan
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies

QUOTA = INDEX[catalogue.SPEC_CPU_QUOTA]


def _plans(host: Host) -> list[Plan]:
    return [plan for plan in cpu.probe(host) if isinstance(plan, Plan)]


def _parsed(recorded: Any, *contents: bytes, quota: int | None = None) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    values[QUOTA] = quota
    for plan, content in zip(_plans(recorded.host), contents, strict=True):
        plan.parse((content,), values)
    return values


def test_nanoseconds_of_v1_and_microseconds_of_v2_are_seconds(v1: Any, v2: Any) -> None:
    one = _parsed(v1, b"2500000000\n", b"user 7\nsystem 8\n", b"")
    two = _parsed(v2, b"usage_usec 2500000\nuser_usec 1000000\nsystem_usec 1500000\n")
    usage = INDEX[catalogue.CPU_USAGE]
    assert one[usage] == two[usage] == ((',cpu="total"', 2.5),)
    assert two[INDEX[catalogue.CPU_SYSTEM]] == 1.5


def test_throttling_is_told_only_under_a_quota(v1: Any, v2: Any) -> None:
    v1_stat = b"nr_periods 5\nnr_throttled 1\nthrottled_time 1500000000\n"
    v2_stat = (
        b"usage_usec 1\nuser_usec 1\nsystem_usec 0\nnr_periods 5\nnr_throttled 1\nthrottled_usec 1500000\n"
    )
    periods, seconds = INDEX[catalogue.CFS_PERIODS], INDEX[catalogue.CFS_THROTTLED_SECONDS]
    for recorded, contents in ((v1, (b"", b"", v1_stat)), (v2, (v2_stat,))):
        free, bound = _parsed(recorded, *contents), _parsed(recorded, *contents, quota=1000)
        assert free[periods] is None and free[seconds] is None
        assert (bound[periods], bound[seconds]) == (5, 1.5)
        # The kernel before 5.14 knows no bursts.
        assert bound[INDEX[catalogue.CFS_BURST_PERIODS]] is None
        assert bound[INDEX[catalogue.CFS_BURST_SECONDS]] is None


def test_throttling_is_read_only_under_a_quota(v1: Any) -> None:
    (plan,) = (plan for plan in _plans(v1.host) if catalogue.CFS_PERIODS in plan.families)
    assert plan.needs is catalogue.SPEC_CPU_QUOTA


def _percpu(recorded: Any) -> Host:
    return dataclasses.replace(recorded.host, switches={"percpu": True})


def test_time_by_cpu_takes_the_place_of_the_total(v1: Any) -> None:
    host = _percpu(v1)
    (plan,) = cpu.probe_percpu(host)
    values: list[Value] = [None] * len(catalogue.ROW)
    # Two CPUs are present; of the two that could be, one has come since.
    plan.parse((b"2500000000 0 0 500000000 \n",), values)
    assert values[INDEX[catalogue.CPU_USAGE]] == (
        (',cpu="cpu00"', 2.5),
        (',cpu="cpu01"', 0.0),
        (',cpu="cpu03"', 0.5),
    )
    assert not any(catalogue.CPU_USAGE in plan.families for plan in _plans(host))


def test_without_a_word_of_the_cpus_there_are_those_that_were_used_are_told(v1: Any) -> None:
    (v1.directory / "sys/devices/system/cpu/present").unlink()
    (plan,) = cpu.probe_percpu(_percpu(v1))
    values: list[Value] = [None] * len(catalogue.ROW)
    plan.parse((b"0 500000000 \n",), values)
    assert values[INDEX[catalogue.CPU_USAGE]] == ((',cpu="cpu01"', 0.5),)


def test_v2_says_why_it_does_not_count_by_cpu_and_keeps_the_total(v2: Any) -> None:
    host = _percpu(v2)
    with pytest.raises(NotSupported, match="does not count CPU time per CPU"):
        cpu.probe_percpu(host)
    (plan,) = _plans(host)
    values: list[Value] = [None] * len(catalogue.ROW)
    plan.parse((b"usage_usec 2500000\n",), values)
    assert values[INDEX[catalogue.CPU_USAGE]] == ((',cpu="total"', 2.5),)


def test_nothing_read_is_nothing_told(v1: Any, v2: Any) -> None:
    assert _parsed(v1, b"", b"", b"") == [None] * len(catalogue.ROW)
    assert _parsed(v2, b"") == [None] * len(catalogue.ROW)


def test_a_host_without_the_controller_says_so() -> None:
    with pytest.raises(NotSupported, match="cpuacct or cpu"):
        cpu.probe(Host(Hierarchies({}, None)))
