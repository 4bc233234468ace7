"""The running agent: what is started in which order, how it stops, and how it takes a new configuration."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import msgspec
import structlog

from agent import processes, selectors, urgency
from agent.conditions import Condition, Conditions
from agent.config.load import Config, ConfigError, load
from agent.config.reload import waiting_for_restart
from agent.degraded import Parts, report
from agent.discovery import Discovery
from agent.events import EventLog
from agent.exposition import selfmetrics
from agent.exposition.finals import Finals
from agent.exposition.labels import Infos, base_labels
from agent.exposition.scrape import Scraper, Sections
from agent.exposition.selfmetrics import SelfMetrics
from agent.homes import Home
from agent.hosting import Hosting
from agent.http.app import Servers
from agent.lifecycle.counters import LifecycleCounters
from agent.lifecycle.newcomers import Newcomers
from agent.lifecycle.story import Lifecycle
from agent.lifecycle.victims import Victims
from agent.logs.service import LogService, QueryLimits
from agent.logs.targets import log_targets
from agent.recorder import Recorder
from agent.sources import sources_for
from collectors.cgroups.watch import CgroupWatch
from collectors.inventory.merge import Inventory
from collectors.kernellog.watch import KernelLog
from collectors.metrics import catalogue
from collectors.metrics.filesystem.options import DiskOptions
from collectors.metrics.host import HostFigures
from collectors.metrics.rows import Reading, Row
from collectors.metrics.sampler import Sampler
from collectors.metrics.target import ROOT
from collectors.model import Container, Entry, Event
from runtime.linux import hierarchies as cgroup_hierarchies
from runtime.linux.errors import DeckwatchError
from runtime.supervision.events import WorkloadEvent
from runtime.supervision.supervisor import Supervisor

log = structlog.get_logger()

STARTED = "agent_started"
STOPPING = "agent_stopping"
RELOADED = "configuration_reloaded"
RELOAD_REFUSED = "configuration_refused"
PART_FAILED = "part_failed"

# Called when the agent answers: the configuration, and the URLs of its TCP listeners.
Started = Callable[[Config, Sequence[str]], None]

_TICK = 5.0
_CPU = catalogue.INDEX[catalogue.CPU_USAGE]
_RECORD_EVERY = 10.0


class Service:
    """Implements `agent.api.AgentApi`. `run` lives until SIGTERM or SIGINT."""

    def __init__(self, config: Config, path: str | None, overrides: Sequence[str]) -> None:
        self._config = self._started_with = config
        self._path = path
        self._overrides = tuple(overrides)
        self._conditions = Conditions()
        self._stop = asyncio.Event()
        self._reload_wanted = asyncio.Event()
        self._walked = asyncio.Event()
        self._targets_changed = False
        self._open_stores(config)
        self._build_reading(config)
        self._build_following(config)
        self._build_doors(config)
        self._describe_self()

    def _open_stores(self, config: Config) -> None:
        """Lock the homes of state and open what lies in them."""
        self._homes = [
            Home(config.paths.state, "paths.state"),
            Home(config.paths.run, "paths.run", mode=0o755),
        ]
        state = config.paths.state
        self._events = EventLog(
            os.path.join(state, "events.sqlite"),
            max_events=config.events.max_events,
            on_event=self._happened,
        )
        self._counters = LifecycleCounters(os.path.join(state, "lifecycle.sqlite"))

    def _build_reading(self, config: Config) -> None:
        """What reads the host, and what is kept of its readings."""
        self._finals = Finals(config.metrics.keep_final)
        self._infos = Infos()
        self._recorder = Recorder()
        self._hierarchies = cgroup_hierarchies.detect(config.paths.proc)
        self._sources = sources_for(config, self._hierarchies)
        self._sampler = Sampler(
            self._hierarchies,
            proc=config.paths.proc,
            sys=config.paths.sys,
            collectors=config.metrics.collectors,
            descriptor_budget=None,
            disk=DiskOptions(
                **msgspec.structs.asdict(config.metrics.disk), usage_told=self._sources.layer_bytes
            ),
        )
        self._self_metrics = SelfMetrics()
        self._host = _host_figures(config)

    def _build_following(self, config: Config) -> None:
        """Who is there, from their first sign to their end."""
        self._newcomers = Newcomers(self._sampler, whole=self._whole)
        self._lifecycle = Lifecycle(
            sampler=self._sampler,
            newcomers=self._newcomers,
            finals=self._finals,
            counters=self._counters,
            events=self._events,
            labels_of=lambda entry: base_labels(entry, self._config.metrics.series_labels),
            add=self._sampler.add,
            missed=self._self_metrics.final_sample_missed,
            keep_dead=config.metrics.keep_dead,
            victims=Victims(lambda: self._kernel_log.catch_up()),
        )
        self._kernel_log = KernelLog(self._lifecycle.killed)
        self._inventory = Inventory(
            self._sources.all(),
            self._changed,
            include=_any_of(config.inventory.include),
            exclude=_any_of(config.inventory.exclude),
        )
        self._watch = CgroupWatch(
            self._hierarchies,
            on_created=self._cgroup_created,
            on_removed=self._cgroup_removed,
            on_rescan=self._rescanned,
        )
        self._hosting = Hosting(config, self._hierarchies, self._conditions, self._workload_event)

    def _build_doors(self, config: Config) -> None:
        """What answers: scrapes, logs, discovery, HTTP."""
        self._scraper = Scraper(
            sampler=self._sampler,
            finals=self._finals,
            registry=self._self_metrics.registry,
            sections=self._sections,
            prepare=self._prepare,
            observe=self._observe,
            took=lambda seconds: self._self_metrics.put(selfmetrics.SCRAPE_DURATION, seconds),
            dropped=self._self_metrics.series_dropped,
            drop=config.metrics.drop,
            series_limit=config.metrics.series_limit,
        )
        self._logs = (
            LogService(
                state_dir=config.paths.state,
                run_dir=config.paths.run,
                start_at=config.logs.start_at,
                query_limits=QueryLimits(
                    max_bytes=config.query.max_bytes,
                    timeout=config.query.timeout,
                    concurrency=config.query.concurrency,
                ),
            )
            if config.logs.enabled
            else None
        )
        self._discovery = Discovery(
            node=config.node, prefix=config.discovery.prefix, host_address=config.discovery.host_address
        )
        self._servers = Servers(
            self,
            self._conditions,
            answered=lambda route, code: self._self_metrics.add(selfmetrics.HTTP_REQUESTS, route, str(code)),
        )
        self._parts = Parts(
            self._sources,
            self._inventory,
            self._watch,
            self._sampler,
            self._hosting,
            self._scraper.limit,
            self._kernel_log,
            {"events": self._events, "counters": self._counters},
        )

    def _describe_self(self) -> None:
        """Gauges of the agent that are read from where the truth is."""
        metrics = self._self_metrics
        metrics.support(self._sampler.support())
        metrics.read(catalogue.DESCRIPTORS_KEPT, lambda: self._sampler.descriptors.kept)
        metrics.read(catalogue.DESCRIPTORS_BUDGET, lambda: self._sampler.descriptors.budget)
        metrics.read(selfmetrics.CONTAINERS, self._lifecycle.census)
        if self._logs is not None:
            logs = self._logs
            metrics.read(selfmetrics.PROCESS_RESTARTS, lambda: {("log_worker",): logs.restarts})
        metrics.read(selfmetrics.LIVE_STREAMS, lambda: self._servers.live_streams)
        metrics.read(selfmetrics.FINAL_SAMPLES_DROPPED, lambda: self._finals.dropped)
        metrics.read(selfmetrics.EVENTS_LOST, lambda: self._events.lost)
        metrics.read(
            selfmetrics.INVENTORY_UP,
            lambda: {
                (source.name,): int(source.name not in self._inventory.reasons())
                for source in self._sources.all()
            },
        )

    # Life

    async def run(self, started: Started | None = None) -> None:
        """Start everything, serve until told to stop, and leave in order; `started` is called once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload_wanted.set)
        if self._config.metrics.final_urgency:
            urgency.bound_urgency()
        try:
            async with asyncio.TaskGroup() as parts:
                tasks = [
                    parts.create_task(self._watch.run(), name="cgroup-watch"),
                    parts.create_task(self._kernel_log.run(), name="kernel-log"),
                    parts.create_task(self._take_inventory(), name="inventory"),
                    parts.create_task(self._hosting.run(), name="supervisor"),
                    parts.create_task(self._tick(), name="tick"),
                    parts.create_task(self._reload_on_signal(), name="reload"),
                ]
                if self._logs is not None:
                    tasks.append(parts.create_task(self._logs.run(), name="log-worker"))
                await self._hosting.apply(self._config)
                await self._servers.start()
                log.info(
                    STARTED,
                    pid=os.getpid(),
                    node=self._config.node,
                    cgroups=self._hierarchies.mode,
                    urls=self._servers.urls,
                )
                if started is not None:
                    started(self._config, self._servers.urls)
                await self._stop.wait()
                log.info(STOPPING)
                await self._servers.stop()
                await self._hosting.shutdown()
                for task in tasks:
                    task.cancel()
        finally:
            self._close()

    def stop(self) -> None:
        """Leave in order, as on SIGTERM."""
        self._stop.set()

    def _close(self) -> None:
        if self._config.metrics.final_urgency:
            urgency.stand_down()
        self._lifecycle.close()
        self._newcomers.close()
        self._sampler.close()
        self._events.close()
        self._counters.close()
        for home in self._homes:
            home.close()

    async def _take_inventory(self) -> None:
        # The first list is complete only when all cgroups have been seen.
        await self._walked.wait()
        await self._inventory.run()

    async def _tick(self) -> None:
        recorded = 0.0
        kept = urgency.Urgency()
        while True:
            if self._config.metrics.final_urgency:
                kept.keep()
            self._lifecycle.tick()
            self._recorder.retain(self._lifecycle.ids() | {ROOT})
            self._look_for_targets()
            if time.monotonic() - max(recorded, self._recorder.last) >= _RECORD_EVERY:
                recorded = time.monotonic()
                self._observe(await self._sampler.read())
            await asyncio.sleep(_TICK)

    # What the parts tell

    def _changed(self, old: Entry | None, new: Entry | None) -> None:
        self._lifecycle.changed(old, new)
        self._set_log_targets_soon()

    def _happened(self, event: Event) -> None:
        self._self_metrics.add(selfmetrics.EVENTS, str(event.type))
        self._set_log_targets_soon()

    def _set_log_targets_soon(self) -> None:
        if not self._targets_changed:
            self._targets_changed = True
            asyncio.get_running_loop().call_later(0.05, self._set_log_targets)

    def _cgroup_created(self, path: str) -> None:
        for source in self._sources.paths:
            source.created(path)
        if "-conmon-" in path.rpartition("/")[2]:
            return  # an engine's helper, which carries the name of its container
        self._inventory.saw(path)
        known = self._inventory.entries().get(path)
        # A container that is restarted comes back into the path that is known of its last run.
        if known is None or (known.pid == 0 and not self._lifecycle.reads(path)):
            self._newcomers.created(path)

    def _cgroup_removed(self, path: str) -> None:
        self._newcomers.removed(path)
        self._lifecycle.cgroup_removed(path)
        for source in self._sources.paths:
            source.removed(path)

    def _rescanned(self, reason: str) -> None:
        for source in self._sources.paths:
            source.reset(self._watch.paths())
        if self._walked.is_set():
            self._self_metrics.rescanned(reason)
        self._walked.set()

    def _whole(self, row: Row) -> bool:
        """Whether a reading came before the first of the cgroup's hierarchies was removed."""
        return row.values[_CPU] is not None or bool(self._sampler.support().get("cpu", "off"))

    def _workload_event(self, event: WorkloadEvent) -> None:
        self._sources.workloads.notify()

    def _observe(self, reading: Reading) -> None:
        self._lifecycle.read(reading)
        self._recorder.add(reading)
        self._self_metrics.observe(reading)

    def _set_log_targets(self) -> None:
        self._targets_changed = False
        if self._logs is not None:
            self._logs.set_targets(log_targets(self._lifecycle, self._config.node))

    def _living(self) -> Iterator[Entry]:
        return (life.entry for life in self._lifecycle.lives() if life.alive)

    async def _prepare(self) -> None:
        await self._counters.prepare()
        await self._infos.prepare(self._living(), self._config.metrics.container_labels)

    def _sections(self) -> Sections:
        return [
            *self._counters.sections(),
            *(self._logs.sections(self._log_labels) if self._logs is not None else ()),
            (
                catalogue.INFO,
                self._infos.samples(self._living(), self._config.metrics.container_labels),
            ),
            *(self._host.sections() if self._host is not None else ()),
        ]

    def _log_labels(self, id: str) -> str | None:
        life = self._lifecycle.by_id(id)
        return base_labels(life.entry, self._config.metrics.series_labels) if life is not None else None

    # The front doors (agent.api.AgentApi)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._config

    @property
    def events(self) -> EventLog:
        """The bus and its persisted ring."""
        return self._events

    @property
    def logs(self) -> LogService | None:
        """Queries and live streams; None when logs are off."""
        return self._logs

    @property
    def workloads(self) -> Supervisor | None:
        """The supervisor; None when the runtime is off."""
        return self._hosting.supervisor

    @property
    def runtime_reason(self) -> str:
        """Why the runtime is off; empty when it is on."""
        return self._hosting.reason

    def containers(self, *, dead: bool = False) -> Sequence[Container]:
        """All containers by name; with `dead` those still kept after their end."""
        return self._lifecycle.containers(dead=dead)

    def stats(self, id: str, since: float) -> list[dict[str, Any]]:
        """Recorded readings of one container since a time."""
        return self._recorder.since(id, since)

    async def processes(self, id: str) -> list[dict[str, Any]]:
        """Processes of one container."""
        return await processes.describe(self._sampler.processes(id))

    def scrape(self, accept: str, gzip: bool, collect: Sequence[str]) -> tuple[str, AsyncIterator[bytes]]:
        """One exposition: content type and body."""
        return self._scraper.scrape(accept, gzip, collect)

    def targets(self) -> list[dict[str, Any]] | None:
        """Prometheus http_sd groups; None before the first complete inventory."""
        if not self._inventory.complete:
            return None
        self._look_for_targets()
        return self._discovery.targets(self._hosting.metrics())

    def _look_for_targets(self) -> None:
        unavailable = self._inventory.reasons()
        self._discovery.observe(self._inventory.entries().values(), time.time(), unavailable)

    def conditions(self) -> list[Condition]:
        """What is degraded, each with its remedy."""
        report(self._conditions, self._parts, self._config)
        return self._conditions.current()

    def ready(self) -> bool:
        """Whether the inventory is complete and a listener answers."""
        return self._inventory.complete and self._servers.up

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError and changes nothing when it is bad."""
        try:
            config = load(self._path, self._overrides)
        except ConfigError as error:
            self._conditions.set("reload_failed", reason=str(error.errors[0]))
            log.error(RELOAD_REFUSED, errors=[str(one) for one in error.errors])
            raise
        before, self._config = self._config, config
        try:
            await self._servers.start()
        except DeckwatchError as error:
            self._config = before
            self._conditions.set("reload_failed", reason=str(error))
            log.error(RELOAD_REFUSED, errors=[str(error)])
            raise
        self._conditions.clear("reload_failed")
        self._take_over(config)
        await self._hosting.apply(config)
        log.info(RELOADED, file=config.file)

    def _take_over(self, config: Config) -> None:
        metrics = config.metrics
        self._finals.keep = metrics.keep_final
        self._lifecycle.keep_dead = metrics.keep_dead
        self._scraper.drop, self._scraper.limit.limit = metrics.drop, metrics.series_limit
        self._lifecycle.relabel()
        if keys := waiting_for_restart(self._started_with, config):
            self._conditions.set("restart_needed", keys=", ".join(keys))
        else:
            self._conditions.clear("restart_needed")

    async def _reload_on_signal(self) -> None:
        while True:
            await self._reload_wanted.wait()
            self._reload_wanted.clear()
            with contextlib.suppress(DeckwatchError):  # reported where it was refused
                await self.reload()


def _host_figures(config: Config) -> HostFigures | None:
    switches = {**catalogue.SWITCHES, **config.metrics.collectors}
    if not switches["host"]:
        return None
    paths = config.paths
    return HostFigures(
        proc=paths.proc, sys=paths.sys, rootfs=paths.rootfs, with_topology=switches["cpu_topology"]
    )


def _any_of(texts: Sequence[str]) -> Callable[[Entry], bool] | None:
    chosen = [selectors.parse(text) for text in texts]
    return (lambda entry: any(one.matches(entry) for one in chosen)) if chosen else None
