"""Memory that was used since somebody last asked the kernel to forget it."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family, gauge

REFERENCED_BYTES = gauge(
    "container_referenced_bytes",
    "referenced_memory",
    "Memory of the container's processes that is marked as used, pages shared by them counted for each.",
    unit="bytes",
    difference="Marks are never cleared from here, as in cAdvisor by default; the kernel clears some as it takes memory back. As of the last minute or so.",
    proc="/proc/PID/smaps_rollup Referenced",
    right="CAP_SYS_PTRACE for other users' processes",
)

REFERENCED: tuple[Family, ...] = (REFERENCED_BYTES,)
