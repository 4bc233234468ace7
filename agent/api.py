"""What the HTTP resources and the command line may ask of the running agent: one Protocol.

`agent.doors` implements it; tests of the HTTP layer implement it with a few lines of their own.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from agent.conditions import Condition
    from agent.config.load import Config
    from agent.events import EventLog
    from agent.logs.service import LogService
    from collectors.model import Container
    from runtime.supervision.supervisor import Supervisor


class AgentApi(Protocol):
    """The running agent as its front doors see it."""

    @property
    def config(self) -> Config:
        """The configuration in force."""
        ...

    @property
    def events(self) -> EventLog:
        """The bus and its persisted ring."""
        ...

    @property
    def logs(self) -> LogService | None:
        """Queries and live streams; None when logs are off."""
        ...

    @property
    def workloads(self) -> Supervisor | None:
        """The supervisor; None when the runtime is off (`runtime_reason` says why)."""
        ...

    @property
    def runtime_reason(self) -> str:
        """Why the runtime is off; empty when it is on."""
        ...

    @property
    def discovery_reason(self) -> str:
        """Why there is no service discovery, as in Kubernetes; empty when there is."""
        ...

    def containers(self, *, dead: bool = False) -> Sequence[Container]:
        """All containers, sorted by name; with `dead` those still kept after their end."""
        ...

    def stats(self, id: str, since: float) -> list[dict[str, Any]]:
        """Recorded readings of one container since a time: `[{"time": …, metric name: value, …}, …]`."""
        ...

    async def processes(self, id: str) -> list[dict[str, Any]]:
        """Processes of one container: pid, ppid, user, state, threads, rss, cpu_seconds, command."""
        ...

    def scrape(self, accept: str, gzip: bool, collect: Sequence[str]) -> tuple[str, AsyncIterator[bytes]]:
        """One exposition: its content type and its body in pieces (already gzipped when asked)."""
        ...

    def targets(self) -> list[dict[str, Any]] | None:
        """Prometheus http_sd groups; None before the first complete inventory."""
        ...

    def conditions(self) -> list[Condition]:
        """What is degraded, each with its remedy."""
        ...

    def ready(self) -> bool:
        """Whether the inventory is complete and the listeners are up."""
        ...

    async def reload(self) -> None:
        """Read the configuration again; raises ConfigError and changes nothing when it is bad."""
        ...
