"""Memory by NUMA node."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

MEMORY_NUMA_PAGES = gauge(
    "container_memory_numa_pages",
    "memory_numa",
    "Pages on each memory node, by kind: file, anon or unevictable.",
    "type",
    "scope",
    "node",
    compat=Compat.FIXED,
    difference='v2 counts the subtree alone, in bytes that are shown as pages: scope="hierarchy"; cAdvisor shows none there.',
    v1="memory.numa_stat",
    v2="memory.numa_stat",
)

NUMA: tuple[Family, ...] = (MEMORY_NUMA_PAGES,)
