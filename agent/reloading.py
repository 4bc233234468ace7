"""The configuration in force, and how a new one takes its place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

import structlog

from agent.conditions import Conditions
from agent.config.load import Config, ConfigError, load
from agent.config.reload import waiting_for_restart
from runtime.linux.errors import DeckwatchError

log = structlog.get_logger()

RELOADED = "configuration_reloaded"
RELOAD_REFUSED = "configuration_refused"


class Reloading:
    """Holds the configuration in force.

    `listen` opens the listeners of a new one and may refuse it by a DeckwatchError; `take_over` gives it to all
    other parts once it is in force.
    """

    def __init__(
        self,
        config: Config,
        path: str | None,
        overrides: Sequence[str],
        conditions: Conditions,
        *,
        listen: Callable[[], Awaitable[None]],
        take_over: Callable[[Config], Awaitable[None]],
    ) -> None:
        self._config = self._started_with = config
        self._path = path
        self._overrides = tuple(overrides)
        self._conditions = conditions
        self._listen = listen
        self._take_over = take_over
        self._wanted = asyncio.Event()

    @property
    def config(self) -> Config:
        """The configuration in force."""
        return self._config

    def want(self) -> None:
        """Have `run` read the configuration again, as on SIGHUP."""
        self._wanted.set()

    async def run(self) -> None:
        """Reload whenever that is wanted, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            with contextlib.suppress(DeckwatchError):  # reported where it was refused
                await self.reload()

    async def reload(self) -> None:
        """Read the configuration again; raises DeckwatchError and changes nothing when it is bad.

        That is a ConfigError for what the file says, else what a listener says.
        """
        try:
            config = load(self._path, self._overrides)
        except ConfigError as error:
            self._refused(str(error.errors[0]), [str(one) for one in error.errors])
            raise
        before, self._config = self._config, config
        try:
            await self._listen()
        except DeckwatchError as error:
            self._config = before
            self._refused(str(error), [str(error)])
            raise
        self._conditions.clear("reload_failed")
        self._say_what_waits(config)
        await self._take_over(config)
        log.info(RELOADED, file=config.file)

    def _refused(self, reason: str, errors: list[str]) -> None:
        self._conditions.set("reload_failed", reason=reason)
        log.error(RELOAD_REFUSED, errors=errors)

    def _say_what_waits(self, config: Config) -> None:
        if keys := waiting_for_restart(self._started_with, config):
            self._conditions.set("restart_needed", keys=", ".join(keys))
        else:
            self._conditions.clear("restart_needed")
