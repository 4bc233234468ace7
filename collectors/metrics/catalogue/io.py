"""What was read from and written to each block device, and what that took."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

_DEVICE = "No line for a device means absent, not 0. v1 takes a scheduler's count (blkio.bfq.io_…, blkio.io_…) where a disk had BFQ or CFQ at the agent's start, else the throttle layer's, which from Linux 6.18 on counts only after a limit was set."
_SCHEDULER = "Only on v1, under CFQ, or BFQ with CONFIG_BFQ_CGROUP_DEBUG. What cAdvisor shows on the root are the whole disk's figures, as node_exporter does."
_COST = "Only where io.cost is enabled for the device."
_COST_DEBUG = _COST + " Needs blk_cgroup.blkcg_debug_stats=1 too."
FS_READS_BYTES = counter(
    "container_fs_reads_bytes_total",
    "io",
    "Bytes read.",
    "device",
    unit="bytes",
    difference=_DEVICE,
    v1="blkio.throttle.io_service_bytes_recursive Read",
    v2="io.stat rbytes",
)
FS_WRITES_BYTES = counter(
    "container_fs_writes_bytes_total",
    "io",
    "Bytes written.",
    "device",
    unit="bytes",
    difference=_DEVICE,
    v1="blkio.throttle.io_service_bytes_recursive Write",
    v2="io.stat wbytes",
)
BLKIO_DEVICE_USAGE = counter(
    "container_blkio_device_usage_total",
    "io",
    "Bytes by device and operation, as the kernel names it.",
    "device",
    "major",
    "minor",
    "operation",
    difference="v1 has Read, Write, Sync, Async, Discard and Total, which overlap; v2 has Read and Write.",
    v1="blkio.throttle.io_service_bytes_recursive",
    v2="io.stat rbytes, wbytes",
)
FS_READS = counter(
    "container_fs_reads_total",
    "io",
    "Reads completed.",
    "device",
    difference=_DEVICE,
    v1="blkio.throttle.io_serviced_recursive Read",
    v2="io.stat rios",
)
FS_WRITES = counter(
    "container_fs_writes_total",
    "io",
    "Writes completed.",
    "device",
    difference=_DEVICE,
    v1="blkio.throttle.io_serviced_recursive Write",
    v2="io.stat wios",
)
FS_READS_MERGED = counter(
    "container_fs_reads_merged_total",
    "io",
    "Reads merged into requests that waited already.",
    "device",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_merged_recursive Read",
)
FS_WRITES_MERGED = counter(
    "container_fs_writes_merged_total",
    "io",
    "Writes merged into requests that waited already.",
    "device",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_merged_recursive Write",
)
FS_READ_SECONDS = counter(
    "container_fs_read_seconds_total",
    "io",
    "Time the device spent on reads, added up over requests.",
    "device",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_service_time_recursive Read",
)
FS_WRITE_SECONDS = counter(
    "container_fs_write_seconds_total",
    "io",
    "Time the device spent on writes, added up over requests.",
    "device",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_service_time_recursive Write",
)
FS_IO_TIME = counter(
    "container_fs_io_time_seconds_total",
    "io",
    "Time the device spent on requests of either kind, added up over requests.",
    "device",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_service_time_recursive Total",
)
FS_IO_CURRENT = gauge(
    "container_fs_io_current",
    "io",
    "Requests that wait at the moment.",
    "device",
    compat=Compat.FIXED,
    difference=_SCHEDULER,
    v1="blkio.io_queued_recursive Total",
)
FS_IO_COST_USAGE = counter(
    "container_fs_io_cost_usage_seconds_total",
    "io",
    "Device time used, as io.cost reckons it.",
    "device",
    unit="seconds",
    difference=_COST,
    v2="io.stat cost.usage",
)
FS_IO_COST_WAIT = counter(
    "container_fs_io_cost_wait_seconds_total",
    "io",
    "Time that io.cost made requests wait.",
    "device",
    unit="seconds",
    difference=_COST_DEBUG,
    v2="io.stat cost.wait",
)
FS_IO_COST_INDEBT = counter(
    "container_fs_io_cost_indebt_seconds_total",
    "io",
    "Time spent owing device time to io.cost.",
    "device",
    unit="seconds",
    difference=_COST_DEBUG,
    v2="io.stat cost.indebt",
)
FS_IO_COST_INDELAY = counter(
    "container_fs_io_cost_indelay_seconds_total",
    "io",
    "Time that threads were delayed to pay back what they owed to io.cost.",
    "device",
    unit="seconds",
    difference=_COST_DEBUG,
    v2="io.stat cost.indelay",
)

IO: tuple[Family, ...] = (
    FS_READS_BYTES,
    FS_WRITES_BYTES,
    BLKIO_DEVICE_USAGE,
    FS_READS,
    FS_WRITES,
    FS_READS_MERGED,
    FS_WRITES_MERGED,
    FS_READ_SECONDS,
    FS_WRITE_SECONDS,
    FS_IO_TIME,
    FS_IO_CURRENT,
    FS_IO_COST_USAGE,
    FS_IO_COST_WAIT,
    FS_IO_COST_INDEBT,
    FS_IO_COST_INDELAY,
)
