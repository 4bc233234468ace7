"""A small SQLite file written by a thread of its own: the event loop hands over rows and goes on.

Rows are written in batches a moment after they were handed over, one transaction each, synced to disk.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Hashable, Sequence
from typing import Any

import structlog

from runtime.linux.errors import DeckwatchError

log = structlog.get_logger()

STORE_PUT_ASIDE = "store_put_aside"
STORE_NOT_WRITTEN = "store_not_written"
STORE_WRITTEN_AGAIN = "store_written_again"

Statement = tuple[str, Sequence[Any]]


class Store:
    """One file. `put` may be called from any thread and never waits for the disk.

    Statements are written `delay` seconds after the first of a batch, in the order they were put; of
    those put under one key only the last is written. While the disk refuses them they
    wait, at most `most` of them, and are tried again every `retry` seconds: `problem` says why, `lost`
    counts those that went. A damaged file, or one of another version, is put aside: `renewed` tells.
    """

    def __init__(
        self,
        path: str,
        schema: Sequence[str],
        *,
        version: int = 1,
        delay: float = 0.25,
        retry: float = 5.0,
        most: int = 20_000,
    ) -> None:
        self.path = path
        self.problem = ""
        self.lost = 0
        self._schema = schema
        self._version = version
        self._delay = delay
        self._retry = retry
        self._most = most
        self._waiting: dict[Hashable, Statement] = {}
        self._closing = False
        self._changed = threading.Condition()
        self._database, self.renewed = self._opened()
        self._thread = threading.Thread(target=self._write_for_ever, name="store", daemon=True)
        self._started = False

    def rows(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What the file holds; only before the first `put`."""
        return self._database.execute(query, parameters).fetchall()

    def put_now(self, statement: str, parameters: Sequence[Any] = ()) -> None:
        """Write at once, waiting for the disk; only before the first `put`."""
        try:
            with self._database:
                self._database.execute(statement, parameters)
        except sqlite3.Error as error:
            self._refused(error)

    def put(self, key: Hashable, statement: str, parameters: Sequence[Any]) -> None:
        """Hand over one statement."""
        with self._changed:
            self._waiting.pop(key, None)
            self._waiting[key] = (statement, parameters)
            self._bound()
            if not self._started:
                self._started = True
                self._thread.start()
            if len(self._waiting) == 1:
                self._changed.notify_all()

    def close(self, timeout: float = 5.0) -> None:
        """Write what waits and close the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._started:
            self._thread.join(timeout)
        if not self._thread.is_alive():
            self._database.close()

    def _bound(self) -> None:
        while len(self._waiting) > self._most:
            del self._waiting[next(iter(self._waiting))]
            self.lost += 1

    def _write_for_ever(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing)
                if not self._closing:
                    self._changed.wait_for(lambda: self._closing, self._delay)
                batch, self._waiting = self._waiting, {}
                closing = self._closing
            if batch and not self._write(list(batch.values())):
                self._give_back(batch, closing)
            if closing:
                return

    def _give_back(self, batch: dict[Hashable, Statement], closing: bool) -> None:
        with self._changed:
            self._waiting = {**batch, **self._waiting}
            self._bound()
            if not closing:
                self._changed.wait_for(lambda: self._closing, self._retry)

    def _write(self, batch: Sequence[Statement]) -> bool:
        try:
            with self._database:
                for statement, parameters in batch:
                    self._database.execute(statement, parameters)
        except sqlite3.OperationalError as error:
            self._refused(error)
            return False
        except sqlite3.DatabaseError as error:
            self._refused(error)
            self._renew()
            return False
        if self.problem:
            self.problem = ""
            log.info(STORE_WRITTEN_AGAIN, path=self.path)
        return True

    def _refused(self, error: sqlite3.Error) -> None:
        text = f"cannot write {self.path}: {error}; check the disk's space and rights"
        if text != self.problem:
            self.problem = text
            log.warning(STORE_NOT_WRITTEN, path=self.path, error=str(error))

    def _renew(self) -> None:
        """The file is damaged while it is in use: go on with a new one, as far as the disk allows."""
        self._database.close()
        try:
            self._database, _ = self._opened()
        except DeckwatchError as error:
            self.problem = str(error)
            self._database = sqlite3.connect(":memory:", check_same_thread=False)

    def _opened(self) -> tuple[sqlite3.Connection, bool]:
        try:
            return self._connected(), False
        except sqlite3.OperationalError as error:
            raise DeckwatchError(f"cannot open {self.path}: {error}; check its directory's rights") from None
        except sqlite3.DatabaseError as error:
            aside = f"{self.path}.damaged-{int(time.time())}"
            log.warning(STORE_PUT_ASIDE, path=self.path, aside=aside, error=str(error))
        try:
            os.replace(self.path, aside)
            for ending in ("-wal", "-shm"):
                if os.path.exists(self.path + ending):
                    os.unlink(self.path + ending)
            return self._connected(), True
        except (OSError, sqlite3.Error) as error:
            raise DeckwatchError(f"cannot renew {self.path}: {error}; check its directory's rights") from None

    def _connected(self) -> sqlite3.Connection:
        database = sqlite3.connect(self.path, timeout=1.0, check_same_thread=False)
        try:
            (found,) = database.execute("PRAGMA user_version").fetchone()
            if found not in (0, self._version):
                raise sqlite3.DatabaseError(f"format version {found}, this agent writes {self._version}")
            (verdict,) = database.execute("PRAGMA quick_check(1)").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            for statement in self._schema:
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {self._version}")
            database.commit()
        except sqlite3.DatabaseError:
            database.close()
            raise
        return database
