"""The host's own few figures."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

MACHINE_CPU_CORES = gauge("machine_cpu_cores", "host", "Logical CPUs that are online.")
MACHINE_MEMORY = gauge("machine_memory_bytes", "host", "Memory of the host.", unit="bytes")
MACHINE_SWAP = gauge("machine_swap_bytes", "host", "Swap space of the host.", unit="bytes")
HOST_OOM_KILLS = counter(
    "deckwatch_oom_kills_total",
    "host",
    "Processes killed for want of memory on the whole host since it started.",
    compat=Compat.OWN,
)

HOST: tuple[Family, ...] = (
    MACHINE_CPU_CORES,
    MACHINE_MEMORY,
    MACHINE_SWAP,
    HOST_OOM_KILLS,
)
