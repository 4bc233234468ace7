"""How far each container's log was read, and what was counted until there: one row, so that both always agree.

SQLite in WAL mode: a killed process loses at most what it had not committed, and reads that again.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterable
from typing import Generic, TypeVar

import msgspec

from collectors.logs.assemble import Cut, Pending
from collectors.logs.counters import Counters
from collectors.logs.files import Place
from collectors.logs.multiline import Stack
from runtime.linux.errors import DeckwatchError

VERSION = 1
T = TypeVar("T")
_KEEP = 7 * 86400
_MAX_CUTS = 64


class Progress(msgspec.Struct):
    """Everything that must survive a restart. `time` is that of the last line, in ns; `skipping` says that
    the place is inside a line that was cut; `key` is that of the place's file, which a copy of it keeps."""

    place: Place | None = None
    skipping: bool = False
    key: bytes = b""
    time: int = 0
    pending: dict[str, Pending] = {}
    stacks: dict[str, Stack] = {}
    cuts: list[Cut] = []
    counters: Counters = msgspec.field(default_factory=Counters)

    def remember(self, cut: Cut) -> None:
        """Keep a boundary that was set by time; the oldest of many is forgotten."""
        self.cuts = [*self.cuts, cut][-_MAX_CUTS:]


class Positions(Generic[T]):
    """The store of one reader of all logs, with one `kind` of row for each container. A broken file is moved
    aside (`moved_aside` names it) and a new one begun."""

    def __init__(self, path: str, kind: type[T]) -> None:
        self.path = path
        self._kind = kind
        self.moved_aside = ""
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError:
            self.moved_aside = f"{path}.broken"
            self._move_aside()
            self._database = self._opened()

    def load(self) -> dict[str, T]:
        """The row of every container that is known."""
        rows = self._database.execute("SELECT id, progress FROM positions")
        loaded: dict[str, T] = {}
        for id, blob in rows:
            with contextlib.suppress(msgspec.DecodeError):
                loaded[id] = msgspec.msgpack.decode(blob, type=self._kind)
        return loaded

    def of(self, id: str) -> T | None:
        """The row of one container, None when it is not known; raises DeckwatchError when the disk does not tell."""
        try:
            row = self._database.execute("SELECT progress FROM positions WHERE id = ?", (id,)).fetchone()
        except sqlite3.Error as error:
            raise DeckwatchError(
                f"cannot read log positions in {self.path}: {error}; check the disk"
            ) from error
        with contextlib.suppress(msgspec.DecodeError):
            return msgspec.msgpack.decode(row[0], type=self._kind) if row else None
        return None

    def save(self, progress: Iterable[tuple[str, T]], now: float) -> None:
        """Keep these in one transaction; raises DeckwatchError when the disk does not take it."""
        rows = [(id, msgspec.msgpack.encode(each), now) for id, each in progress]
        try:
            with self._database:
                self._database.executemany("REPLACE INTO positions VALUES (?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise DeckwatchError(
                f"cannot save log positions in {self.path}: {error}; they are kept in memory, free space there"
            ) from error

    def forget(self, known: Iterable[str], now: float) -> None:
        """Drop containers that are not known and were not read for a week."""
        ids = set(known)
        old = self._database.execute("SELECT id FROM positions WHERE seen < ?", (now - _KEEP,)).fetchall()
        with self._database:
            self._database.executemany(
                "DELETE FROM positions WHERE id = ?", [(id,) for (id,) in old if id not in ids]
            )

    def close(self) -> None:
        """Close the store; what was saved is on disk."""
        self._database.close()

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=5)
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("PRAGMA cache_size=-512")
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version not in (0, VERSION):
                raise sqlite3.DatabaseError(f"version {version}")
            database.execute(
                "CREATE TABLE IF NOT EXISTS positions (id TEXT PRIMARY KEY, progress BLOB, seen REAL)"
            )
            database.execute(f"PRAGMA user_version={VERSION}")
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database

    def _move_aside(self) -> None:
        os.replace(self.path, self.moved_aside)
        for suffix in ("-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path + suffix)
