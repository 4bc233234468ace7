"""Bytes and operations per block device."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Family, counter

_DEVICE = (
    "v1: the throttle layer's recursive counters, v2: io.stat. No line for a device means absent, not 0."
)
FS_READS_BYTES = counter(
    "container_fs_reads_bytes_total", "io", "Bytes read.", "device", unit="bytes", difference=_DEVICE
)
FS_WRITES_BYTES = counter(
    "container_fs_writes_bytes_total", "io", "Bytes written.", "device", unit="bytes", difference=_DEVICE
)
FS_READS = counter("container_fs_reads_total", "io", "Reads completed.", "device", difference=_DEVICE)
FS_WRITES = counter("container_fs_writes_total", "io", "Writes completed.", "device", difference=_DEVICE)

IO: tuple[Family, ...] = (
    FS_READS_BYTES,
    FS_WRITES_BYTES,
    FS_READS,
    FS_WRITES,
)
