"""Asks Podman's service for what files do not tell, when somebody wants to know."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping

import structlog

from collectors.inventory.base import Backoff
from collectors.inventory.podman.api import TIMEOUT, PodmanAway, listed
from collectors.inventory.podman.facts import Known

log = structlog.get_logger()

NO_ANSWER = "podman_service_away"
AT_MOST_EVERY = 0.5
TRIES = 5


class Asker:
    """One question at a time, the next one only a while after the last answer.

    `told` is called with each answer. Containers that the service does not list after a few answers are given
    up, so that it is not asked for ever.
    """

    def __init__(self, socket: str, told: Callable[[Mapping[str, Known]], None]) -> None:
        self._socket = socket
        self._told = told
        self._wanted = asyncio.Event()
        self._missing: dict[str, int] = {}
        self._asked: frozenset[str] = frozenset()
        self._away = False

    @property
    def there(self) -> bool:
        """Whether there is a service to ask, which answered when it was asked last."""
        return not self._away and os.path.exists(self._socket)

    def want(self, ids: Iterable[str]) -> None:
        """Ask soon for these containers, save those that were asked for in vain."""
        self._asked = frozenset(id for id in ids if self._missing.get(id, 0) < TRIES)
        if self._asked and os.path.exists(self._socket):
            self._wanted.set()

    async def ask(self, patience: float = TIMEOUT) -> bool:
        """Ask now; whether there was an answer within `patience` seconds."""
        try:
            known = await listed(self._socket, timeout=patience)
        except PodmanAway as error:
            if not self._away:
                log.info(NO_ANSWER, socket=self._socket, reason=str(error))
            self._away = True
            self._told({})
            return False
        self._away = False
        self._missing = {id: self._missing.get(id, 0) + 1 for id in self._asked - known.keys()}
        self._told(known)
        return True

    async def run(self) -> None:
        """Ask whenever somebody wants to know, until cancelled."""
        backoff = Backoff(1.0, 60.0)
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if await self.ask():
                backoff.reset()
                await asyncio.sleep(AT_MOST_EVERY)
            else:
                await asyncio.sleep(backoff.seconds())
                self._wanted.set()
