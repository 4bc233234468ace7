"""Limits in force."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family, gauge

_QUOTA = "Only with a CPU quota."
SPEC_CPU_PERIOD = gauge(
    "container_spec_cpu_period", "spec", "Enforcement period of the CPU quota, in microseconds."
)
SPEC_CPU_QUOTA = gauge(
    "container_spec_cpu_quota", "spec", "CPU time allowed in each period, in microseconds.", difference=_QUOTA
)
SPEC_CPU_SHARES = gauge(
    "container_spec_cpu_shares",
    "spec",
    "Relative share of CPU time.",
    difference="v2: converted from cpu.weight as cAdvisor does, 2 + (weight - 1) * 262142 / 9999.",
)
SPEC_MEMORY_LIMIT = gauge(
    "container_spec_memory_limit_bytes", "spec", "Memory limit; 0 for none.", unit="bytes"
)
SPEC_MEMORY_SWAP_LIMIT = gauge(
    "container_spec_memory_swap_limit_bytes",
    "spec",
    "Swap limit; 0 for none.",
    unit="bytes",
    difference="v1: memory and swap together, v2: swap alone, as in cAdvisor.",
)
SPEC_MEMORY_RESERVATION = gauge(
    "container_spec_memory_reservation_limit_bytes",
    "spec",
    "Memory reservation; 0 for none.",
    unit="bytes",
    difference="v1: memory.soft_limit_in_bytes, v2: memory.min, as in cAdvisor.",
)
THREADS_MAX = gauge("container_threads_max", "spec", "Most threads allowed; 0 for no limit.")

SPEC: tuple[Family, ...] = (
    SPEC_CPU_PERIOD,
    SPEC_CPU_QUOTA,
    SPEC_CPU_SHARES,
    SPEC_MEMORY_LIMIT,
    SPEC_MEMORY_SWAP_LIMIT,
    SPEC_MEMORY_RESERVATION,
    THREADS_MAX,
)
