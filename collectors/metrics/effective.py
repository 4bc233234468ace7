"""Limits in force: a container's own, or what its ancestors leave of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence

from collectors.cgroups import v1, v2
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.cpuset import members
from collectors.metrics.plan import File, Host, Pace, Parse, Plan
from collectors.metrics.rows import Value

_OWN_CORES = INDEX[catalogue.CPU_LIMIT_CORES]
_CORES = INDEX[catalogue.CPU_EFFECTIVE_CORES]
_OWN_MEMORY = INDEX[catalogue.SPEC_MEMORY_LIMIT]
_MEMORY = INDEX[catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT]

# A container in a pod of a node that is itself a container sits seven levels deep.
_LEVELS = 7
_ANCESTORS = tuple("../" * level for level in range(1, _LEVELS + 1))


def plans(host: Host) -> tuple[Plan, ...]:
    """Plans to be carried out after the container's own limits are known; none for a controller that is not there.

    The root of a hierarchy limits nothing, and above it there are no such files.
    """
    found = []
    if (memory := host.hierarchies.of("memory")) is not None:
        name, read = _MEMORY_FILES[memory.version]
        files = _above("memory", name)
        family = catalogue.SPEC_MEMORY_EFFECTIVE_LIMIT
        found.append(Plan(files, (family,), _memory_parser(read), Pace.RARE))
    if (cpu := host.hierarchies.of("cpu")) is not None:
        cpus = _cpus_files(host)
        files = (*cpus, *(file for name in _QUOTA_FILES[cpu.version] for file in _above("cpu", name)))
        parse = _cores_parser(host.sys, len(cpus), _QUOTAS[cpu.version])
        found.append(Plan(files, (catalogue.CPU_EFFECTIVE_CORES,), parse, Pace.RARE))
    return tuple(found)


def _above(controller: str, name: str) -> tuple[File, ...]:
    return tuple(File(controller, f"{up}{name}") for up in _ANCESTORS)


_MEMORY_FILES: dict[int, tuple[str, Callable[[bytes], int]]] = {
    1: ("memory.limit_in_bytes", v1.byte_limit),
    2: ("memory.max", v2.limit),
}
_QUOTA_FILES = {1: ("cpu.cfs_quota_us", "cpu.cfs_period_us"), 2: ("cpu.max",)}


def _memory_parser(read: Callable[[bytes], int]) -> Parse:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        own = values[_OWN_MEMORY]
        limits = [own, *(read(content) for content in contents if content)]
        values[_MEMORY] = min((limit for limit in limits if isinstance(limit, int) and limit), default=None)

    return parse


def _cpus_files(host: Host) -> tuple[File, ...]:
    """Where it says on which CPUs a container may run: with v2 perhaps only in an ancestor."""
    cpuset = host.hierarchies.of("cpuset")
    if cpuset is None:
        return ()
    if cpuset.version == 1:
        return (File("cpuset", "cpuset.effective_cpus"),)
    return (File("cpuset", "cpuset.cpus.effective"), *_above("cpuset", "cpuset.cpus.effective"))


def _v1_quotas(contents: Sequence[bytes]) -> Iterable[float]:
    """Cores of each ancestor with a quota: all quotas stand before all periods."""
    middle = len(contents) // 2
    for quota, period in zip(contents[:middle], contents[middle:], strict=True):
        if quota and period and int(quota) > 0:
            yield int(quota) / int(period)


def _v2_quotas(contents: Sequence[bytes]) -> Iterable[float]:
    """Cores of each ancestor with a quota."""
    for content in contents:
        if content:
            quota, period = v2.quota(content)
            if quota:
                yield quota / period


_QUOTAS = {1: _v1_quotas, 2: _v2_quotas}


def _cores_parser(sys: str, cpus: int, quotas: Callable[[Sequence[bytes]], Iterable[float]]) -> Parse:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        allowed = next((content for content in contents[:cpus] if content.strip()), b"")
        cores: list[float] = [len(members(allowed)) if allowed else _online(sys)]
        if isinstance(own := values[_OWN_CORES], float):
            cores.append(own)
        values[_CORES] = min((*cores, *quotas(contents[cpus:])))

    return parse


def _online(sys: str) -> int:
    """CPUs of the host that are on."""
    try:
        with open(f"{sys}/devices/system/cpu/online", "rb") as file:
            return len(members(file.read()))
    except FileNotFoundError:
        return os.cpu_count() or 1
