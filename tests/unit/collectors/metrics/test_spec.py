"""Limits."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.metrics import catalogue, spec
from collectors.metrics.catalogue import INDEX
from collectors.metrics.plan import Host, Pace
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies, Hierarchy


def _parsed(host: Host, contents: dict[str, bytes]) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    plan, *_ = spec.probe(host)
    assert plan.pace is Pace.RARE
    plan.parse([contents.get(file.name, b"") for file in plan.files], values)
    return values


def test_unlimited_is_zero_and_a_file_that_is_not_there_is_absent(v1: Any, v2: Any) -> None:
    one = _parsed(v1.host, {"memory.limit_in_bytes": b"9223372036854771712\n", "cpu.cfs_quota_us": b"-1\n"})
    two = _parsed(v2.host, {"memory.max": b"max\n", "cpu.max": b"max 100000\n", "pids.max": b"max\n"})
    for values in (one, two):
        assert values[INDEX[catalogue.SPEC_MEMORY_LIMIT]] == 0
        assert values[INDEX[catalogue.SPEC_CPU_QUOTA]] is None
        assert values[INDEX[catalogue.SPEC_MEMORY_SWAP_LIMIT]] is None
    assert two[INDEX[catalogue.THREADS_MAX]] == 0
    assert one[INDEX[catalogue.THREADS_MAX]] is None


def test_controllers_may_be_spread_over_both_versions(tmp_path: Any) -> None:
    memory = Hierarchy(1, frozenset(("memory",)), str(tmp_path))
    unified = Hierarchy(2, frozenset(("cpu",)), str(tmp_path))
    plan, *_ = spec.probe(Host(Hierarchies({"memory": memory}, unified)))
    names = {file.name for file in plan.files}
    assert {"cpu.max", "memory.limit_in_bytes"} <= names and "memory.max" not in names


def test_a_quota_is_also_told_in_cores_with_what_may_be_saved_up(v1: Any, v2: Any) -> None:
    one = _parsed(
        v1.host,
        {
            "cpu.cfs_period_us": b"20000\n",
            "cpu.cfs_quota_us": b"30000\n",
            "cpu.cfs_burst_us": b"5000\n",
        },
    )
    two = _parsed(v2.host, {"cpu.max": b"30000 20000\n", "cpu.max.burst": b"5000\n"})
    for values in (one, two):
        assert values[INDEX[catalogue.CPU_LIMIT_CORES]] == 1.5
        assert values[INDEX[catalogue.SPEC_CPU_BURST]] == 0.005


def test_nothing_is_saved_up_without_a_quota(v1: Any, v2: Any) -> None:
    one = _parsed(
        v1.host, {"cpu.cfs_period_us": b"1\n", "cpu.cfs_quota_us": b"-1\n", "cpu.cfs_burst_us": b"0\n"}
    )
    two = _parsed(v2.host, {"cpu.max": b"max 100000\n", "cpu.max.burst": b"0\n"})
    for values in (one, two):
        assert values[INDEX[catalogue.CPU_LIMIT_CORES]] is None
        assert values[INDEX[catalogue.SPEC_CPU_BURST]] is None


def test_memory_high_is_v2s(v2: Any) -> None:
    values = _parsed(v2.host, {"memory.high": b"4096\n"})
    assert values[INDEX[catalogue.SPEC_MEMORY_HIGH]] == 4096
    assert _parsed(v2.host, {"memory.high": b"max\n"})[INDEX[catalogue.SPEC_MEMORY_HIGH]] == 0


def test_a_host_without_any_says_so() -> None:
    with pytest.raises(NotSupported, match="cpu, memory and pids"):
        spec.probe(Host(Hierarchies({}, None)))
