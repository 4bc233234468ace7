"""What a scrape holds beside the rows of containers: lifecycle, logs, info and the host's own figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.config.load import Config
from agent.exposition.labels import Infos, base_labels
from agent.exposition.scrape import Sections
from agent.lifecycle.counters import LifecycleCounters
from agent.lifecycle.story import Lifecycle
from agent.logs.service import LogService
from collectors.metrics import catalogue
from collectors.metrics.host import HostFigures
from collectors.model import Entry


class Contents:
    """The sections of a scrape; `config` answers the configuration in force, `logs` is None when they are off,
    `file_labels` tells the labels of a plain log file."""

    def __init__(
        self,
        config: Callable[[], Config],
        lifecycle: Lifecycle,
        counters: LifecycleCounters,
        logs: LogService | None,
        file_labels: Callable[[str], str | None] = lambda id: None,
    ) -> None:
        self._config = config
        self._lifecycle = lifecycle
        self._counters = counters
        self._logs = logs
        self._file_labels = file_labels
        self._infos = Infos()
        self._host = _host_figures(config())

    async def prepare(self) -> None:
        """Make ready what takes long, in slices."""
        await self._counters.prepare()
        await self._infos.prepare(self._living(), self._config().metrics.container_labels)

    def sections(self) -> Sections:
        """Families with their samples, as they are now."""
        return [
            *self._counters.sections(),
            *(self._logs.sections(self._log_labels) if self._logs is not None else ()),
            (catalogue.INFO, self._infos.samples(self._living(), self._config().metrics.container_labels)),
            *(self._host.sections() if self._host is not None else ()),
        ]

    def _living(self) -> Iterator[Entry]:
        return (life.entry for life in self._lifecycle.lives() if life.alive)

    def _log_labels(self, id: str) -> str | None:
        life = self._lifecycle.by_id(id)
        if life is None:
            return self._file_labels(id)
        return base_labels(life.entry, self._config().metrics.series_labels)


def _host_figures(config: Config) -> HostFigures | None:
    switches = {**catalogue.SWITCHES, **config.metrics.collectors}
    if not switches["host"]:
        return None
    paths = config.paths
    return HostFigures(
        proc=paths.proc, sys=paths.sys, rootfs=paths.rootfs, with_topology=switches["cpu_topology"]
    )
