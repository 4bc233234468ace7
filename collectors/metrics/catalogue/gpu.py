"""Graphics processors used by the container."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

_LABELS = ("make", "model", "acc_id")
_OLD = "As in cAdvisor up to 0.43, which has dropped it since."

GPU_DUTY_CYCLE = gauge(
    "container_accelerator_duty_cycle",
    "gpu",
    "Percent of the last sample period in which the processor was busy, with whomever.",
    *_LABELS,
    compat=Compat.OWN,
    difference=_OLD,
    proc="NVML nvmlDeviceGetUtilizationRates",
)
GPU_MEMORY_TOTAL = gauge(
    "container_accelerator_memory_total_bytes",
    "gpu",
    "Memory of the processor.",
    *_LABELS,
    unit="bytes",
    compat=Compat.OWN,
    difference=_OLD,
    proc="NVML nvmlDeviceGetMemoryInfo",
)
GPU_MEMORY_USED = gauge(
    "container_accelerator_memory_used_bytes",
    "gpu",
    "Memory of the processor that the container's processes use; on the host all that is used.",
    *_LABELS,
    unit="bytes",
    compat=Compat.OWN,
    difference=_OLD,
    proc="NVML nvmlDeviceGetComputeRunningProcesses",
)

GPU: tuple[Family, ...] = (GPU_DUTY_CYCLE, GPU_MEMORY_TOTAL, GPU_MEMORY_USED)
