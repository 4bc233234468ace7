"""Memory: what is charged, what the kernel could take back, what happened at the limit."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, Kind, counter, gauge

MEMORY_USAGE = gauge(
    "container_memory_usage_bytes",
    "memory",
    "Memory charged, page cache included.",
    unit="bytes",
    difference="The v2 root has no figure of its own: anon + file of its memory.stat, as in cAdvisor.",
    v1="memory.usage_in_bytes",
    v2="memory.current",
)
MEMORY_WORKING_SET = gauge(
    "container_memory_working_set_bytes",
    "memory",
    "Memory charged less inactive page cache: what the kernel cannot easily take back.",
    unit="bytes",
    v1="memory.usage_in_bytes less memory.stat total_inactive_file",
    v2="memory.current less memory.stat inactive_file",
)
MEMORY_RSS = gauge(
    "container_memory_rss",
    "memory",
    "Anonymous memory, in bytes.",
    difference="Not what ps calls resident set.",
    v1="memory.stat total_rss",
    v2="memory.stat anon",
)
MEMORY_CACHE = gauge(
    "container_memory_cache",
    "memory",
    "Page cache, in bytes.",
    v1="memory.stat total_cache",
    v2="memory.stat file",
)
MEMORY_MAPPED_FILE = gauge(
    "container_memory_mapped_file",
    "memory",
    "Page cache mapped into processes, in bytes.",
    v1="memory.stat total_mapped_file",
    v2="memory.stat file_mapped",
)
MEMORY_FAILURES = counter(
    "container_memory_failures_total",
    "memory",
    "Page faults.",
    "failure_type",
    "scope",
    compat=Compat.FIXED,
    difference="v1 tells the scopes apart, where cAdvisor writes one value for both; v2 counts the hierarchy alone, shown under both scopes as in cAdvisor.",
    v1="memory.stat pgfault, pgmajfault, total_pgfault, total_pgmajfault",
    v2="memory.stat pgfault, pgmajfault",
)
MEMORY_ACTIVE_FILE = gauge(
    "container_memory_total_active_file_bytes",
    "memory",
    "Page cache used recently.",
    unit="bytes",
    v1="memory.stat total_active_file",
    v2="memory.stat active_file",
)
MEMORY_INACTIVE_FILE = gauge(
    "container_memory_total_inactive_file_bytes",
    "memory",
    "Page cache not used recently.",
    unit="bytes",
    v1="memory.stat total_inactive_file",
    v2="memory.stat inactive_file",
)
MEMORY_DIRTY = gauge(
    "container_memory_file_dirty_bytes",
    "memory",
    "Page cache that waits to be written to disk.",
    unit="bytes",
    v1="memory.stat total_dirty",
    v2="memory.stat file_dirty",
)
MEMORY_WRITEBACK = gauge(
    "container_memory_file_writeback_bytes",
    "memory",
    "Page cache being written to disk.",
    unit="bytes",
    v1="memory.stat total_writeback",
    v2="memory.stat file_writeback",
)
MEMORY_PGSCAN = counter(
    "container_memory_pgscan_total",
    "memory",
    "Pages looked at to take memory back.",
    compat=Compat.FIXED,
    difference="Absent on v1, where cAdvisor says 0.",
    v2="memory.stat pgscan",
)
MEMORY_PGSTEAL = counter(
    "container_memory_pgsteal_total",
    "memory",
    "Pages taken back.",
    compat=Compat.FIXED,
    difference="Absent on v1, where cAdvisor says 0.",
    v2="memory.stat pgsteal",
)
MEMORY_REFAULT_FILE = counter(
    "container_memory_workingset_refault_file_total",
    "memory",
    "Pages of page cache read again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="Absent on v1 kernels that do not list it, where cAdvisor says 0.",
    v1="memory.stat total_workingset_refault_file",
    v2="memory.stat workingset_refault_file",
)
MEMORY_REFAULT_ANON = counter(
    "container_memory_workingset_refault_anon_total",
    "memory",
    "Anonymous pages swapped in again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="Absent on v1 kernels that do not list it, where cAdvisor says 0.",
    v1="memory.stat total_workingset_refault_anon",
    v2="memory.stat workingset_refault_anon",
)
MEMORY_ACTIVATE_FILE = counter(
    "container_memory_workingset_activate_file_total",
    "memory",
    "Pages of page cache that were in use again at once when they came back: the cache is too small.",
    compat=Compat.OWN,
    v2="memory.stat workingset_activate_file",
)
MEMORY_ACTIVATE_ANON = counter(
    "container_memory_workingset_activate_anon_total",
    "memory",
    "Anonymous pages that were in use again at once when they came back from swap.",
    compat=Compat.OWN,
    v2="memory.stat workingset_activate_anon",
)
MEMORY_RECLAIM_SCANNED = counter(
    "container_memory_reclaim_scanned_pages_total",
    "memory",
    "Pages looked at to take memory back, by who did it: direct are threads that waited meanwhile, as the container's own do at its limit; kswapd is the kernel beside them.",
    "reclaimer",
    compat=Compat.OWN,
    v2="memory.stat pgscan_kswapd, pgscan_direct",
)
MEMORY_RECLAIM_TAKEN = counter(
    "container_memory_reclaim_taken_pages_total",
    "memory",
    "Pages taken back, by who did it.",
    "reclaimer",
    compat=Compat.OWN,
    v2="memory.stat pgsteal_kswapd, pgsteal_direct",
)
MEMORY_RECLAIMABLE = gauge(
    "container_memory_reclaimable_bytes",
    "memory",
    "Memory that the kernel can take back without swapping: page cache on disk, and on v2 the kernel's own caches.",
    unit="bytes",
    compat=Compat.OWN,
    v1="memory.stat total_inactive_file + total_active_file",
    v2="memory.stat inactive_file + active_file + slab_reclaimable",
)
MEMORY_LIMIT_RATIO = gauge(
    "container_memory_limit_ratio",
    "memory",
    "Working set as a share of the memory limit in force, the container's own or the least of its ancestors'.",
    unit="ratio",
    compat=Compat.OWN,
    difference="Only with a limit.",
    v1="container_memory_working_set_bytes, container_spec_memory_effective_limit_bytes",
    v2="container_memory_working_set_bytes, container_spec_memory_effective_limit_bytes",
)
MEMORY_SWAP = gauge(
    "container_memory_swap",
    "memory",
    "Swap used, in bytes.",
    difference="Absent where the kernel does not account swap.",
    v1="memory.stat total_swap",
    v2="memory.swap.current",
)
MEMORY_KERNEL = gauge(
    "container_memory_kernel_usage",
    "memory",
    "Kernel memory charged, in bytes.",
    compat=Compat.FIXED,
    difference="v2 from Linux 5.18 on, where cAdvisor says 0.",
    v1="memory.kmem.usage_in_bytes",
    v2="memory.stat kernel",
)
MEMORY_MAX_USAGE = gauge(
    "container_memory_max_usage_bytes",
    "memory",
    "Highest memory charged so far.",
    unit="bytes",
    difference="v2 from Linux 5.19 on.",
    v1="memory.max_usage_in_bytes",
    v2="memory.peak",
)
MEMORY_FAILCNT = Family(
    name="container_memory_failcnt",
    kind=Kind.UNKNOWN,
    help="How often the memory limit was hit.",
    collector="memory",
    difference="v1 only; see container_memory_events_max_total for v2. Unknown, not counter, in OpenMetrics.",
    v1="memory.failcnt",
)
MEMORY_EVENTS_LOW = counter(
    "container_memory_events_low_total",
    "memory",
    "How often memory was taken back although usage was below memory.low: the host is overcommitted.",
    compat=Compat.OWN,
    v2="memory.events low",
)
MEMORY_EVENTS_HIGH = counter(
    "container_memory_events_high_total",
    "memory",
    "How often the container was slowed down at memory.high.",
    compat=Compat.FIXED,
    difference="Absent on v1, where cAdvisor says 0.",
    v2="memory.events high",
)
MEMORY_EVENTS_MAX = counter(
    "container_memory_events_max_total",
    "memory",
    "How often usage was about to go over memory.max.",
    compat=Compat.FIXED,
    difference="Absent on v1, where cAdvisor says 0.",
    v2="memory.events max",
)
MEMORY_EVENTS_OOM = counter(
    "container_memory_events_oom_total",
    "memory",
    "How often usage reached memory.max and nothing could be taken back, whether a process was killed or not.",
    compat=Compat.OWN,
    v2="memory.events oom",
)
MEMORY_EVENTS_OOM_GROUP_KILL = counter(
    "container_memory_events_oom_group_kill_total",
    "memory",
    "How often the whole container was killed for want of memory, as memory.oom.group asks.",
    compat=Compat.OWN,
    difference="Absent before Linux 5.17.",
    v2="memory.events oom_group_kill",
)
OOM_EVENTS = counter(
    "container_oom_events_total",
    "memory",
    "Processes of this cgroup killed for want of memory.",
    compat=Compat.FIXED,
    difference="The cgroup's own count of oom_kill, where cAdvisor counts lines of the kernel log.",
    v1="memory.oom_control oom_kill",
    v2="memory.events oom_kill",
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
    MEMORY_ACTIVATE_FILE,
    MEMORY_ACTIVATE_ANON,
    MEMORY_RECLAIM_SCANNED,
    MEMORY_RECLAIM_TAKEN,
    MEMORY_RECLAIMABLE,
    MEMORY_SWAP,
    MEMORY_KERNEL,
    MEMORY_MAX_USAGE,
    MEMORY_FAILCNT,
    MEMORY_EVENTS_LOW,
    MEMORY_EVENTS_HIGH,
    MEMORY_EVENTS_MAX,
    MEMORY_EVENTS_OOM,
    MEMORY_EVENTS_OOM_GROUP_KILL,
    OOM_EVENTS,
    MEMORY_LIMIT_RATIO,
)
