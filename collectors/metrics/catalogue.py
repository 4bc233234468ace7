"""Every metric as data: name, type, unit, help, labels, switch, and what it is to a cAdvisor user.

Exposition, the metrics reference, the dashboards' check and the compatibility table are made from this.
A container's row holds one value per family of `ROW`, in that order; `INDEX` tells where. The other tuples
are families that lifecycle, logs, inventory, host and the agent itself fill. Where the kernel's versions
or cAdvisor differ, `difference` says how.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any


class Kind(enum.StrEnum):
    """Type of a family as the exposition writes it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    INFO = "info"
    UNKNOWN = "unknown"  # a cAdvisor counter without `_total`: counter in text 0.0.4, unknown in OpenMetrics


class Compat(enum.StrEnum):
    """What the family is to somebody who comes from cAdvisor."""

    SAME = "same"
    FIXED = "fixed"
    OWN = "own"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric family. `name` is the sample name; `collector` its switch in the configuration.

    `labels` are the family's own, beside the base labels. `dead` tells how long its series outlive the
    container: `end` (gauges of use), `final` (counters, `metrics.keep_final`), `kept` (lifecycle,
    `metrics.keep_dead`); `outlives` names it where the kind does not tell.
    """

    name: str
    kind: Kind
    help: str
    collector: str
    unit: str = ""
    labels: tuple[str, ...] = ()
    compat: Compat = Compat.SAME
    difference: str = ""
    outlives: str = ""

    @property
    def dead(self) -> str:
        """How long its series outlive the container."""
        if self.outlives:
            return self.outlives
        if self.collector == "lifecycle":
            return "kept"
        return "final" if self.kind in (Kind.COUNTER, Kind.UNKNOWN) else "end"


def _counter(name: str, collector: str, help: str, *labels: str, unit: str = "", **more: Any) -> Family:
    return Family(
        name=name, kind=Kind.COUNTER, help=help, collector=collector, labels=labels, unit=unit, **more
    )


def _gauge(name: str, collector: str, help: str, *labels: str, unit: str = "", **more: Any) -> Family:
    return Family(
        name=name, kind=Kind.GAUGE, help=help, collector=collector, labels=labels, unit=unit, **more
    )


_QUOTA = "Only with a CPU quota."

CPU_USAGE = _counter(
    "container_cpu_usage_seconds_total",
    "cpu",
    "CPU time consumed.",
    "cpu",
    unit="seconds",
    compat=Compat.FIXED,
    difference='The label is always there: cpu="total".',
)
CPU_USER = _counter(
    "container_cpu_user_seconds_total",
    "cpu",
    "CPU time consumed in user mode.",
    unit="seconds",
    difference="v1 counts in clock ticks (USER_HZ), v2 in microseconds.",
)
CPU_SYSTEM = _counter(
    "container_cpu_system_seconds_total",
    "cpu",
    "CPU time consumed in the kernel.",
    unit="seconds",
    difference="v1 counts in clock ticks (USER_HZ), v2 in microseconds.",
)
CFS_PERIODS = _counter(
    "container_cpu_cfs_periods_total", "cpu", "Enforcement periods of the CPU quota.", difference=_QUOTA
)
CFS_THROTTLED_PERIODS = _counter(
    "container_cpu_cfs_throttled_periods_total",
    "cpu",
    "Enforcement periods in which the container was throttled.",
    difference=_QUOTA,
)
CFS_THROTTLED_SECONDS = _counter(
    "container_cpu_cfs_throttled_seconds_total",
    "cpu",
    "Time the container's threads were throttled, added up over CPUs.",
    unit="seconds",
    difference=_QUOTA,
)
CFS_BURST_PERIODS = _counter(
    "container_cpu_cfs_burst_periods_total",
    "cpu",
    "Periods in which the container used CPU time it had saved up.",
    difference=_QUOTA + " Absent before Linux 5.14.",
)
CFS_BURST_SECONDS = _counter(
    "container_cpu_cfs_burst_seconds_total",
    "cpu",
    "CPU time used above the quota in bursts.",
    unit="seconds",
    difference=_QUOTA + " Absent before Linux 5.14.",
)

MEMORY_USAGE = _gauge(
    "container_memory_usage_bytes",
    "memory",
    "Memory charged, page cache included.",
    unit="bytes",
    difference="The v2 root has no figure of its own: anon + file of its memory.stat, as in cAdvisor.",
)
MEMORY_WORKING_SET = _gauge(
    "container_memory_working_set_bytes",
    "memory",
    "Memory charged less inactive page cache: what the kernel cannot easily take back.",
    unit="bytes",
)
MEMORY_RSS = _gauge(
    "container_memory_rss",
    "memory",
    "Anonymous memory, in bytes.",
    difference="v1: total_rss, v2: anon. Not what ps calls resident set.",
)
MEMORY_CACHE = _gauge(
    "container_memory_cache", "memory", "Page cache, in bytes.", difference="v1: total_cache, v2: file."
)
MEMORY_MAPPED_FILE = _gauge(
    "container_memory_mapped_file",
    "memory",
    "Page cache mapped into processes, in bytes.",
    difference="v1: total_mapped_file, v2: file_mapped.",
)
MEMORY_SWAP = _gauge(
    "container_memory_swap",
    "memory",
    "Swap used, in bytes.",
    difference="v1: total_swap, v2: memory.swap.current. Absent where the kernel does not account swap.",
)
MEMORY_KERNEL = _gauge(
    "container_memory_kernel_usage",
    "memory",
    "Kernel memory charged, in bytes.",
    compat=Compat.FIXED,
    difference="v1: memory.kmem.usage_in_bytes, v2: kernel of memory.stat (Linux 5.18), where cAdvisor says 0.",
)
MEMORY_MAX_USAGE = _gauge(
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
MEMORY_FAILURES = _counter(
    "container_memory_failures_total",
    "memory",
    "Page faults.",
    "failure_type",
    "scope",
    compat=Compat.FIXED,
    difference="v1 tells the scopes apart, where cAdvisor writes one value for both; v2 counts the hierarchy alone, shown under both scopes as in cAdvisor.",
)
MEMORY_ACTIVE_FILE = _gauge(
    "container_memory_total_active_file_bytes", "memory", "Page cache used recently.", unit="bytes"
)
MEMORY_INACTIVE_FILE = _gauge(
    "container_memory_total_inactive_file_bytes", "memory", "Page cache not used recently.", unit="bytes"
)
MEMORY_DIRTY = _gauge(
    "container_memory_file_dirty_bytes",
    "memory",
    "Page cache that waits to be written to disk.",
    unit="bytes",
    difference="v1: total_dirty, v2: file_dirty.",
)
MEMORY_WRITEBACK = _gauge(
    "container_memory_file_writeback_bytes",
    "memory",
    "Page cache being written to disk.",
    unit="bytes",
    difference="v1: total_writeback, v2: file_writeback.",
)
MEMORY_EVENTS_HIGH = _counter(
    "container_memory_events_high_total",
    "memory",
    "How often the container was slowed down at memory.high.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_EVENTS_MAX = _counter(
    "container_memory_events_max_total",
    "memory",
    "How often usage was about to go over memory.max.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_PGSCAN = _counter(
    "container_memory_pgscan_total",
    "memory",
    "Pages looked at to take memory back.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_PGSTEAL = _counter(
    "container_memory_pgsteal_total",
    "memory",
    "Pages taken back.",
    compat=Compat.FIXED,
    difference="v2 only; absent on v1, where cAdvisor says 0.",
)
MEMORY_REFAULT_FILE = _counter(
    "container_memory_workingset_refault_file_total",
    "memory",
    "Pages of page cache read again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="v2, and v1 kernels that list total_workingset_refault_file; else absent, where cAdvisor says 0.",
)
MEMORY_REFAULT_ANON = _counter(
    "container_memory_workingset_refault_anon_total",
    "memory",
    "Anonymous pages swapped in again soon after they were taken back.",
    compat=Compat.FIXED,
    difference="v2, and v1 kernels that list total_workingset_refault_anon; else absent, where cAdvisor says 0.",
)
OOM_EVENTS = _counter(
    "container_oom_events_total",
    "memory",
    "Processes of this cgroup killed for want of memory.",
    compat=Compat.FIXED,
    difference="The cgroup's own oom_kill counter (v1: memory.oom_control, v2: memory.events), where cAdvisor counts lines of the kernel log.",
)

_DEVICE = (
    "v1: the throttle layer's recursive counters, v2: io.stat. No line for a device means absent, not 0."
)
FS_READS_BYTES = _counter(
    "container_fs_reads_bytes_total", "io", "Bytes read.", "device", unit="bytes", difference=_DEVICE
)
FS_READS = _counter("container_fs_reads_total", "io", "Reads completed.", "device", difference=_DEVICE)
FS_WRITES_BYTES = _counter(
    "container_fs_writes_bytes_total", "io", "Bytes written.", "device", unit="bytes", difference=_DEVICE
)
FS_WRITES = _counter("container_fs_writes_total", "io", "Writes completed.", "device", difference=_DEVICE)

THREADS = _gauge(
    "container_threads",
    "pids",
    "Threads, those of descendant cgroups included.",
    difference="Absent on the root cgroup.",
)
THREADS_MAX = _gauge("container_threads_max", "spec", "Most threads allowed; 0 for no limit.")
PROCESSES = _gauge("container_processes", "pids", "Processes in this cgroup itself.")

_PSI = "On v1 from the unified hierarchy, when the container is in it. Absent without PSI, where cAdvisor says 0."
PRESSURE_CPU_WAITING = _counter(
    "container_pressure_cpu_waiting_seconds_total",
    "pressure",
    "Time some thread waited for a CPU.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_CPU_STALLED = _counter(
    "container_pressure_cpu_stalled_seconds_total",
    "pressure",
    "Time no thread could run for want of a CPU.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_MEMORY_WAITING = _counter(
    "container_pressure_memory_waiting_seconds_total",
    "pressure",
    "Time some thread waited for memory.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_MEMORY_STALLED = _counter(
    "container_pressure_memory_stalled_seconds_total",
    "pressure",
    "Time all threads waited for memory.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_IO_WAITING = _counter(
    "container_pressure_io_waiting_seconds_total",
    "pressure",
    "Time some thread waited for a disk.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)
PRESSURE_IO_STALLED = _counter(
    "container_pressure_io_stalled_seconds_total",
    "pressure",
    "Time all threads waited for a disk.",
    unit="seconds",
    compat=Compat.FIXED,
    difference=_PSI,
)

_NETNS = 'One set per network namespace, on its owner; the host\'s only on id="/".'
RECEIVE_BYTES = _counter(
    "container_network_receive_bytes_total",
    "network",
    "Bytes received.",
    "interface",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_NETNS,
)
RECEIVE_PACKETS = _counter(
    "container_network_receive_packets_total",
    "network",
    "Packets received.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)
RECEIVE_ERRORS = _counter(
    "container_network_receive_errors_total",
    "network",
    "Errors while receiving.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)
RECEIVE_DROPPED = _counter(
    "container_network_receive_packets_dropped_total",
    "network",
    "Received packets dropped.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)
TRANSMIT_BYTES = _counter(
    "container_network_transmit_bytes_total",
    "network",
    "Bytes sent.",
    "interface",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_NETNS,
)
TRANSMIT_PACKETS = _counter(
    "container_network_transmit_packets_total",
    "network",
    "Packets sent.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)
TRANSMIT_ERRORS = _counter(
    "container_network_transmit_errors_total",
    "network",
    "Errors while sending.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)
TRANSMIT_DROPPED = _counter(
    "container_network_transmit_packets_dropped_total",
    "network",
    "Packets dropped while sending.",
    "interface",
    compat=Compat.FIXED,
    difference=_NETNS,
)

SPEC_CPU_PERIOD = _gauge(
    "container_spec_cpu_period", "spec", "Enforcement period of the CPU quota, in microseconds."
)
SPEC_CPU_QUOTA = _gauge(
    "container_spec_cpu_quota", "spec", "CPU time allowed in each period, in microseconds.", difference=_QUOTA
)
SPEC_CPU_SHARES = _gauge(
    "container_spec_cpu_shares",
    "spec",
    "Relative share of CPU time.",
    difference="v2: converted from cpu.weight as cAdvisor does, 2 + (weight - 1) * 262142 / 9999.",
)
SPEC_MEMORY_LIMIT = _gauge(
    "container_spec_memory_limit_bytes", "spec", "Memory limit; 0 for none.", unit="bytes"
)
SPEC_MEMORY_SWAP_LIMIT = _gauge(
    "container_spec_memory_swap_limit_bytes",
    "spec",
    "Swap limit; 0 for none.",
    unit="bytes",
    difference="v1: memory and swap together, v2: swap alone, as in cAdvisor.",
)
SPEC_MEMORY_RESERVATION = _gauge(
    "container_spec_memory_reservation_limit_bytes",
    "spec",
    "Memory reservation; 0 for none.",
    unit="bytes",
    difference="v1: memory.soft_limit_in_bytes, v2: memory.min, as in cAdvisor.",
)

START_TIME = _gauge(
    "container_start_time_seconds",
    "times",
    "When the container started, in seconds since the epoch.",
    unit="seconds",
)
LAST_SEEN = _gauge(
    "container_last_seen",
    "times",
    "When the container was last read, in seconds since the epoch; frozen at its end.",
    compat=Compat.FIXED,
    difference="Frozen at the container's end, where cAdvisor tells the time of the scrape.",
    outlives="final",
)

ROW: tuple[Family, ...] = (
    CPU_USAGE,
    CPU_USER,
    CPU_SYSTEM,
    CFS_PERIODS,
    CFS_THROTTLED_PERIODS,
    CFS_THROTTLED_SECONDS,
    CFS_BURST_PERIODS,
    CFS_BURST_SECONDS,
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
    FS_READS_BYTES,
    FS_WRITES_BYTES,
    FS_READS,
    FS_WRITES,
    THREADS,
    PROCESSES,
    PRESSURE_CPU_WAITING,
    PRESSURE_CPU_STALLED,
    PRESSURE_MEMORY_WAITING,
    PRESSURE_MEMORY_STALLED,
    PRESSURE_IO_WAITING,
    PRESSURE_IO_STALLED,
    RECEIVE_BYTES,
    RECEIVE_PACKETS,
    RECEIVE_ERRORS,
    RECEIVE_DROPPED,
    TRANSMIT_BYTES,
    TRANSMIT_PACKETS,
    TRANSMIT_ERRORS,
    TRANSMIT_DROPPED,
    SPEC_CPU_PERIOD,
    SPEC_CPU_QUOTA,
    SPEC_CPU_SHARES,
    SPEC_MEMORY_LIMIT,
    SPEC_MEMORY_SWAP_LIMIT,
    SPEC_MEMORY_RESERVATION,
    THREADS_MAX,
    START_TIME,
    LAST_SEEN,
)
INDEX: dict[Family, int] = {family: at for at, family in enumerate(ROW)}

OOM_KILLS = _counter(
    "container_oom_kills_total",
    "lifecycle",
    "Processes killed for want of memory, over all runs.",
    compat=Compat.OWN,
)
EXITS = _counter("container_exits_total", "lifecycle", "Ended runs.", "reason", compat=Compat.OWN)
RESTARTS = _counter("container_restarts_total", "lifecycle", "Restarts.", compat=Compat.OWN)
STATE = _gauge(
    "container_state",
    "lifecycle",
    "1 for the state the container is in, 0 for the rest.",
    "state",
    compat=Compat.OWN,
)
LAST_EXIT_CODE = _gauge(
    "container_last_exit_code",
    "lifecycle",
    "Exit code of the last ended run; absent when unknown.",
    compat=Compat.OWN,
)
HEALTH_STATE = _gauge(
    "container_health_state",
    "lifecycle",
    "1 healthy, 0 not (yet) healthy, -1 without a health check.",
    compat=Compat.FIXED,
    difference="Without id, as all lifecycle series; cAdvisor has it for Docker alone.",
)
LIFECYCLE: tuple[Family, ...] = (OOM_KILLS, EXITS, RESTARTS, STATE, LAST_EXIT_CODE, HEALTH_STATE)

LOG_BYTES = _counter(
    "container_log_bytes_total",
    "logs",
    "Bytes that the container printed, as far as its log was read.",
    "stream",
    unit="bytes",
    compat=Compat.OWN,
)
LOG_LINES = _counter("container_log_lines_total", "logs", "Lines of log read.", "stream", compat=Compat.OWN)
LOG_MESSAGES = _counter(
    "container_log_messages_total", "logs", "Log entries, multi-line ones once.", "level", compat=Compat.OWN
)
LOG_DROPPED = _counter(
    "container_log_dropped_total",
    "logs",
    "Log entries given up; with size unknown gaps, each of one entry or more.",
    "reason",
    "size",
    compat=Compat.OWN,
)
LOG_LAG = _gauge(
    "container_log_lag_seconds",
    "logs",
    "Age of the oldest log line not yet read.",
    unit="seconds",
    compat=Compat.OWN,
)
LOGS: tuple[Family, ...] = (LOG_BYTES, LOG_LINES, LOG_MESSAGES, LOG_DROPPED, LOG_LAG)

INFO = Family(
    name="container_info",
    kind=Kind.INFO,
    help="Engine, engine's id, workload and chosen labels of the container; always 1.",
    collector="info",
    labels=("engine", "engine_id", "workload"),
    compat=Compat.OWN,
)

MACHINE_CPU_CORES = _gauge("machine_cpu_cores", "host", "Logical CPUs that are online.")
MACHINE_MEMORY = _gauge("machine_memory_bytes", "host", "Memory of the host.", unit="bytes")
MACHINE_SWAP = _gauge("machine_swap_bytes", "host", "Swap space of the host.", unit="bytes")
HOST_OOM_KILLS = _counter(
    "deckwatch_oom_kills_total",
    "host",
    "Processes killed for want of memory on the whole host since it started.",
    compat=Compat.OWN,
)
HOST: tuple[Family, ...] = (MACHINE_CPU_CORES, MACHINE_MEMORY, MACHINE_SWAP, HOST_OOM_KILLS)

COLLECTOR_SUPPORTED = _gauge(
    "deckwatch_collector_supported",
    "agent",
    "1 when the host offers what the collector reads, else 0 and the reason.",
    "collector",
    "reason",
    compat=Compat.OWN,
)
COLLECTOR_DURATION = _gauge(
    "deckwatch_collector_duration_seconds",
    "agent",
    "What the collector cost in the last reading.",
    "collector",
    unit="seconds",
    compat=Compat.OWN,
)
COLLECTOR_ERRORS = _counter(
    "deckwatch_collector_errors_total",
    "agent",
    "Files the collector could not read or understand.",
    "collector",
    compat=Compat.OWN,
)
VANISHED = _counter(
    "deckwatch_vanished_total", "agent", "Containers that ended while they were read.", compat=Compat.OWN
)
DESCRIPTORS_KEPT = _gauge(
    "deckwatch_descriptors_kept", "agent", "Cgroup files and directories kept open.", compat=Compat.OWN
)
DESCRIPTORS_BUDGET = _gauge(
    "deckwatch_descriptors_budget", "agent", "Most cgroup files and directories kept open.", compat=Compat.OWN
)
AGENT: tuple[Family, ...] = (
    COLLECTOR_SUPPORTED,
    COLLECTOR_DURATION,
    COLLECTOR_ERRORS,
    VANISHED,
    DESCRIPTORS_KEPT,
    DESCRIPTORS_BUDGET,
)

ALL: tuple[Family, ...] = (*ROW, *LIFECYCLE, *LOGS, INFO, *HOST, *AGENT)
COLLECTORS: tuple[str, ...] = tuple(dict.fromkeys(family.collector for family in ROW))
