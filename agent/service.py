"""The running agent: what is started in which order, how it stops, and what takes over a new configuration."""

from __future__ import annotations

import asyncio
import functools
import os
import signal
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from agent import urgency
from agent.conditions import Conditions
from agent.config.load import Config
from agent.contents import Contents
from agent.degraded import Parts
from agent.doors import Doors
from agent.events import EventLog
from agent.exposition import selfmetrics
from agent.exposition.finals import Finals
from agent.exposition.labels import base_labels
from agent.exposition.scrape import Scraper
from agent.exposition.selfmetrics import SelfMetrics
from agent.homes import Home
from agent.hosting import Hosting
from agent.lifecycle.counters import LifecycleCounters
from agent.logs import sinkmetrics
from agent.logs.files import LogFiles
from agent.logs.journal import JournalSources
from agent.logs.rules import Rules, plan_of
from agent.logs.service import LogService, QueryLimits
from agent.logs.targets import log_targets
from agent.presence import Presence
from agent.recorder import Recorder
from agent.reloading import Reloading
from agent.sources import sources_for
from collectors.metrics import catalogue
from collectors.metrics.filesystem.options import DiskOptions
from collectors.metrics.rows import Reading
from collectors.metrics.sampler import Sampler
from collectors.metrics.target import ROOT
from collectors.model import Entry, Event
from runtime.linux import hierarchies as cgroup_hierarchies
from runtime.supervision.events import WorkloadEvent

log = structlog.get_logger()

STARTED = "agent_started"
STOPPING = "agent_stopping"

# Called when the agent answers: the configuration, and the URLs of its TCP listeners.
Started = Callable[[Config, Sequence[str]], None]

_TICK = 5.0
_RECORD_EVERY = 10.0
_TARGETS_AFTER = 0.05


class Service:
    """All parts of the agent; `doors` answers what is asked of it. `run` lives until SIGTERM or SIGINT."""

    def __init__(self, config: Config, path: str | None, overrides: Sequence[str]) -> None:
        self._conditions = Conditions()
        self._reloading = Reloading(
            config,
            path,
            overrides,
            self._conditions,
            listen=lambda: self.doors.servers.start(),
            take_over=self._take_over,
        )
        self._stop = asyncio.Event()
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
        self._recorder = Recorder()
        self._self_metrics = SelfMetrics()
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

    def _build_following(self, config: Config) -> None:
        """Who is there, what they print, and the agent's own workloads."""
        self._presence = Presence(
            config,
            self._hierarchies,
            self._sources,
            self._sampler,
            finals=self._finals,
            counters=self._counters,
            events=self._events,
            self_metrics=self._self_metrics,
            labels_of=self._labels_of,
            changed=self._set_log_targets_soon,
        )
        self._lifecycle = self._presence.lifecycle
        self._logs = _log_service(config) if config.logs.enabled else None
        self._log_files = LogFiles(config.logs.files, self._set_log_targets_soon)
        self._rules = _rules(config)
        self._journal = _journal(config)
        self._hosting = Hosting(config, self._hierarchies, self._conditions, self._workload_event)

    def _build_doors(self, config: Config) -> None:
        """What answers: scrapes, and all that HTTP asks."""
        contents = Contents(
            lambda: self._reloading.config,
            self._lifecycle,
            self._counters,
            self._logs,
            self._log_files.labels,
        )
        self._scraper = Scraper(
            sampler=self._sampler,
            finals=self._finals,
            registry=self._self_metrics.registry,
            sections=contents.sections,
            prepare=contents.prepare,
            observe=self._observe,
            took=lambda seconds: self._self_metrics.put(selfmetrics.SCRAPE_DURATION, seconds),
            dropped=self._self_metrics.series_dropped,
            drop=config.metrics.drop,
            series_limit=config.metrics.series_limit,
        )
        self.doors = Doors(
            self._reloading,
            self._conditions,
            Parts(
                self._sources,
                self._presence.inventory,
                self._presence.watch,
                self._sampler,
                self._hosting,
                self._scraper.limit,
                self._presence.kernel_log,
                {"events": self._events, "counters": self._counters},
            ),
            lifecycle=self._lifecycle,
            events=self._events,
            logs=self._logs,
            recorder=self._recorder,
            scraper=self._scraper,
            answered=lambda route, code: self._self_metrics.add(selfmetrics.HTTP_REQUESTS, route, str(code)),
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
            for family, read in sinkmetrics.READ.items():
                metrics.read(family, functools.partial(read, logs))
        metrics.read(selfmetrics.LIVE_STREAMS, lambda: self.doors.servers.live_streams)
        metrics.read(selfmetrics.FINAL_SAMPLES_DROPPED, lambda: self._finals.dropped)
        metrics.read(selfmetrics.EVENTS_LOST, lambda: self._events.lost)
        metrics.read(
            selfmetrics.INVENTORY_UP,
            lambda: {
                (source.name,): int(source.name not in self._presence.inventory.reasons())
                for source in self._sources.all()
            },
        )

    async def run(self, started: Started | None = None) -> None:
        """Start everything, serve until told to stop, and leave in order; `started` is called once."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reloading.want)
        config = self._reloading.config
        if config.metrics.final_urgency:
            urgency.bound_urgency()
        try:
            async with asyncio.TaskGroup() as parts:
                tasks = [
                    parts.create_task(self._presence.run(), name="presence"),
                    parts.create_task(self._hosting.run(), name="supervisor"),
                    parts.create_task(self._tick(), name="tick"),
                    parts.create_task(self._reloading.run(), name="reload"),
                ]
                if self._logs is not None:
                    tasks.append(parts.create_task(self._logs.run(), name="log-worker"))
                    tasks.append(parts.create_task(self._log_files.run(), name="log-files"))
                await self._hosting.apply(config)
                await self.doors.servers.start()
                self._say_started(started)
                await self._stop.wait()
                log.info(STOPPING)
                await self.doors.servers.stop()
                await self._hosting.shutdown()
                for task in tasks:
                    task.cancel()
        finally:
            self._close()

    def stop(self) -> None:
        """Leave in order, as on SIGTERM."""
        self._stop.set()

    def _say_started(self, started: Started | None) -> None:
        config, urls = self._reloading.config, self.doors.servers.urls
        log.info(STARTED, pid=os.getpid(), node=config.node, cgroups=self._hierarchies.mode, urls=urls)
        if started is not None:
            started(config, urls)

    def _close(self) -> None:
        if self._reloading.config.metrics.final_urgency:
            urgency.stand_down()
        self._presence.close()
        self._sampler.close()
        self._events.close()
        self._counters.close()
        for home in self._homes:
            home.close()

    async def _tick(self) -> None:
        recorded = 0.0
        kept = urgency.Urgency()
        while True:
            if self._reloading.config.metrics.final_urgency:
                kept.keep()
            self._lifecycle.tick()
            self._recorder.retain(self._lifecycle.ids() | {ROOT})
            self.doors.look_for_targets()
            if time.monotonic() - max(recorded, self._recorder.last) >= _RECORD_EVERY:
                recorded = time.monotonic()
                self._observe(await self._sampler.read())
            await asyncio.sleep(_TICK)

    async def _take_over(self, config: Config) -> None:
        """What a running part can change of itself; the rest waits for a restart."""
        metrics = config.metrics
        self._finals.keep = metrics.keep_final
        self._lifecycle.keep_dead = metrics.keep_dead
        self._scraper.drop, self._scraper.limit.limit = metrics.drop, metrics.series_limit
        self._lifecycle.relabel()
        self.doors.take_over(config)
        self._rules = _rules(config)
        self._journal = _journal(config)
        if self._logs is not None:
            self._logs.set_plan(plan_of(config))
            self._log_files.configure(config.logs.files)
            self._set_log_targets_soon()
        await self._hosting.apply(config)

    # What the parts tell

    def _labels_of(self, entry: Entry) -> str:
        return base_labels(entry, self._reloading.config.metrics.series_labels)

    def _observe(self, reading: Reading) -> None:
        self._lifecycle.read(reading)
        self._recorder.add(reading)
        self._self_metrics.observe(reading)

    def _happened(self, event: Event) -> None:
        self._self_metrics.add(selfmetrics.EVENTS, str(event.type))
        self._set_log_targets_soon()

    def _workload_event(self, event: WorkloadEvent) -> None:
        self._sources.workloads.notify()

    def _set_log_targets_soon(self) -> None:
        if not self._targets_changed:
            self._targets_changed = True
            asyncio.get_running_loop().call_later(_TARGETS_AFTER, self._set_log_targets)

    def _set_log_targets(self) -> None:
        self._targets_changed = False
        if self._logs is not None:
            node = self._reloading.config.node
            containers = log_targets(self._lifecycle, node, self._rules, self._journal)
            self._logs.set_targets([*containers, *self._log_files.targets(node, self._rules)])


def _rules(config: Config) -> Rules:
    return Rules(config.logs, lambda event, text: log.warning(event, error=text))


def _journal(config: Config) -> JournalSources:
    journal = JournalSources(config.logs.journald)
    if journal.why_not and config.logs.journald.enabled is True:
        log.warning("journal_not_read", error=journal.why_not)
    return journal


def _log_service(config: Config) -> LogService:
    query = config.query
    return LogService(
        state_dir=config.paths.state,
        run_dir=config.paths.run,
        start_at=config.logs.start_at,
        query_limits=QueryLimits(
            max_bytes=query.max_bytes, timeout=query.timeout, concurrency=query.concurrency
        ),
        plan=plan_of(config),
    )
