"""Memory: what is charged, what the kernel could take back, what happened at the limit."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, Kind, counter, gauge

MEMORY_USAGE = gauge(
    "container_memory_usage_bytes",
    "memory",
    "Memory charged, page cache included.",
    unit="bytes",
    difference="The v2 root has no figure of its own: anon + file of its memory.stat, as in cAdvisor.",
)
MEMORY_WORKING_SET = gauge(
    "container_memory_working_set_bytes",
    "memory",
    "Memory charged less inactive page cache: what the kernel cannot easily take back.",
    unit="bytes",
)
MEMORY_RSS = gauge(
    "container_memory_rss",
    "memory",
    "Anonymous memory, in bytes.",
    difference="v1: total_rss, v2: anon. Not what ps calls resident set.",
)
MEMORY_CACHE = gauge(
    "container_memory_cache", "memory", "Page cache, in bytes.", difference="v1: total_cache, v2: file."
)
MEMORY_MAPPED_FILE = gauge(
    "container_memory_mapped_file",
    "memory",
    "Page cache mapped into processes, in bytes.",
    difference="v1: total_mapped_file, v2: file_mapped.",
)
MEMORY_FAILURES = counter(
    "container_memory_failures_total",
    "memory",
    "Page faults.",
    "failure_type",
    "scope",
    compat=Compat.FIXED,
    difference="v1 tells the scopes apart, where cAdvisor writes one value for both; v2 counts the hierarchy alone, shown under both scopes as in cAdvisor.",
)
MEMORY_ACTIVE_FILE = gauge(
    "container_memory_total_active_file_bytes", "memory", "Page cache used recently.", unit="bytes"
)
MEMORY_INACTIVE_FILE = gauge(
    "container_memory_total_inactive_file_bytes", "memory", "Page cache not used recently.", unit="bytes"
)
MEMORY_DIRTY = gauge(
    "container_memory_file_dirty_bytes",
    "memory",
    "Page cache that waits to be written to disk.",
    unit="bytes",
    difference="v1: total_dirty, v2: file_dirty.",
)
MEMORY_WRITEBACK = gauge(
    "container_memory_file_writeback_bytes",
    "memory",
    "Page cache being written to disk.",
    unit="bytes",
    difference="v1: total_writeback, v2: file_writeback.",
)
MEMORY_PGSCAN = counter(
    "container_memory_pgscan_total",
    "memory",
    "Pages looked at to take memory back.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_PGSTEAL = counter(
    "container_memory_pgsteal_total",
    "memory",
    "Pages taken back.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_REFAULT_FILE = counter(
    "container_memory_workingset_refault_file_total",
    "memory",
    "Pages of page cache read again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="v2, and v1 kernels that list total_workingset_refault_file; else absent, where cAdvisor says 0.",
)
MEMORY_REFAULT_ANON = counter(
    "container_memory_workingset_refault_anon_total",
    "memory",
    "Anonymous pages swapped in again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="v2, and v1 kernels that list total_workingset_refault_anon; else absent, where cAdvisor says 0.",
)
MEMORY_SWAP = gauge(
    "container_memory_swap",
    "memory",
    "Swap used, in bytes.",
    difference="v1: total_swap, v2: memory.swap.current. Absent where the kernel does not account swap.",
)
MEMORY_KERNEL = gauge(
    "container_memory_kernel_usage",
    "memory",
    "Kernel memory charged, in bytes.",
    compat=Compat.FIXED,
    difference="v1: memory.kmem.usage_in_bytes, v2: kernel of memory.stat (Linux 5.18), where cAdvisor says 0.",
)
MEMORY_MAX_USAGE = gauge(
    "container_memory_max_usage_bytes",
    "memory",
    "Highest memory charged so far.",
    unit="bytes",
    difference="v2: memory.peak, absent before Linux 5.19.",
)
MEMORY_FAILCNT = Family(
    name="container_memory_failcnt",
    kind=Kind.UNKNOWN,
    help="How often the memory limit was hit.",
    collector="memory",
    difference="v1 only; see container_memory_events_max_total for v2. Unknown, not counter, in OpenMetrics.",
)
MEMORY_EVENTS_HIGH = counter(
    "container_memory_events_high_total",
    "memory",
    "How often the container was slowed down at memory.high.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_EVENTS_MAX = counter(
    "container_memory_events_max_total",
    "memory",
    "How often usage was about to go over memory.max.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
OOM_EVENTS = counter(
    "container_oom_events_total",
    "memory",
    "Processes of this cgroup killed for want of memory.",
    compat=Compat.FIXED,
    difference="The cgroup's own oom_kill counter (v1: memory.oom_control, v2: memory.events), where cAdvisor counts lines of the kernel log.",
)

MEMORY: tuple[Family, ...] = (
    MEMORY_USAGE,
    MEMORY_WORKING_SET,
    MEMORY_RSS,
    MEMORY_CACHE,
    MEMORY_MAPPED_FILE,
    MEMORY_FAILURES,
    MEMORY_ACTIVE_FILE,
    MEMORY_INACTIVE_FILE,
    MEMORY_DIRTY,
    MEMORY_WRITEBACK,
    MEMORY_PGSCAN,
    MEMORY_PGSTEAL,
    MEMORY_REFAULT_FILE,
    MEMORY_REFAULT_ANON,
    MEMORY_SWAP,
    MEMORY_KERNEL,
    MEMORY_MAX_USAGE,
    MEMORY_FAILCNT,
    MEMORY_EVENTS_HIGH,
    MEMORY_EVENTS_MAX,
    OOM_EVENTS,
)
