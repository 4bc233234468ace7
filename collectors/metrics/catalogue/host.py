"""The host's own few figures."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, counter, gauge

_MACHINE = ("machine_id", "system_uuid", "boot_id")

MACHINE_CPU_CORES = gauge(
    "machine_cpu_cores",
    "host",
    "Logical CPUs that are online.",
    *_MACHINE,
    proc="/sys/devices/system/cpu/online",
)
MACHINE_CPU_PHYSICAL_CORES = gauge(
    "machine_cpu_physical_cores",
    "host",
    "Cores, each counted once however many threads it runs.",
    *_MACHINE,
    proc="/sys/devices/system/cpu/cpu*/topology/core_id",
)
MACHINE_CPU_SOCKETS = gauge(
    "machine_cpu_sockets",
    "host",
    "Processor packages.",
    *_MACHINE,
    proc="/sys/devices/system/cpu/cpu*/topology/physical_package_id",
)
MACHINE_MEMORY = gauge(
    "machine_memory_bytes",
    "host",
    "Memory of the host.",
    *_MACHINE,
    unit="bytes",
    proc="/proc/meminfo MemTotal",
)
MACHINE_SWAP = gauge(
    "machine_swap_bytes",
    "host",
    "Swap space of the host.",
    *_MACHINE,
    unit="bytes",
    proc="/proc/meminfo SwapTotal",
)
HOST_OOM_KILLS = counter(
    "deckwatch_oom_kills_total",
    "host",
    "Processes killed for want of memory on the whole host since it started.",
    compat=Compat.OWN,
    proc="/proc/vmstat oom_kill",
)

MACHINE_CACHE = gauge(
    "machine_cpu_cache_capacity_bytes",
    "cpu_topology",
    "Size of a processor cache.",
    *_MACHINE,
    "node_id",
    "core_id",
    "type",
    "level",
    unit="bytes",
    compat=Compat.FIXED,
    difference="Each cache once, on the first core that shares it.",
    proc="/sys/devices/system/cpu/cpu*/cache/index*/size",
)
MACHINE_THREAD_SIBLINGS = gauge(
    "machine_thread_siblings_count",
    "cpu_topology",
    "Threads of the core that a thread belongs to.",
    *_MACHINE,
    "node_id",
    "core_id",
    "thread_id",
    proc="/sys/devices/system/cpu/cpu*/topology/thread_siblings_list",
)
MACHINE_NODE_MEMORY = gauge(
    "machine_node_memory_capacity_bytes",
    "cpu_topology",
    "Memory of a NUMA node.",
    *_MACHINE,
    "node_id",
    unit="bytes",
    proc="/sys/devices/system/node/node*/meminfo MemTotal",
)
MACHINE_NODE_HUGEPAGES = gauge(
    "machine_node_hugepages_count",
    "cpu_topology",
    "Huge pages of a NUMA node; page_size in KiB.",
    *_MACHINE,
    "node_id",
    "page_size",
    proc="/sys/devices/system/node/node*/hugepages/hugepages-*kB/nr_hugepages",
)
MACHINE_NODE_DISTANCE = gauge(
    "machine_node_distance",
    "cpu_topology",
    "How far one NUMA node's memory is from another; 10 is its own.",
    *_MACHINE,
    "node_id",
    "target_node_id",
    proc="/sys/devices/system/node/node*/distance",
)

HOST: tuple[Family, ...] = (
    MACHINE_CPU_CORES,
    MACHINE_CPU_PHYSICAL_CORES,
    MACHINE_CPU_SOCKETS,
    MACHINE_MEMORY,
    MACHINE_SWAP,
    HOST_OOM_KILLS,
    MACHINE_CACHE,
    MACHINE_THREAD_SIBLINGS,
    MACHINE_NODE_MEMORY,
    MACHINE_NODE_HUGEPAGES,
    MACHINE_NODE_DISTANCE,
)
