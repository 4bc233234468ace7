"""The front doors: what HTTP and the command line may ask, answered from the running parts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from agent import processes
from agent.conditions import Condition, Conditions
from agent.config.load import Config
from agent.degraded import Parts, report
from agent.discovery import Discovery, why_off
from agent.events import EventLog
from agent.exposition.scrape import Scraper
from agent.http.app import Servers
from agent.http.routes import Answered
from agent.lifecycle.story import Lifecycle
from agent.logs.service import LogService
from agent.recorder import Recorder
from agent.reloading import Reloading
from collectors.model import Container
from runtime.supervision.supervisor import Supervisor


class Doors:
    """Implements `agent.api.AgentApi`, and holds the listeners that ask it.

    `answered` is told the path of the route and the status of each answer.
    """

    def __init__(
        self,
        reloading: Reloading,
        conditions: Conditions,
        parts: Parts,
        *,
        lifecycle: Lifecycle,
        events: EventLog,
        logs: LogService | None,
        recorder: Recorder,
        scraper: Scraper,
        answered: Answered,
    ) -> None:
        self._reloading = reloading
        self._conditions = conditions
        self._parts = parts
        self._lifecycle = lifecycle
        self._events = events
        self._logs = logs
        self._recorder = recorder
        self._scraper = scraper
        self._discovery = Discovery(
            node=self.config.node,
            prefix=self.config.discovery.prefix,
            host_address=self.config.discovery.host_address,
        )
        self.servers = Servers(self, conditions, answered=answered)

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._reloading.config

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
        return self._parts.hosting.supervisor

    @property
    def runtime_reason(self) -> str:
        """Why the runtime is off; empty when it is on."""
        return self._parts.hosting.reason

    @property
    def discovery_reason(self) -> str:
        """Why there is no service discovery; empty when there is."""
        return why_off(self.config)

    def containers(self, *, dead: bool = False) -> Sequence[Container]:
        """All containers by name; with `dead` those still kept after their end."""
        return self._lifecycle.containers(dead=dead)

    def stats(self, id: str, since: float) -> list[dict[str, Any]]:
        """Recorded readings of one container since a time."""
        return self._recorder.since(id, since)

    async def processes(self, id: str) -> list[dict[str, Any]]:
        """Processes of one container."""
        return await processes.describe(self._parts.sampler.processes(id))

    def scrape(self, accept: str, gzip: bool, collect: Sequence[str]) -> tuple[str, AsyncIterator[bytes]]:
        """One exposition: content type and body."""
        return self._scraper.scrape(accept, gzip, collect)

    def targets(self) -> list[dict[str, Any]] | None:
        """Prometheus http_sd groups; None before the first complete inventory."""
        if not self._parts.inventory.complete:
            return None
        self.look_for_targets()
        return self._discovery.targets(self._parts.hosting.metrics())

    def look_for_targets(self) -> None:
        """Note who may be a target now, so that an engine that falls silent takes none of them with it."""
        inventory = self._parts.inventory
        self._discovery.observe(inventory.entries().values(), time.time(), inventory.reasons())

    def take_over(self, config: Config) -> None:
        """Tell of targets as a new configuration wants it."""
        self._discovery.node = config.node
        self._discovery.prefix = config.discovery.prefix
        self._discovery.host_address = config.discovery.host_address

    def conditions(self) -> list[Condition]:
        """What is degraded, each with its remedy."""
        report(self._conditions, self._parts, self.config)
        return self._conditions.current()

    def ready(self) -> bool:
        """Whether the inventory is complete and a listener answers."""
        return self._parts.inventory.complete and self.servers.up

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError and changes nothing when it is bad."""
        await self._reloading.reload()
