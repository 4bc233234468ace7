"""Looks at the parts of the running agent and says which of them are degraded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from agent.conditions import Conditions
from agent.config.load import Config
from agent.exposition.limit import SeriesLimit
from agent.hosting import Hosting
from agent.sources import Sources
from collectors.cgroups.watch import CgroupWatch
from collectors.inventory.containerd.disk import tasks_directory
from collectors.inventory.kubernetes import apiserver, kubelet
from collectors.inventory.merge import Inventory
from collectors.inventory.podman.source import places_of
from collectors.kernellog.watch import KernelLog
from collectors.metrics.sampler import Sampler

_INFORMANTS = (apiserver.NAME, kubelet.NAME)


# What most hosts do not have: that it is absent is told only to who has asked for it.
USUALLY_ABSENT = frozenset({"gpu", "delays"})


class Stored(Protocol):
    """Something that writes to the disk."""

    @property
    def problem(self) -> str:
        """Why it cannot at the moment; empty when it can."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What can be degraded. `stores` are by what they hold."""

    sources: Sources
    inventory: Inventory
    watch: CgroupWatch
    sampler: Sampler
    hosting: Hosting
    series: SeriesLimit
    kernel_log: KernelLog
    stores: Mapping[str, Stored]


def report(conditions: Conditions, parts: Parts, config: Config) -> None:
    """Set and clear the conditions of all parts."""
    _report_inventory(conditions, parts, config)
    _put(conditions, bool(parts.watch.degraded), "watch_degraded", "", reason=parts.watch.degraded)
    for collector, reason in parts.sampler.support().items():
        missed = bool(reason) and (
            collector not in USUALLY_ABSENT or config.metrics.collectors.get(collector, False)
        )
        _put(conditions, missed, "collector_unsupported", collector, collector=collector, reason=reason)
    stuck = parts.sampler.troubles()
    for collector in parts.sampler.support():
        reason = stuck.get(collector, "")
        _put(conditions, bool(reason), "collector_stuck", collector, collector=collector, reason=reason)
    parts.hosting.report(conditions)
    reason = parts.kernel_log.reason
    _put(conditions, bool(reason), "kernel_log_unreadable", "", reason=reason)
    series = parts.series
    _put(conditions, series.dropped > 0, "series_limit", "", dropped=series.dropped, limit=series.limit)
    for subject, store in parts.stores.items():
        problem = store.problem
        _put(conditions, bool(problem), "disk_full", subject, path=config.paths.state, reason=problem)


def _report_inventory(conditions: Conditions, parts: Parts, config: Config) -> None:
    reasons = parts.inventory.reasons()
    for source in parts.sources.all():
        name = source.name
        away = name in reasons and _worth_a_word(name, config)
        code = "kubernetes_unavailable" if name in _INFORMANTS else "engine_unavailable"
        _put(conditions, away, code, name, engine=name, reason=reasons.get(name, ""))
    _put(conditions, not parts.inventory.complete, "inventory_incomplete", "")


def _worth_a_word(engine: str, config: Config) -> bool:
    """Whether an engine's absence says anything: it was asked for, or its socket or storage is there."""
    inventory = config.inventory
    podman = inventory.podman
    storage = places_of(podman.root, podman.run, podman.socket, os.geteuid(), os.environ).root
    usually_absent = {
        "docker": (inventory.docker.enabled, inventory.docker.socket),
        "containerd": (inventory.containerd.enabled, tasks_directory(inventory.containerd.state)),
        "crio": (inventory.crio.enabled, inventory.crio.socket),
        "podman": (podman.enabled, storage),
    }
    if engine not in usually_absent:
        return True
    enabled, place = usually_absent[engine]
    return enabled is True or os.path.exists(place)


def _put(conditions: Conditions, present: bool, code: str, subject: str, **values: object) -> None:
    if present:
        conditions.set(code, subject, **values)
    else:
        conditions.clear(code, subject)
