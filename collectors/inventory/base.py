"""What an inventory source is, and the board on which it writes what it knows."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from typing import Protocol

import msgspec

from collectors.model import Entry


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody who runs no containers knows of one: it fills what the engine left empty.

    `labels` and `annotations` are added to the engine's; `restarts` counts when it is higher.
    """

    name: str = ""
    image: str = ""
    namespace: str = ""
    pod: str = ""
    pod_uid: str = ""
    container: str = ""
    owner: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    restarts: int = 0


class Board(Protocol):
    """Where sources write. Each source has its own part and names itself in each call."""

    def replace(self, source: str, entries: Iterable[Entry]) -> None:
        """The whole list of a source, after it (re)connected: what is not in it is gone; the source is complete."""
        ...

    def put(self, source: str, entry: Entry) -> None:
        """One container as it is now; the same entry again changes nothing."""
        ...

    def drop(self, source: str, engine_id: str) -> None:
        """The engine no longer lists this container."""
        ...

    def tell(self, source: str, facts: Mapping[str, Facts]) -> None:
        """All that a source knows of containers by their engines' ids; it takes the place of what it told before."""
        ...

    def unavailable(self, source: str, reason: str) -> None:
        """The source cannot answer now. Its entries stay: containers outlive their engine."""
        ...


class Source(Protocol):
    """One place that knows containers: an engine's socket, a state directory, the cgroup tree itself.

    `run` works for ever, connects again by itself, and closes all it opened when it is cancelled.
    """

    @property
    def name(self) -> str:
        """The engine's name, as `Container.engine` has it."""
        ...

    async def run(self, board: Board) -> None:
        """Keep the board true until cancelled."""
        ...


def key_of(entry: Entry) -> str:
    """What tells an entry from the others of its source: the engine's id, or the cgroup path without one."""
    return entry.container.engine_id or entry.container.id


class Backoff:
    """Growing, jittered waits between attempts: half to one and a half of `first`, doubled up to `limit`."""

    def __init__(self, first: float = 0.5, limit: float = 10.0) -> None:
        self._first = first
        self._limit = limit
        self._attempts = 0

    def seconds(self) -> float:
        """How long to wait before the next attempt; at most `limit`."""
        step = self._first * 2.0 ** min(self._attempts, 30)
        self._attempts += 1
        return min(step * random.uniform(0.5, 1.5), self._limit)

    def reset(self) -> None:
        """The last attempt succeeded."""
        self._attempts = 0
