"""Huge pages, by their size."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from collectors.cgroups.keyed import Keyed
from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.plan import File, Host, Pace, Parse, Plan
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported

_Read = Callable[[bytes], int | None]


def probe(host: Host) -> tuple[Plan, ...]:
    """The hugetlb controller, v1 or v2. Peaks and failures move only when somebody asks for a page.

    Source: Documentation/admin-guide/cgroup-v1/hugetlb.rst, cgroup-v2.rst.
    """
    version = host.hierarchy("hugetlb").version
    sizes = _sizes(host.sys)
    if not sizes:
        raise NotSupported("the kernel has no huge pages")
    if version == 2:
        return (
            _plan(sizes, "current", catalogue.HUGETLB_USAGE, int, Pace.ALWAYS),
            _plan(sizes, "events", catalogue.HUGETLB_FAILCNT, _most, Pace.STILL),
        )
    return (
        _plan(sizes, "usage_in_bytes", catalogue.HUGETLB_USAGE, int, Pace.ALWAYS),
        _plan(sizes, "max_usage_in_bytes", catalogue.HUGETLB_MAX_USAGE, int, Pace.STILL),
        _plan(sizes, "failcnt", catalogue.HUGETLB_FAILCNT, int, Pace.STILL),
    )


def _sizes(sys: str) -> list[str]:
    """The sizes there are, smallest first, as the files are named after them: 64KB, 2MB, 1GB.

    Source: Documentation/admin-guide/mm/hugetlbpage.rst.
    """
    try:
        names = os.listdir(f"{sys}/kernel/mm/hugepages")
    except FileNotFoundError:
        return []
    return [_name(kib) for kib in sorted(int(name.removeprefix("hugepages-")[:-2]) for name in names)]


def _name(kib: int) -> str:
    for unit, size in (("GB", 1 << 20), ("MB", 1 << 10)):
        if kib >= size:
            return f"{kib // size}{unit}"
    return f"{kib}KB"


def _plan(sizes: Sequence[str], name: str, family: Family, read: _Read, pace: Pace) -> Plan:
    files = tuple(File("hugetlb", f"hugetlb.{size}.{name}") for size in sizes)
    labels = [f',pagesize="{size}"' for size in sizes]
    return Plan(files, (family,), _parser(INDEX[family], labels, read), pace)


def _parser(place: int, labels: Sequence[str], read: _Read) -> Parse:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        numbers = [read(content) if content else None for content in contents]
        values[place] = (
            tuple(
                (label, number) for label, number in zip(labels, numbers, strict=True) if number is not None
            )
            or None
        )

    return parse


_events = Keyed((b"max",))


def _most(content: bytes) -> int | None:
    return _events.values(content)[0]
