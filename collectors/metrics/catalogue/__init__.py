"""Every metric as data: exposition, the metrics reference, the dashboards' check and the cAdvisor table come from it.

A container's row holds one value per family of `ROW`, in that order; `INDEX` tells where. The other tuples are
families that lifecycle, logs, inventory, host and the agent itself fill. `SWITCHES` are the collectors that
`metrics.collectors` names, and whether each is on by default.
"""

from __future__ import annotations

from collections.abc import Mapping

from collectors.metrics.catalogue.advtcp import *
from collectors.metrics.catalogue.agent import *
from collectors.metrics.catalogue.cpu import *
from collectors.metrics.catalogue.cpuset import *
from collectors.metrics.catalogue.delays import *
from collectors.metrics.catalogue.disk import *
from collectors.metrics.catalogue.family import Compat, Family, Kind
from collectors.metrics.catalogue.gpu import *
from collectors.metrics.catalogue.host import *
from collectors.metrics.catalogue.hugetlb import *
from collectors.metrics.catalogue.info import *
from collectors.metrics.catalogue.io import *
from collectors.metrics.catalogue.lifecycle import *
from collectors.metrics.catalogue.logs import *
from collectors.metrics.catalogue.memory import *
from collectors.metrics.catalogue.network import *
from collectors.metrics.catalogue.numa import *
from collectors.metrics.catalogue.pids import *
from collectors.metrics.catalogue.pressure import *
from collectors.metrics.catalogue.process import *
from collectors.metrics.catalogue.referenced import *
from collectors.metrics.catalogue.sched import *
from collectors.metrics.catalogue.shipping import *
from collectors.metrics.catalogue.spec import *
from collectors.metrics.catalogue.tasks import *
from collectors.metrics.catalogue.tcp import *
from collectors.metrics.catalogue.times import *
from collectors.metrics.catalogue.udp import *

__all__ = ["ALL", "COLLECTORS", "INDEX", "ROW", "SWITCHES", "Compat", "Family", "Kind"]

ROW: tuple[Family, ...] = (
    *CPU,
    *MEMORY,
    *IO,
    *PIDS,
    *PRESSURE,
    *NETWORK,
    *SPEC,
    *TIMES,
    *DISK,
    *PROCESS,
    *SCHED,
    *TASKS,
    *DELAYS,
    *TCP,
    *UDP,
    *ADVTCP,
    *HUGETLB,
    *NUMA,
    *CPUSET,
    *REFERENCED,
    *GPU,
)
INDEX: dict[Family, int] = {family: at for at, family in enumerate(ROW)}

ALL: tuple[Family, ...] = (*ROW, *LIFECYCLE, *LOGS, INFO, *HOST, *AGENT, *SHIPPING)
COLLECTORS: tuple[str, ...] = tuple(dict.fromkeys(family.collector for family in ROW))

# Those that are off by default in cAdvisor are off here too, under its names; so is percpu, as in the kubelet.
SWITCHES: Mapping[str, bool] = {
    **dict.fromkeys(("cpu", "memory", "io", "pids", "pressure", "network", "spec", "times", "disk"), True),
    **dict.fromkeys(("delays", "gpu", "host"), True),
    **dict.fromkeys(("percpu", "sched", "cpuLoad", "tcp", "udp", "advtcp", "process"), False),
    **dict.fromkeys(("hugetlb", "memory_numa", "cpuset", "referenced_memory"), False),
    **dict.fromkeys(("disk_walk", "cpu_topology"), False),
}
