"""The collectors there are, and which of them this host supports.

A new kernel subsystem is a module with a `probe` and one line here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from collectors.metrics import (
    advtcp,
    cpu,
    cpuset,
    delays,
    gpu,
    hugetlb,
    io,
    memory,
    network,
    numa,
    pids,
    pressure,
    process,
    referenced,
    sched,
    spec,
    tasks,
    tcp,
    udp,
)
from collectors.metrics.catalogue import SWITCHES
from collectors.metrics.filesystem import disk, walk
from collectors.metrics.plan import Census, Host, Plan, Probe
from collectors.metrics.survey import Survey
from runtime.linux.errors import NotSupported

# Surveys by collector; each is made for a host, or raises NotSupported.
SURVEYS: Mapping[str, Callable[[Host], Survey]] = {
    "disk": disk.survey,
    "disk_walk": walk.survey,
    "tcp": tcp.survey,
    "udp": udp.survey,
    "process": process.survey,
    "cpuLoad": tasks.survey,
    "referenced_memory": referenced.survey,
    "gpu": gpu.survey,
}

REGISTRY: Mapping[str, Probe] = {
    "spec": spec.probe,
    "cpu": cpu.probe,
    "percpu": cpu.probe_percpu,
    "memory": memory.probe,
    "io": io.probe,
    "pids": pids.probe,
    "pressure": pressure.probe,
    "network": network.probe,
    "advtcp": advtcp.probe,
    "sched": sched.probe,
    "delays": delays.probe,
    "hugetlb": hugetlb.probe,
    "memory_numa": numa.probe,
    "cpuset": cpuset.probe,
}


@dataclass(frozen=True, slots=True)
class Supported:
    """Plans and surveys by collector, and for each "" or the reason why the host does not offer it."""

    plans: Mapping[str, tuple[Plan | Census, ...]]
    surveys: Mapping[str, Survey]
    reasons: Mapping[str, str]


def probe(host: Host, collectors: Mapping[str, bool]) -> Supported:
    """Probe each collector that is not switched off; one that is off has neither plan nor reason."""
    plans: dict[str, tuple[Plan | Census, ...]] = {}
    surveys: dict[str, Survey] = {}
    reasons: dict[str, str] = {}
    for name in (*REGISTRY, *SURVEYS):
        if not collectors.get(name, SWITCHES[name]):
            continue
        try:
            if name in REGISTRY:
                plans[name] = REGISTRY[name](host)
            else:
                surveys[name] = SURVEYS[name](host)
            reasons[name] = ""
        except NotSupported as error:
            reasons[name] = error.reason
    return Supported(plans, surveys, reasons)
