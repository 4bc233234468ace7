"""CPUs and memory nodes the container may use."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

MEMORY_MIGRATE = gauge(
    "container_memory_migrate",
    "cpuset",
    "1 when pages move along to other memory nodes with the container, else 0.",
    compat=Compat.FIXED,
    difference="Absent on v2, which always moves them and where cAdvisor says 0.",
    v1="cpuset.memory_migrate",
)
CPUSET_CPUS = gauge(
    "container_cpuset_cpus",
    "cpuset",
    "CPUs that the container may run on.",
    compat=Compat.OWN,
    v1="cpuset.effective_cpus",
    v2="cpuset.cpus.effective",
)
CPUSET_MEMORY_NODES = gauge(
    "container_cpuset_memory_nodes",
    "cpuset",
    "Memory nodes that the container may use.",
    compat=Compat.OWN,
    v1="cpuset.effective_mems",
    v2="cpuset.mems.effective",
)

CPUSET: tuple[Family, ...] = (
    MEMORY_MIGRATE,
    CPUSET_CPUS,
    CPUSET_MEMORY_NODES,
)
