"""Who is there: what the cgroups and the engines tell of containers, from their first sign to their end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent import selectors
from agent.config.load import Config
from agent.events import EventLog
from agent.exposition.finals import Finals
from agent.exposition.selfmetrics import SelfMetrics
from agent.lifecycle.counters import LifecycleCounters
from agent.lifecycle.newcomers import Newcomers
from agent.lifecycle.story import Lifecycle
from agent.lifecycle.victims import Victims
from agent.sources import Sources
from collectors.cgroups.watch import CgroupWatch
from collectors.inventory.merge import Inventory
from collectors.kernellog.watch import KernelLog
from collectors.metrics import catalogue
from collectors.metrics.rows import Row
from collectors.metrics.sampler import Sampler
from collectors.model import Entry
from runtime.linux.hierarchies import Hierarchies

_CPU = catalogue.INDEX[catalogue.CPU_USAGE]


class Presence:
    """Joins the watch of cgroups, the inventory and the kernel's log to the lives of containers.

    `labels_of` gives the labels of a container's series; `changed` is called after each change of the inventory.
    """

    def __init__(
        self,
        config: Config,
        hierarchies: Hierarchies,
        sources: Sources,
        sampler: Sampler,
        *,
        finals: Finals,
        counters: LifecycleCounters,
        events: EventLog,
        self_metrics: SelfMetrics,
        labels_of: Callable[[Entry], str],
        changed: Callable[[], None],
    ) -> None:
        self._sources = sources
        self._sampler = sampler
        self._self_metrics = self_metrics
        self._tell = changed
        self._walked = asyncio.Event()
        self._newcomers = Newcomers(sampler, whole=self._whole)
        self.lifecycle = Lifecycle(
            sampler=sampler,
            newcomers=self._newcomers,
            finals=finals,
            counters=counters,
            events=events,
            labels_of=labels_of,
            add=sampler.add,
            missed=self_metrics.final_sample_missed,
            keep_dead=config.metrics.keep_dead,
            victims=Victims(lambda: self.kernel_log.catch_up()),
        )
        self.kernel_log = KernelLog(self.lifecycle.killed)
        self.inventory = Inventory(
            sources.all(),
            self._changed,
            include=_any_of(config.inventory.include),
            exclude=_any_of(config.inventory.exclude),
        )
        self.watch = CgroupWatch(
            hierarchies,
            on_created=self._cgroup_created,
            on_removed=self._cgroup_removed,
            on_rescan=self._rescanned,
        )

    async def run(self) -> None:
        """Follow all of them until cancelled."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(self.watch.run(), name="cgroup-watch")
            parts.create_task(self.kernel_log.run(), name="kernel-log")
            parts.create_task(self._take_inventory(), name="inventory")

    def close(self) -> None:
        """Stop following what is followed."""
        self.lifecycle.close()
        self._newcomers.close()

    async def _take_inventory(self) -> None:
        # The first list is complete only when all cgroups have been seen.
        await self._walked.wait()
        await self.inventory.run()

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        self.lifecycle.changed(old, new)
        self._tell()

    def _cgroup_created(self, path: str) -> None:
        for source in self._sources.paths:
            source.created(path)
        if "-conmon-" in path.rpartition("/")[2]:
            return  # an engine's helper, which carries the name of its container
        self.inventory.saw(path)
        known = self.inventory.entries().get(path)
        # A container that is restarted comes back into the path that is known of its last run.
        if known is None or (known.pid == 0 and not self.lifecycle.reads(path)):
            self._newcomers.created(path)

    def _cgroup_removed(self, path: str) -> None:
        self._newcomers.removed(path)
        self.lifecycle.cgroup_removed(path)
        for source in self._sources.paths:
            source.removed(path)

    def _rescanned(self, reason: str) -> None:
        for source in self._sources.paths:
            source.reset(self.watch.paths())
        if self._walked.is_set():
            self._self_metrics.rescanned(reason)
        self._walked.set()

    def _whole(self, row: Row) -> bool:
        """Whether a reading came before the first of the cgroup's hierarchies was removed."""
        return row.values[_CPU] is not None or bool(self._sampler.support().get("cpu", "off"))


def _any_of(texts: Sequence[str]) -> Callable[[Entry], bool] | None:
    chosen = [selectors.parse(text) for text in texts]
    return (lambda entry: any(one.matches(entry) for one in chosen)) if chosen else None
