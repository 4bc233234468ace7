"""The collectors there are, and which of them this host supports.

A new kernel subsystem is a module with a `probe` and one line here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collectors.metrics import cpu, io, memory, network, pids, pressure, spec
from collectors.metrics.plan import Host, Plan, Probe
from runtime.linux.errors import NotSupported

REGISTRY: Mapping[str, Probe] = {
    "spec": spec.probe,
    "cpu": cpu.probe,
    "memory": memory.probe,
    "io": io.probe,
    "pids": pids.probe,
    "pressure": pressure.probe,
    "network": network.probe,
}


@dataclass(frozen=True, slots=True)
class Supported:
    """Plans by collector, and for each collector "" or the reason why the host does not offer it."""

    plans: Mapping[str, tuple[Plan, ...]]
    reasons: Mapping[str, str]


def probe(host: Host, collectors: Mapping[str, bool]) -> Supported:
    """Probe each collector that is not switched off; one that is off has neither plan nor reason."""
    plans: dict[str, tuple[Plan, ...]] = {}
    reasons: dict[str, str] = {}
    for name, probe_one in REGISTRY.items():
        if not collectors.get(name, True):
            continue
        try:
            plans[name] = probe_one(host)
            reasons[name] = ""
        except NotSupported as error:
            reasons[name] = error.reason
    return Supported(plans, reasons)
