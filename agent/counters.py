"""Lifecycle counters that survive the container, its restarts and the agent's.

One row of SQLite per name, written through at once: after `kill -9` the file holds what was counted.
Counters exist at 0 from first sight, because `increase()` never sees one that is born at 1.
"""

from __future__ import annotations

import os
import sqlite3
from typing import NamedTuple

import msgspec
import structlog

from agent.exposition import labels_text
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Family
from collectors.metrics.rows import Number
from collectors.model import Container, Health, Reason, State

log = structlog.get_logger()

COUNTERS_RESET = "lifecycle_counters_put_aside"
_RUNS_KEPT = 50
_HEALTH = {Health.HEALTHY: 1, Health.NONE: -1}


class Key(NamedTuple):
    """What a lifecycle series is named by: the pod's container in Kubernetes, else the container's name."""

    namespace: str
    pod: str
    container: str
    name: str

    def labels(self) -> str:
        """Its labels, rendered."""
        if self.pod:
            pairs = (("namespace", self.namespace), ("pod", self.pod), ("container", self.container))
            return labels_text(pairs)
        return labels_text((("name", self.name),))


def key_of(container: Container) -> Key:
    """The key of a container; restarts and new containers of the same name share it."""
    if container.pod:
        return Key(container.namespace, container.pod, container.container, "")
    return Key("", "", "", container.name)


class Seen(msgspec.Struct, frozen=True):
    """The last run of a name that was told of: so that each run is told of once, whoever restarts."""

    run: int = 0
    engine_id: str = ""
    started_at: float | None = None
    alive: bool = False
    oom_kills: int = 0  # the cgroup's count that is counted already

    def is_run(self, container: Container) -> bool:
        """Whether a container is this run."""
        return (
            self.run > 0
            and self.engine_id == (container.engine_id or container.id)
            and self.started_at == container.started_at
        )


class Counts(msgspec.Struct):
    """Everything that is kept of one name."""

    restarts: int = 0
    oom_kills: int = 0
    exits: dict[str, int] = {}
    last_exit_code: int | None = None
    state: str = State.RUNNING
    health: str = Health.NONE
    seen: Seen = Seen()
    runs: list[tuple[int, float]] = []  # the newest runs and when they started


class LifecycleCounters:
    """All names' counters, in memory and in one file; a damaged file is put aside, not fatal."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._database = _open(path)
        self._counts: dict[Key, Counts] = {}
        self._labels: dict[Key, str] = {}
        for key, data in self._database.execute("SELECT key, data FROM counts"):
            self._put(Key(*msgspec.json.decode(key)), msgspec.json.decode(data, type=Counts))
        # What an earlier agent knew shows up when its container does, or is forgotten in time.
        self._shown: set[Key] = set()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def known(self) -> list[Key]:
        """Every name that has counters, shown or not."""
        return list(self._counts)

    def counts(self, key: Key) -> Counts:
        """The counters of a name."""
        return self._counts[key]

    def seen(self, key: Key) -> Seen:
        """The last run of a name that was told of."""
        return self._counts[key].seen

    def touch(self, key: Key) -> None:
        """A name is seen: its series exist from now on."""
        self._shown.add(key)
        if key not in self._counts:
            self._put(key, Counts())
            self._write(key)

    def forget(self, key: Key) -> None:
        """A name is gone for good."""
        self._shown.discard(key)
        self._labels.pop(key, None)
        if self._counts.pop(key, None) is not None:
            self._database.execute("DELETE FROM counts WHERE key = ?", (msgspec.json.encode(key),))

    def remember(self, key: Key, seen: Seen) -> None:
        """Note the last run that was told of."""
        counts = self._counts[key]
        if counts.seen == seen:
            return
        if seen.started_at is not None and (
            not counts.runs or counts.runs[-1] != (seen.run, seen.started_at)
        ):
            counts.runs = [*counts.runs[-_RUNS_KEPT + 1 :], (seen.run, seen.started_at)]
        counts.seen = seen
        self._write(key)

    def exited(self, key: Key, reason: Reason, code: int | None) -> None:
        """A run ended."""
        counts = self._counts[key]
        counts.exits[reason] = counts.exits.get(reason, 0) + 1
        counts.last_exit_code = code
        self._write(key)

    def restarted(self, key: Key) -> None:
        """A run followed another of the same container."""
        self._counts[key].restarts += 1
        self._write(key)

    def oom_killed(self, key: Key, kills: int) -> None:
        """Processes were killed for memory."""
        self._counts[key].oom_kills += kills
        self._write(key)

    def set_state(self, key: Key, state: State) -> None:
        """What a name is doing now."""
        if self._counts[key].state != state:
            self._counts[key].state = state
            self._write(key)

    def set_health(self, key: Key, health: Health) -> None:
        """What its health check says now."""
        if self._counts[key].health != health:
            self._counts[key].health = health
            self._write(key)

    def last_alive(self) -> float | None:
        """When an agent on this state last noted that it lives; None before the first ever did."""
        row = self._database.execute("SELECT value FROM facts WHERE name = 'last_alive'").fetchone()
        return row[0] if row else None

    def set_last_alive(self, now: float) -> None:
        """Note that the agent lives."""
        self._database.execute("INSERT OR REPLACE INTO facts VALUES ('last_alive', ?)", (now,))

    def sections(self) -> list[tuple[Family, list[tuple[str, Number]]]]:
        """The lifecycle families with their series."""
        shown = [(self._labels[key], self._counts[key]) for key in sorted(self._shown)]
        return [
            (catalogue.OOM_KILLS, [(labels, counts.oom_kills) for labels, counts in shown]),
            (
                catalogue.EXITS,
                [
                    (f'{labels},reason="{reason}"', counts.exits.get(reason, 0))
                    for labels, counts in shown
                    for reason in Reason
                ],
            ),
            (catalogue.RESTARTS, [(labels, counts.restarts) for labels, counts in shown]),
            (
                catalogue.STATE,
                [
                    (f'{labels},state="{state}"', int(counts.state == state))
                    for labels, counts in shown
                    for state in State
                ],
            ),
            (
                catalogue.LAST_EXIT_CODE,
                [
                    (labels, counts.last_exit_code)
                    for labels, counts in shown
                    if counts.last_exit_code is not None
                ],
            ),
            (
                catalogue.HEALTH_STATE,
                [(labels, _HEALTH.get(Health(counts.health), 0)) for labels, counts in shown],
            ),
        ]

    def _put(self, key: Key, counts: Counts) -> None:
        self._counts[key] = counts
        self._labels[key] = key.labels()

    def _write(self, key: Key) -> None:
        self._database.execute(
            "INSERT OR REPLACE INTO counts VALUES (?, ?)",
            (msgspec.json.encode(key), msgspec.json.encode(self._counts[key])),
        )


def _open(path: str) -> sqlite3.Connection:
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        aside = f"{path}.damaged"
        log.warning(COUNTERS_RESET, path=path, aside=aside, error=str(error))
        os.replace(path, aside)
        for rest in ("-wal", "-shm"):
            if os.path.exists(path + rest):
                os.unlink(path + rest)
        return _connect(path)


def _connect(path: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, data BLOB NOT NULL)")
        database.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL)")
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database
