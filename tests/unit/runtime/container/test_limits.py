"""OCI resources as writes, for both cgroup versions; refusals carry the workload's key."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from runtime.container import limits
from runtime.linux.errors import KernelError, Refused

V1 = dict.fromkeys(("cpu", "cpuset", "memory", "pids", "devices"), 1)
V2 = dict.fromkeys(("cpu", "cpuset", "memory", "pids"), 2)


@pytest.mark.parametrize(
    ("resources", "v1", "v2"),
    [
        (
            {"cpu": {"quota": 50_000, "period": 100_000}},
            [("cpu", "cpu.cfs_period_us", "100000"), ("cpu", "cpu.cfs_quota_us", "50000")],
            [("cpu", "cpu.max", "50000 100000")],
        ),
        ({"cpu": {"quota": -1}}, None, [("cpu", "cpu.max", "max 100000")]),
        ({"cpu": {"shares": 1024}}, [("cpu", "cpu.shares", "1024")], [("cpu", "cpu.weight", "39")]),
        ({"cpu": {"shares": 2}}, None, [("cpu", "cpu.weight", "1")]),
        ({"cpu": {"shares": 262_144}}, None, [("cpu", "cpu.weight", "10000")]),
        ({"cpu": {"cpus": "0-1"}}, [("cpuset", "cpuset.cpus", "0-1")], [("cpuset", "cpuset.cpus", "0-1")]),
        (
            {"memory": {"limit": 100, "swap": 150}},
            [("memory", "memory.limit_in_bytes", "100"), ("memory", "memory.memsw.limit_in_bytes", "150")],
            [("memory", "memory.max", "100"), ("memory", "memory.swap.max", "50")],
        ),
        (
            {"memory": {"limit": -1}},
            [("memory", "memory.limit_in_bytes", "-1")],
            [("memory", "memory.max", "max")],
        ),
        ({"pids": {"limit": 0}}, [("pids", "pids.max", "max")], [("pids", "pids.max", "max")]),
        ({"unified": {"memory.high": "7"}}, None, [("memory", "memory.high", "7")]),
        ({"devices": [{"allow": False, "access": "rwm"}]}, [("devices", "devices.deny", "a")], []),
        (
            {"devices": [{"allow": True, "type": "c", "major": 136, "access": "rwm"}]},
            [("devices", "devices.allow", "c 136:* rwm")],
            [],
        ),
    ],
)
def test_writes(resources: dict[str, Any], v1: list[limits.Write] | None, v2: list[limits.Write]) -> None:
    if v1 is not None:
        assert limits.writes_of(resources, V1) == v1
    assert limits.writes_of(resources, V2) == v2


@pytest.mark.parametrize(
    ("resources", "versions", "key"),
    [
        ({"unified": {"memory.high": "7"}}, V1, "resources.memory_high"),
        ({"pids": {"limit": 3}}, {}, "resources.pids"),
        ({"memory": {"limit": 3}}, {"pids": 1}, "resources.memory"),
        ({"cpu": {"quota": 3}}, {}, "resources.cpus"),
        ({"cpu": {"cpus": "0"}}, {"cpu": 2}, "resources.cpuset"),
        ({"blockIO": {"weight": 3}}, V1, "resources.io"),
        ({"hugepageLimits": [{}]}, V1, "resources.hugetlb"),
    ],
)
def test_refusals(resources: dict[str, Any], versions: dict[str, int], key: str) -> None:
    with pytest.raises(Refused) as caught:
        limits.writes_of(resources, versions)
    assert caught.value.key == key


@pytest.mark.parametrize(
    ("file", "code", "text"),
    [
        ("memory.memsw.limit_in_bytes", errno.ENOENT, "resources.swap: this kernel has no memory.memsw"),
        ("memory.limit_in_bytes", errno.EACCES, "run as root"),
        ("memory.limit_in_bytes", errno.EINVAL, "resources.memory: cannot write"),
    ],
)
def test_a_failed_write_is_told_by_key(file: str, code: int, text: str) -> None:
    error = KernelError("write 1 to", f"/sys/fs/cgroup/x/{file}", code)
    assert text in str(limits.refusal("memory", file, "1", error))
