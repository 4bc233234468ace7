"""Limits in force."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.cgroups.reader import Descriptors
from collectors.metrics import catalogue, effective
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.gather import Gatherer
from collectors.metrics.plan import Host
from collectors.metrics.rows import Value
from collectors.metrics.target import Target
from runtime.linux.hierarchies import Hierarchies

POD, CONTAINER = "/kubepods/pod", "/kubepods/pod/web"


def _row(recorded: Any, family: Family) -> Value:
    """What is told of the container, its files being read where they lie."""
    gatherer = Gatherer(recorded.host, Descriptors(0))
    try:
        return gatherer.row(Target(CONTAINER), 1.0).values[INDEX[family]]
    finally:
        gatherer.close()


def _tree(recorded: Any, pod: dict[str, str]) -> None:
    """A container and its pod, whose files say so; v1 and v2 names both, of which each host reads its own."""
    for path in (POD, CONTAINER):
        recorded.make(path)
    for name, content in pod.items():
        recorded.write(name.partition(".")[0], POD, name, content)


NO_LIMITS = {
    "cpu.cfs_quota_us": "-1\n",
    "cpu.max": "max 100000\n",
    "memory.limit_in_bytes": "9223372036854771712\n",
    "memory.max": "max\n",
}


@pytest.mark.parametrize(
    ("pod", "limit"),
    [
        ({"memory.limit_in_bytes": "4096\n", "memory.max": "4096\n"}, 4096),
        ({"memory.limit_in_bytes": "8388608\n", "memory.max": "8388608\n"}, 1048576),
        (NO_LIMITS, 1048576),
    ],
    ids=["lower", "higher", "none"],
)
def test_the_least_of_own_and_the_ancestors_memory(either: Any, pod: dict[str, str], limit: int) -> None:
    _tree(either, pod)
    assert _row(either, catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT) == limit
    ratio = _row(either, catalogue.MEMORY_LIMIT_RATIO)
    assert ratio == 10288 / limit


def test_no_limit_anywhere_is_none_in_force(either: Any) -> None:
    _tree(either, NO_LIMITS)
    for name in ("memory.limit_in_bytes", "memory.max"):
        either.write("memory", CONTAINER, name, NO_LIMITS[name])
    assert _row(either, catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT) is None
    assert _row(either, catalogue.MEMORY_LIMIT_RATIO) is None


@pytest.mark.parametrize(
    ("pod", "cores"),
    [
        ({"cpu.cfs_quota_us": "20000\n", "cpu.max": "20000 100000\n"}, 0.2),
        ({"cpu.cfs_quota_us": "90000\n", "cpu.max": "90000 100000\n"}, 0.5),
        (NO_LIMITS, 0.5),
    ],
    ids=["lower", "higher", "none"],
)
def test_the_least_of_own_and_the_ancestors_quota(either: Any, pod: dict[str, str], cores: float) -> None:
    _tree(either, pod)
    assert _row(either, catalogue.CPU_EFFECTIVE_CORES) == cores


@pytest.fixture
def free(either: Any) -> Any:
    """A host whose container has no quota, nor has anything above it."""
    _tree(either, NO_LIMITS)
    for path in ("/", CONTAINER):
        for name in ("cpu.cfs_quota_us", "cpu.max"):
            either.write("cpu", path, name, NO_LIMITS[name])
    return either


def test_without_a_quota_the_cpus_it_may_run_on_count(free: Any) -> None:
    name = "cpuset.effective_cpus" if free.version == 1 else "cpuset.cpus.effective"
    free.write("cpuset", CONTAINER, name, "1\n")
    assert _row(free, catalogue.CPU_EFFECTIVE_CORES) == 1


def test_without_a_cpuset_the_hosts_cpus_count(free: Any) -> None:
    for path in ("/", POD, CONTAINER):
        for name in ("cpuset.effective_cpus", "cpuset.cpus.effective"):
            (free.at("cpuset", path) / name).unlink(missing_ok=True)
    (free.directory / "sys/devices/system/cpu/online").write_text("0-2\n")
    assert _row(free, catalogue.CPU_EFFECTIVE_CORES) == 3


def test_on_v2_the_nearest_ancestor_with_a_cpuset_tells(v2: Any) -> None:
    _tree(v2, NO_LIMITS)
    v2.write("cpu", CONTAINER, "cpu.max", "max 100000\n")
    (v2.at("", CONTAINER) / "cpuset.cpus.effective").unlink()
    v2.write("cpuset", POD, "cpuset.cpus.effective", "1\n")
    assert _row(v2, catalogue.CPU_EFFECTIVE_CORES) == 1


def test_a_host_without_the_controllers_has_no_such_plans() -> None:
    assert effective.plans(Host(Hierarchies({}, None))) == ()
