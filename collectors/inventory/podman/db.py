"""Podman's database of containers, where it is SQLite (Podman 5, and 4.8 on request): `ROOT/db.sql`.

It is read as it lies there, never written. The older BoltDB is not read. Source: Podman, libpod's SQLite state.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from typing import TypeVar
from urllib.parse import quote

import msgspec

from collectors.inventory.docker.entry import seconds
from collectors.inventory.podman.facts import Known
from runtime.linux.errors import DeckwatchError

FILE = "db.sql"
PATIENCE = 2.0
ROW_LIMIT = 4 << 20
ROWS_LIMIT = 100_000

# Byte 18 of a database's header tells how it is written; with a write-ahead log it is 2.
_WRITE_VERSION = 18
_WAL = 2
# Numbers of libpod's container states.
_CONFIGURED, _CREATED, _STOPPED, _EXITED = 1, 2, 4, 6

T = TypeVar("T")


class DatabaseUnreadable(DeckwatchError):
    """The database cannot be read now; the text says why."""


class _Config(msgspec.Struct, frozen=True, rename="camel"):
    labels: dict[str, str] | None = None
    pod: str = ""
    pause: bool = False
    log_driver: str = ""
    log_path: str = ""
    exposed_ports: dict[str, list[str] | None] | None = None


class _State(msgspec.Struct, frozen=True, rename="camel"):
    state: int = 0
    finished_time: str = ""
    exit_code: int = 0
    stopped_by_user: bool = False
    restart_count: int = 0


class PodmanDatabase:
    """The database of one storage root. What it tells of a container once and for all is read once."""

    def __init__(self, root: str) -> None:
        self._path = f"{root}/{FILE}"
        self._configs: dict[str, _Config] = {}

    @property
    def there(self) -> bool:
        """Whether this Podman keeps its containers in SQLite."""
        return os.path.exists(self._path)

    def read(self) -> dict[str, Known]:
        """What it knows of each container by id; not for the event loop. Raises DatabaseUnreadable."""
        try:
            with closing(sqlite3.connect(self._address(), uri=True, timeout=PATIENCE)) as connection:
                connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, ROW_LIMIT)
                states = dict(connection.execute(f"SELECT ID, JSON FROM ContainerState LIMIT {ROWS_LIMIT}"))
                pods = dict(connection.execute(f"SELECT ID, Name FROM PodConfig LIMIT {ROWS_LIMIT}"))
                self._configs = {id: self._config(connection, id) for id in states}
        except (sqlite3.Error, OSError) as error:
            raise DatabaseUnreadable(f"cannot read {self._path}: {error}") from error
        return {
            id: _known(self._configs[id], _decoded(state, _State()), pods) for id, state in states.items()
        }

    def _address(self) -> str:
        """How to open it without ever writing: a database with a write-ahead log would make its helper files.

        Without that log nobody has it open, and it is read as a file that does not change.
        """
        with open(self._path, "rb") as file:
            header = file.read(_WRITE_VERSION + 1)
        wal = header[_WRITE_VERSION:] == bytes((_WAL,))
        quiet = wal and not os.path.exists(f"{self._path}-wal")
        return f"file:{quote(self._path)}?mode=ro{'&immutable=1' if quiet else ''}"

    def _config(self, connection: sqlite3.Connection, id: str) -> _Config:
        if id in self._configs:
            return self._configs[id]
        try:
            row = connection.execute("SELECT JSON FROM ContainerConfig WHERE ID = ?", (id,)).fetchone()
        except sqlite3.DataError:
            # One container's labels may be of any size and must not hide the others.
            return _Config()
        return _decoded(row[0] if row else "{}", _Config())


def _decoded(text: object, default: T) -> T:
    """A row of JSON; one of another shape tells nothing."""
    try:
        return msgspec.json.decode(str(text), type=type(default))
    except msgspec.MsgspecError:
        return default


def _known(config: _Config, state: _State, pods: dict[str, str]) -> Known:
    over = state.state in (_STOPPED, _EXITED)
    ports = [
        int(port)
        for port, kinds in (config.exposed_ports or {}).items()
        if port.isdigit() and "tcp" in (kinds or ())
    ]
    return Known(
        labels=config.labels or {},
        pod_id=config.pod,
        pod_name=pods.get(config.pod, ""),
        infra=config.pause,
        restarts=state.restart_count,
        exit_code=state.exit_code if over and state.exit_code >= 0 else None,
        finished_at=_time(state.finished_time) if over else None,
        stopped=state.stopped_by_user,
        begun=state.state not in (_CONFIGURED, _CREATED),
        log=config.log_path if config.log_driver in ("k8s-file", "json-file") else "",
        ports=tuple(sorted(ports)),
    )


def _time(text: str) -> float | None:
    try:
        return seconds(text)
    except ValueError:
        return None
