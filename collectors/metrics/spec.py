"""Limits in force."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from collectors.cgroups import v1, v2
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.effective import Effective
from collectors.metrics.plan import Census, File, Host, Pace, Plan
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported

_PERIOD = INDEX[catalogue.SPEC_CPU_PERIOD]
_QUOTA = INDEX[catalogue.SPEC_CPU_QUOTA]
_BURST = INDEX[catalogue.SPEC_CPU_BURST]
_SHARES = INDEX[catalogue.SPEC_CPU_SHARES]
_CORES = INDEX[catalogue.CPU_LIMIT_CORES]
_MEMORY = INDEX[catalogue.SPEC_MEMORY_LIMIT]
_HIGH = INDEX[catalogue.SPEC_MEMORY_HIGH]
_SWAP = INDEX[catalogue.SPEC_MEMORY_SWAP_LIMIT]
_RESERVATION = INDEX[catalogue.SPEC_MEMORY_RESERVATION]
_THREADS_MAX = INDEX[catalogue.THREADS_MAX]

_Apply = Callable[[bytes, list[Value]], None]


def probe(host: Host) -> tuple[Plan | Census, ...]:
    """Limits of whichever of cpu, memory and pids is there."""
    applied: dict[File, _Apply] = {}
    for controller, by_version in _FILES.items():
        if (hierarchy := host.hierarchies.of(controller)) is not None:
            for name, apply in by_version[hierarchy.version].items():
                applied[File(controller, name)] = apply
    if not applied:
        raise NotSupported("none of the controllers cpu, memory and pids is there")
    own = Plan(tuple(applied), catalogue.SPEC, _parser(tuple(applied.values())), Pace.RARE)
    return (own, Effective(host).census())


def _parser(applied: tuple[_Apply, ...]) -> Callable[[Sequence[bytes], list[Value]], None]:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        for content, apply in zip(contents, applied, strict=True):
            if content:
                apply(content, values)

    return parse


def _number(place: int, read: Callable[[bytes], int]) -> _Apply:
    def apply(content: bytes, values: list[Value]) -> None:
        values[place] = read(content)

    return apply


def _quota(quota: int, values: list[Value]) -> None:
    """Nothing is told of a quota that there is not: -1 on v1."""
    period = values[_PERIOD]
    if quota > 0 and isinstance(period, int):
        values[_QUOTA] = quota
        values[_CORES] = quota / period


def _v1_quota(content: bytes, values: list[Value]) -> None:
    _quota(int(content), values)


def _v2_max(content: bytes, values: list[Value]) -> None:
    quota, values[_PERIOD] = v2.quota(content)
    _quota(quota, values)


def _burst(content: bytes, values: list[Value]) -> None:
    if values[_QUOTA] is not None:
        values[_BURST] = int(content) / 1e6


_FILES: Mapping[str, Mapping[int, Mapping[str, _Apply]]] = {
    "cpu": {
        1: {
            "cpu.cfs_period_us": _number(_PERIOD, int),
            "cpu.cfs_quota_us": _v1_quota,
            "cpu.cfs_burst_us": _burst,
            "cpu.shares": _number(_SHARES, int),
        },
        2: {
            "cpu.max": _v2_max,
            "cpu.max.burst": _burst,
            "cpu.weight": _number(_SHARES, lambda content: v2.shares(int(content))),
        },
    },
    "memory": {
        1: {
            "memory.limit_in_bytes": _number(_MEMORY, v1.byte_limit),
            "memory.memsw.limit_in_bytes": _number(_SWAP, v1.byte_limit),
            "memory.soft_limit_in_bytes": _number(_RESERVATION, v1.byte_limit),
        },
        2: {
            "memory.max": _number(_MEMORY, v2.limit),
            "memory.high": _number(_HIGH, v2.limit),
            "memory.swap.max": _number(_SWAP, v2.limit),
            "memory.min": _number(_RESERVATION, v2.limit),
        },
    },
    "pids": {
        1: {"pids.max": _number(_THREADS_MAX, v2.limit)},
        2: {"pids.max": _number(_THREADS_MAX, v2.limit)},
    },
}
