"""Which directories of a storage to watch, and what a change in one of them is about."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import NamedTuple

import structlog

from collectors.inventory.directories import IN_CLOSE_WRITE, Change, DirectoryWatch
from collectors.inventory.storage.conmon import Exit, exit_in
from collectors.inventory.storage.lists import FOLDER, LISTS, Stored, folders
from runtime.linux.inotify import IN_CREATE, IN_MODIFY, IN_MOVED_TO

log = structlog.get_logger()

BLIND = "storage_watch_degraded"
RECOVERED = "storage_watch_recovered"
RESCAN = 300.0
# While some directories cannot be watched.
RESCAN_BLIND = 5.0

# Podman's database, BoltDB or SQLite with its write-ahead log.
DATABASES = ("bolt_state.db", "db.sql", "db.sql-wal")

_ID = re.compile(r"[0-9a-f]{64}")

Watching = Callable[[Callable[[Change], None]], DirectoryWatch]


class News(NamedTuple):
    """What changed: the list of containers, the database, these containers; `all` when nobody knows what."""

    listing: bool = False
    database: bool = False
    ids: frozenset[str] = frozenset()
    all: bool = False

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return self.listing or self.database or bool(self.ids) or self.all


class StorageWatch:
    """Watches one storage while it is entered.

    `exits` are the directories in which conmon may note ends: `noted(id, end)` is called in the moment it does,
    since the engine takes such a note away soon. While some directories cannot be watched, all is news every
    `blind_every` seconds.
    """

    def __init__(
        self,
        root: str,
        run: str,
        exits: Iterable[str],
        noted: Callable[[str, Exit], None],
        *,
        clock: Callable[[], float] = time.time,
        watching: Watching = DirectoryWatch,
        blind_every: float = RESCAN_BLIND,
    ) -> None:
        self._root = root
        self._run = run
        self._exits = set(exits)
        self._noted = noted
        self._clock = clock
        self._watch = watching(self._at_once)
        self._blind_every = blind_every
        self._blind = False
        self._scanned = 0.0

    def __enter__(self) -> StorageWatch:
        self._watch.__enter__()
        self._scanned = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._watch.__exit__(kind, error, trace)

    @property
    def exits(self) -> frozenset[str]:
        """The directories in which conmon notes ends."""
        return frozenset(self._exits)

    def tops(self) -> None:
        """Watch what there is before any container: also where the first one will be made."""
        self._watch.add(self._root, IN_CREATE | IN_MODIFY)
        self._watch.add(f"{self._root}/libpod", IN_MODIFY)
        self._watch.add(self._run, IN_CREATE)
        for folder in folders(self._root) + folders(self._run):
            self._watch.add(folder, IN_CREATE | IN_MOVED_TO)
        for directory in list(self._exits):
            self.exits_in(directory)

    def exits_in(self, directory: str) -> None:
        """conmon notes ends in this directory, too."""
        self._exits.add(directory)
        self._watch.add(directory, IN_MOVED_TO)

    def container(self, stored: Stored, *more: str) -> None:
        """Watch a container's run directory and the one above, and `more` of its directories.

        A write counts when it is closed: a log may lie beside, which is written all the time.
        """
        self._watch.add(os.path.dirname(stored.run_directory), IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)
        for directory in (stored.run_directory, *more):
            self._watch.add(directory, IN_MOVED_TO)

    def forget(self, stored: Stored) -> None:
        """The container is gone."""
        for directory in (stored.directory, stored.run_directory, os.path.dirname(stored.run_directory)):
            self._watch.discard(directory)

    def wake(self) -> None:
        """Let whoever waits for news look again."""
        self._watch.wake()

    async def news(self, limit: float = RESCAN) -> News:
        """What changed, as soon as something did, at the latest after `limit` seconds.

        All is news when some changes were lost, and from time to time.
        """
        rescan_after = self._rescan_after()
        changes = await self._watch.changes(min(limit, rescan_after))
        if changes.lost or time.monotonic() - self._scanned >= rescan_after:
            self._scanned = time.monotonic()
            self._watch.try_again()
            return News(all=True)
        names = {change.name for change in changes.seen}
        found = (_ID.findall(f"{change.directory}/{change.name}")[-1:] for change in changes.seen)
        return News(
            listing=any(name in LISTS or name.endswith(FOLDER) for name in names),
            database=not names.isdisjoint(DATABASES),
            ids=frozenset(id for ids in found for id in ids),
        )

    def _rescan_after(self) -> float:
        degraded = self._watch.degraded
        if degraded and not self._blind:
            log.warning(BLIND, root=self._root, reason=degraded, every=self._blind_every)
        elif self._blind and not degraded:
            log.info(RECOVERED, root=self._root)
        self._blind = bool(degraded)
        return self._blind_every if degraded else RESCAN

    def _at_once(self, change: Change) -> None:
        if change.directory in self._exits and _ID.fullmatch(change.name):
            end = exit_in(change.directory, change.name)
            self._noted(change.name, end or Exit(self._clock(), None))
