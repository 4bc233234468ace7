"""Limits in force."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from collectors.cgroups.reader import Descriptors
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.effective import Effective
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


class Watched:
    """What is told of a container at moments of a clock that the test sets; it has no limits of its own."""

    def __init__(self, host: Host) -> None:
        self.now = 0.0
        self.effective = Effective(host, lambda: self.now)

    def at(self, now: float, id: str = CONTAINER) -> tuple[Value, Value]:
        """Cores and memory."""
        self.now = now
        values: list[Value] = [None] * len(catalogue.ROW)
        self.effective.tell(id, list[int], values)
        return values[INDEX[catalogue.CPU_EFFECTIVE_CORES]], values[
            INDEX[catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT]
        ]


def test_what_changes_shows_within_two_minutes(either: Any) -> None:
    _tree(either, {"memory.limit_in_bytes": "4096\n", "memory.max": "4096\n"})
    watched = Watched(either.host)
    assert watched.at(0) == (0.5, 4096)
    for name in ("memory.limit_in_bytes", "memory.max"):
        either.write("memory", POD, name, "8192\n")
    assert watched.at(15) == (0.5, 4096)
    for now in range(30, 121, 15):
        told = watched.at(now)
    assert told == (0.5, 8192)


def test_ancestors_are_read_once_for_all_below_them(either: Any) -> None:
    _tree(either, {"memory.limit_in_bytes": "4096\n", "memory.max": "4096\n"})
    either.make(f"{POD}/other")
    watched = Watched(either.host)
    watched.at(0)
    for name in ("memory.limit_in_bytes", "memory.max"):
        either.write("memory", POD, name, "8192\n")
    assert watched.at(1, f"{POD}/other") == (0.5, 4096)


def test_a_forgotten_container_is_looked_at_anew(either: Any) -> None:
    _tree(either, {})
    name = "cpuset.effective_cpus" if either.version == 1 else "cpuset.cpus.effective"
    for limit in ("cpu.cfs_quota_us", "cpu.max"):
        either.write("cpu", POD, limit, NO_LIMITS[limit])
        either.write("cpu", "/", limit, NO_LIMITS[limit])
    watched = Watched(either.host)
    assert watched.at(0)[0] == 2
    either.write("cpuset", CONTAINER, name, "1\n")
    assert watched.at(1)[0] == 2
    watched.effective.forget(CONTAINER)
    assert watched.at(2)[0] == 1


def test_without_controllers_the_hosts_cpus_are_all_there_is_to_tell(v1: Any) -> None:
    host = Host(Hierarchies({}, None), sys=f"{v1.directory}/sys")
    assert Watched(host).at(0) == (2, None)


def test_what_is_not_mounted_limits_nothing_that_could_be_told(v2: Any) -> None:
    _tree(v2, {"memory.max": "4096\n"})
    unified = v2.hierarchies.unified
    inside = unified._replace(root=CONTAINER, mountpoint=unified.mountpoint + CONTAINER)
    host = dataclasses.replace(v2.host, hierarchies=Hierarchies({}, inside))
    assert Watched(host).at(0) == (2, None)
