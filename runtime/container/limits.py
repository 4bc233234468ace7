"""OCI `linux.resources` as writes to cgroup files, v1 and v2; what cannot be enforced is refused by key.

A write is (controller, file, value), in the order in which the kernel takes them.
Source: OCI runtime-spec config-linux.md "Control groups"; cgroup-v1/memory.rst, cgroup-v2.rst.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping
from typing import Any

from runtime.linux.errors import DeckwatchError, KernelError, Refused

Write = tuple[str, str, str]

# The workload's key that stands for an OCI resource.
_KEYS = {
    "cpu": "resources.cpus",
    "cpuset": "resources.cpuset",
    "memory": "resources.memory",
    "pids": "resources.pids",
    "devices": "devices",
}
MEMSW = "memory.memsw.limit_in_bytes"
_FILE_KEYS = {
    MEMSW: "resources.swap",
    "memory.swap.max": "resources.swap",
    "memory.high": "resources.memory_high",
}
_IMPLEMENTED = {"cpu", "memory", "pids", "unified", "devices"}
_CONTRACT = {"blockIO": "resources.io", "hugepageLimits": "resources.hugetlb", "network": "resources.net"}


def writes_of(resources: Mapping[str, Any], versions: Mapping[str, int]) -> list[Write]:
    """The writes for these resources; `versions` says which controllers there are, and in which version."""
    for name, value in resources.items():
        if value and name not in _IMPLEMENTED:
            key = _CONTRACT.get(name, f"resources.{name}")
            raise Refused(key, "is not implemented by the built-in executor", "leave it out")
    writes = [
        *_cpu(resources.get("cpu", {}), versions),
        *_memory(resources.get("memory", {}), versions),
        *_pids(resources.get("pids", {}), versions),
        *_unified(resources.get("unified", {}), versions),
    ]
    if versions.get("devices") == 1:
        writes += _devices(resources.get("devices", ()))
    return writes


def refusal(controller: str, file: str, value: str, error: KernelError) -> DeckwatchError:
    """What a failed write means to the workload: its key, and what would make it possible."""
    key = _FILE_KEYS.get(file, _KEYS.get(controller, controller))
    if error.errno == errno.ENOENT:
        remedy = "leave it out or use a kernel that has it"
        return Refused(key, f"this kernel has no {file}", remedy)
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Refused(key, str(error), "run as root with a writable cgroup tree")
    return Refused(key, str(error), "choose a value that the parent cgroup allows")


def _need(controller: str, versions: Mapping[str, int]) -> int:
    """Version of a controller that has to be there."""
    version = versions.get(controller, 0)
    if not version:
        reason = f"this host has no {controller} cgroup controller"
        raise Refused(_KEYS[controller], reason, "enable it or leave the limit out")
    return version


def _cpu(cpu: Mapping[str, Any], versions: Mapping[str, int]) -> Iterator[Write]:
    shares, quota, period = cpu.get("shares"), cpu.get("quota"), cpu.get("period", 100_000)
    if shares is not None:
        if _need("cpu", versions) == 1:
            yield "cpu", "cpu.shares", str(shares)
        else:
            # The conversion of the OCI runtimes: 2…262144 onto 1…10000.
            yield "cpu", "cpu.weight", str(1 + (max(shares, 2) - 2) * 9999 // 262142)
    if quota is not None:
        if _need("cpu", versions) == 1:
            yield "cpu", "cpu.cfs_period_us", str(period)
            yield "cpu", "cpu.cfs_quota_us", str(quota)
        else:
            yield "cpu", "cpu.max", f"{quota if quota > 0 else 'max'} {period}"
    for name in ("cpus", "mems"):
        if cpu.get(name):
            _need("cpuset", versions)
            yield "cpuset", f"cpuset.{name}", str(cpu[name])


def _memory(memory: Mapping[str, Any], versions: Mapping[str, int]) -> Iterator[Write]:
    """`swap` is memory and swap together, as OCI counts."""
    limit, both = memory.get("limit"), memory.get("swap")
    if limit is None:
        return
    if _need("memory", versions) == 1:
        yield "memory", "memory.limit_in_bytes", str(limit)
        if both is not None:
            yield "memory", MEMSW, str(both)
    else:
        yield "memory", "memory.max", _or_max(limit)
        if both is not None:
            yield "memory", "memory.swap.max", _or_max(both if both < 0 else both - limit)


def _pids(pids: Mapping[str, Any], versions: Mapping[str, int]) -> Iterator[Write]:
    if pids.get("limit") is not None:
        _need("pids", versions)
        limit = pids["limit"]
        yield "pids", "pids.max", _or_max(limit if limit > 0 else -1)


def _unified(files: Mapping[str, str], versions: Mapping[str, int]) -> Iterator[Write]:
    """Keys that only v2 has, such as memory.high."""
    for file, value in files.items():
        controller = file.partition(".")[0]
        if versions.get(controller) != 2:
            key = _FILE_KEYS.get(file, f"resources.unified.{file}")
            reason = f"{file} needs the {controller} controller of cgroup v2, which this host does not use"
            raise Refused(key, reason, "leave it out or boot with systemd.unified_cgroup_hierarchy=1")
        yield controller, file, str(value)


def _devices(rules: list[Mapping[str, Any]]) -> Iterator[Write]:
    """v1 device rules in their order; on v2 the root's `nodev` mounts and the missing CAP_MKNOD stand for them."""
    for rule in rules:
        kind = rule.get("type") or "a"
        numbers = ":".join(
            "*" if rule.get(part) in (None, -1) else str(rule[part]) for part in ("major", "minor")
        )
        what = "a" if kind == "a" else f"{kind} {numbers} {rule.get('access', 'rwm')}"
        yield "devices", "devices.allow" if rule["allow"] else "devices.deny", what


def _or_max(value: int) -> str:
    return "max" if value < 0 else str(value)
