"""Memory: what is charged, what of it the kernel could take back, and what happened at the limit."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.cgroups.keyed import Keyed
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.plan import File, Host, Pace, Plan
from collectors.metrics.rows import Value

_USAGE = INDEX[catalogue.MEMORY_USAGE]
_WORKING_SET = INDEX[catalogue.MEMORY_WORKING_SET]
_MAX_USAGE = INDEX[catalogue.MEMORY_MAX_USAGE]
_FAILCNT = INDEX[catalogue.MEMORY_FAILCNT]
_FAILURES = INDEX[catalogue.MEMORY_FAILURES]
_KERNEL = INDEX[catalogue.MEMORY_KERNEL]
_SWAP = INDEX[catalogue.MEMORY_SWAP]
_OOM_EVENTS = INDEX[catalogue.OOM_EVENTS]
_EVENTS_HIGH = INDEX[catalogue.MEMORY_EVENTS_HIGH]
_EVENTS_MAX = INDEX[catalogue.MEMORY_EVENTS_MAX]

# Families that are one line of memory.stat, in the order of ROW: (family, v1 key, v2 key).
_LINES: tuple[tuple[Family, bytes, bytes], ...] = (
    (catalogue.MEMORY_RSS, b"total_rss", b"anon"),
    (catalogue.MEMORY_CACHE, b"total_cache", b"file"),
    (catalogue.MEMORY_MAPPED_FILE, b"total_mapped_file", b"file_mapped"),
    (catalogue.MEMORY_ACTIVE_FILE, b"total_active_file", b"active_file"),
    (catalogue.MEMORY_INACTIVE_FILE, b"total_inactive_file", b"inactive_file"),
    (catalogue.MEMORY_DIRTY, b"total_dirty", b"file_dirty"),
    (catalogue.MEMORY_WRITEBACK, b"total_writeback", b"file_writeback"),
    (catalogue.MEMORY_PGSCAN, b"total_pgscan", b"pgscan"),
    (catalogue.MEMORY_PGSTEAL, b"total_pgsteal", b"pgsteal"),
    (catalogue.MEMORY_REFAULT_FILE, b"total_workingset_refault_file", b"workingset_refault_file"),
    (catalogue.MEMORY_REFAULT_ANON, b"total_workingset_refault_anon", b"workingset_refault_anon"),
)
_PLACES = tuple(INDEX[family] for family, _, _ in _LINES)
_INACTIVE = INDEX[catalogue.MEMORY_INACTIVE_FILE]
_RSS = INDEX[catalogue.MEMORY_RSS]
_CACHE = INDEX[catalogue.MEMORY_CACHE]


def probe(host: Host) -> tuple[Plan, ...]:
    """The memory controller, v1 or v2.

    Peaks and events move only with a charge, which the files of the first plan show.
    """
    if host.hierarchy("memory").version == 2:
        return (
            Plan(
                (
                    File("memory", "memory.current", keep=70),
                    File("memory", "memory.stat", keep=70),
                    File("memory", "memory.swap.current", keep=40),
                ),
                catalogue.ROW[_USAGE : _KERNEL + 1],
                _parse_v2,
            ),
            Plan(
                (File("memory", "memory.peak"), File("memory", "memory.events", keep=60)),
                catalogue.ROW[_MAX_USAGE : _OOM_EVENTS + 1],
                _parse_v2_still,
                Pace.STILL,
            ),
        )
    return (
        Plan(
            (
                File("memory", "memory.usage_in_bytes", keep=70),
                File("memory", "memory.stat", keep=70),
                # Freed in the kernel's own time, while nothing else of the container moves.
                File("memory", "memory.kmem.usage_in_bytes", keep=50),
            ),
            catalogue.ROW[_USAGE : _KERNEL + 1],
            _parse_v1,
        ),
        Plan(
            (
                File("memory", "memory.max_usage_in_bytes"),
                File("memory", "memory.failcnt"),
                File("memory", "memory.oom_control"),
            ),
            catalogue.ROW[_MAX_USAGE : _OOM_EVENTS + 1],
            _parse_v1_still,
            Pace.STILL,
        ),
    )


def _failure_suffixes() -> tuple[str, ...]:
    return tuple(
        f',failure_type="{kind}",scope="{scope}"'
        for kind in ("pgfault", "pgmajfault")
        for scope in ("container", "hierarchy")
    )


_FAULTS = _failure_suffixes()


def _faults(*counts: int | None) -> Value:
    """Minor faults of container and hierarchy, then major ones; None unless the kernel counts them."""
    return (
        tuple((suffix, count) for suffix, count in zip(_FAULTS, counts, strict=True) if count is not None)
        or None
    )


_v1_stat = Keyed(
    (
        b"total_swap",
        b"pgfault",
        b"total_pgfault",
        b"pgmajfault",
        b"total_pgmajfault",
        *(key for _, key, _ in _LINES),
    )
)
_v1_oom = Keyed((b"oom_kill",))


def _parse_v1(contents: Sequence[bytes], values: list[Value]) -> None:
    usage, stat, kernel = contents
    if kernel:
        values[_KERNEL] = int(kernel)
    if stat:
        values[_SWAP], *rest = _v1_stat.values(stat)
        values[_FAILURES] = _faults(*rest[:4])
        for place, value in zip(_PLACES, rest[4:], strict=True):
            values[place] = value
    if usage:
        _usage(int(usage), values)


def _parse_v1_still(contents: Sequence[bytes], values: list[Value]) -> None:
    max_usage, failcnt, oom = contents
    if max_usage:
        values[_MAX_USAGE] = int(max_usage)
    if failcnt:
        values[_FAILCNT] = int(failcnt)
    if oom:
        (values[_OOM_EVENTS],) = _v1_oom.values(oom)


_v2_stat = Keyed((b"kernel", b"pgfault", b"pgmajfault", *(key for _, _, key in _LINES)))
_v2_events = Keyed((b"high", b"max", b"oom_kill"))


def _parse_v2(contents: Sequence[bytes], values: list[Value]) -> None:
    current, stat, swap = contents
    if stat:
        values[_KERNEL], minor, major, *lines = _v2_stat.values(stat)
        values[_FAILURES] = _faults(minor, minor, major, major)
        for place, value in zip(_PLACES, lines, strict=True):
            values[place] = value
    if current:
        _usage(int(current), values)
    elif isinstance(anon := values[_RSS], int) and isinstance(file := values[_CACHE], int):
        # The root alone has no memory.current.
        _usage(anon + file, values)
    if swap:
        values[_SWAP] = int(swap)


def _parse_v2_still(contents: Sequence[bytes], values: list[Value]) -> None:
    peak, events = contents
    if peak:
        values[_MAX_USAGE] = int(peak)
    if events:
        values[_EVENTS_HIGH], values[_EVENTS_MAX], values[_OOM_EVENTS] = _v2_events.values(events)


def _usage(usage: int, values: list[Value]) -> None:
    values[_USAGE] = usage
    inactive = values[_INACTIVE]
    if isinstance(inactive, int):
        values[_WORKING_SET] = max(0, usage - inactive)
