"""Memory by NUMA node."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

from collectors.metrics import catalogue
from collectors.metrics.plan import File, Host, Parse, Plan
from collectors.metrics.rows import Number, Value
from runtime.linux.errors import NotSupported

_PAGES = catalogue.INDEX[catalogue.MEMORY_NUMA_PAGES]
_TYPES = (b"file", b"anon", b"unevictable")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def probe(host: Host) -> tuple[Plan, ...]:
    """memory.numa_stat, v1 or v2."""
    hierarchy = host.hierarchy("memory")
    if not os.path.exists(f"{hierarchy.mountpoint}/memory.numa_stat"):
        raise NotSupported("the kernel has no memory.numa_stat; it needs CONFIG_NUMA")
    parse = _parser(_v2_line) if hierarchy.version == 2 else _parser(_v1_line)
    return (Plan((File("memory", "memory.numa_stat"),), (catalogue.MEMORY_NUMA_PAGES,), parse),)


_Line = tuple[bytes, str, list[tuple[bytes, int]]]


def _v1_line(line: bytes) -> _Line:
    """Type, scope and pages by node of `hierarchical_file=7 N0=3 N1=4`, in pages.

    Source: Documentation/admin-guide/cgroup-v1/memory.rst, numa_stat.
    """
    total, *nodes = line.split()
    kind, _, _ = total.partition(b"=")
    own = kind.removeprefix(b"hierarchical_")
    return own, "container" if own == kind else "hierarchy", list(_nodes(nodes, 1))


def _v2_line(line: bytes) -> _Line:
    """Type, scope and pages by node of `file N0=12288 N1=0`, in bytes of the whole subtree.

    Source: Documentation/admin-guide/cgroup-v2.rst, memory.numa_stat.
    """
    kind, *nodes = line.split()
    return kind, "hierarchy", list(_nodes(nodes, _PAGE))


def _nodes(pairs: Sequence[bytes], unit: int) -> Iterator[tuple[bytes, int]]:
    for pair in pairs:
        node, _, count = pair.partition(b"=")
        yield node.removeprefix(b"N"), int(count) // unit


def _parser(read: Callable[[bytes], _Line]) -> Parse:
    def parse(contents: Sequence[bytes], values: list[Value]) -> None:
        found: list[tuple[str, Number]] = []
        for line in contents[0].splitlines():
            kind, scope, nodes = read(line)
            if kind in _TYPES:
                labels = f',type="{kind.decode()}",scope="{scope}",node="'
                found += ((f'{labels}{node.decode()}"', pages) for node, pages in nodes)
        values[_PAGES] = tuple(found) or None

    return parse
