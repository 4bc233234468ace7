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
_EVENTS = tuple(
    INDEX[family]
    for family in (
        catalogue.MEMORY_EVENTS_LOW,
        catalogue.MEMORY_EVENTS_HIGH,
        catalogue.MEMORY_EVENTS_MAX,
        catalogue.MEMORY_EVENTS_OOM,
        catalogue.OOM_EVENTS,
        catalogue.MEMORY_EVENTS_OOM_GROUP_KILL,
    )
)
_RECLAIMABLE = INDEX[catalogue.MEMORY_RECLAIMABLE]
_SCANNED = INDEX[catalogue.MEMORY_RECLAIM_SCANNED]
_TAKEN = INDEX[catalogue.MEMORY_RECLAIM_TAKEN]

# Families that are one line of memory.stat: (family, v1 key or none, v2 key).
_LINES: tuple[tuple[Family, bytes, bytes], ...] = (
    (catalogue.MEMORY_RSS, b"total_rss", b"anon"),
    (catalogue.MEMORY_CACHE, b"total_cache", b"file"),
    (catalogue.MEMORY_MAPPED_FILE, b"total_mapped_file", b"file_mapped"),
    (catalogue.MEMORY_ACTIVE_FILE, b"total_active_file", b"active_file"),
    (catalogue.MEMORY_INACTIVE_FILE, b"total_inactive_file", b"inactive_file"),
    (catalogue.MEMORY_DIRTY, b"total_dirty", b"file_dirty"),
    (catalogue.MEMORY_WRITEBACK, b"total_writeback", b"file_writeback"),
    (catalogue.MEMORY_PGSCAN, b"", b"pgscan"),
    (catalogue.MEMORY_PGSTEAL, b"", b"pgsteal"),
    (catalogue.MEMORY_REFAULT_FILE, b"total_workingset_refault_file", b"workingset_refault_file"),
    (catalogue.MEMORY_REFAULT_ANON, b"total_workingset_refault_anon", b"workingset_refault_anon"),
    (catalogue.MEMORY_ACTIVATE_FILE, b"", b"workingset_activate_file"),
    (catalogue.MEMORY_ACTIVATE_ANON, b"", b"workingset_activate_anon"),
)
_ACTIVE = INDEX[catalogue.MEMORY_ACTIVE_FILE]
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


# Minor faults of container and hierarchy, then major ones.
_FAULTS = _failure_suffixes()


def _told(labels: Sequence[str], counts: Sequence[int | None]) -> Value:
    """The counts that there are, each with its label; None when there are none."""
    found = zip(labels, counts, strict=True)
    return tuple((label, count) for label, count in found if count is not None) or None


_v1_places = tuple(INDEX[family] for family, key, _ in _LINES if key)
_v1_stat = Keyed(
    (
        b"total_swap",
        b"pgfault",
        b"total_pgfault",
        b"pgmajfault",
        b"total_pgmajfault",
        *(key for _, key, _ in _LINES if key),
    )
)
_v1_oom = Keyed((b"oom_kill",))


def _parse_v1(contents: Sequence[bytes], values: list[Value]) -> None:
    usage, stat, kernel = contents
    if kernel:
        values[_KERNEL] = int(kernel)
    if stat:
        values[_SWAP], *rest = _v1_stat.values(stat)
        values[_FAILURES] = _told(_FAULTS, rest[:4])
        for place, value in zip(_v1_places, rest[4:], strict=True):
            values[place] = value
        _reclaimable(0, values)
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


_v2_places = tuple(INDEX[family] for family, _, _ in _LINES)
_v2_stat = Keyed(
    (
        b"kernel",
        b"pgfault",
        b"pgmajfault",
        b"slab_reclaimable",
        b"pgscan_kswapd",
        b"pgscan_direct",
        b"pgsteal_kswapd",
        b"pgsteal_direct",
        *(key for _, _, key in _LINES),
    )
)
_v2_events = Keyed((b"low", b"high", b"max", b"oom", b"oom_kill", b"oom_group_kill"))


def _parse_v2(contents: Sequence[bytes], values: list[Value]) -> None:
    current, stat, swap = contents
    if stat:
        values[_KERNEL], minor, major, slab, *rest = _v2_stat.values(stat)
        values[_SCANNED], values[_TAKEN] = _by_reclaimer(*rest[:2]), _by_reclaimer(*rest[2:4])
        values[_FAILURES] = _told(_FAULTS, (minor, minor, major, major))
        for place, value in zip(_v2_places, rest[4:], strict=True):
            values[place] = value
        _reclaimable(slab or 0, values)
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
        for place, count in zip(_EVENTS, _v2_events.values(events), strict=True):
            values[place] = count


def _by_reclaimer(kswapd: int | None, direct: int | None) -> Value:
    """None where the kernel does not tell them apart."""
    if kswapd is None or direct is None:
        return None
    return ((',reclaimer="kswapd"', kswapd), (',reclaimer="direct"', direct))


def _reclaimable(slab: int, values: list[Value]) -> None:
    active, inactive = values[_ACTIVE], values[_INACTIVE]
    if isinstance(active, int) and isinstance(inactive, int):
        values[_RECLAIMABLE] = active + inactive + slab


def _usage(usage: int, values: list[Value]) -> None:
    values[_USAGE] = usage
    inactive = values[_INACTIVE]
    if isinstance(inactive, int):
        values[_WORKING_SET] = max(0, usage - inactive)
