"""Lifecycle counters that survive the container, its restarts and the agent's.

One row of SQLite per name, written a moment later by a thread of its own: after `kill -9` at most that moment
is missing, and a row holds counters and the last run that was told of together, so that they agree.
Counters exist at 0 from first sight, because `increase()` never sees one that is born at 1.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from agent.exposition.render import Lines, Section, labels_text
from agent.exposition.turns import Turns
from agent.store import Store
from collectors.metrics import catalogue
from collectors.model import Container, Health, Reason, State

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS counts (key TEXT PRIMARY KEY, data BLOB NOT NULL)",
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value REAL)",
)
_DELAY = 0.02
_RUNS_KEPT = 50
_ALIVE_EVERY = 30.0
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
    """All names' counters, in memory and in one file; a damaged file is put aside, a full disk waited for."""

    def __init__(self, path: str) -> None:
        self._store = Store(path, _SCHEMA, delay=_DELAY)
        self._counts: dict[Key, Counts] = {}
        self._labels: dict[Key, str] = {}
        self._texts: dict[Key, tuple[str, ...]] = {}
        for key, data in self._store.rows("SELECT key, data FROM counts"):
            self._put(Key(*msgspec.json.decode(key)), msgspec.json.decode(data, type=Counts))
        facts = dict(self._store.rows("SELECT name, value FROM facts"))
        self._last_alive: float | None = facts.get("last_alive")
        self._alive_stored = float("-inf")
        # What an earlier agent knew shows up when its container does, or is forgotten in time.
        self._shown: dict[Key, None] = {}

    @property
    def problem(self) -> str:
        """Why counters are not stored at the moment; empty when they are."""
        return self._store.problem

    def close(self) -> None:
        """Store what is not stored yet and close the file."""
        if self._last_alive is not None and self._last_alive > self._alive_stored > float("-inf"):
            self._store_alive(self._last_alive)
        self._store.close()

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
        self._shown[key] = None
        if key not in self._counts:
            self._put(key, Counts())
            self._write(key)

    def rename(self, old: Key, new: Key, *, shared: bool) -> None:
        """Who had one name has another: what was counted goes with it.

        When the old name is `shared` with others it keeps its counters, and when the new one has counters already
        those go on.
        """
        if new not in self._counts and not shared:
            self._put(new, self._counts[old])
            self._write(new)
        self.touch(new)
        if not shared:
            self.forget(old)

    def forget(self, key: Key) -> None:
        """A name is gone for good."""
        self._shown.pop(key, None)
        self._labels.pop(key, None)
        if self._counts.pop(key, None) is not None:
            self._texts.pop(key, None)
            self._store.put(key, "DELETE FROM counts WHERE key = ?", (msgspec.json.encode(key),))

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

    def oom_killed(self, key: Key, kills: int, seen: Seen | None = None) -> None:
        """Processes were killed for memory; `seen` knows of them. Both are stored at once, so that none counts twice."""
        counts = self._counts[key]
        counts.oom_kills += kills
        counts.seen = seen or counts.seen
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
        return self._last_alive

    def set_last_alive(self, now: float) -> None:
        """Note that the agent lives; on disk now and then, so that an idle host's disk is left alone.

        What was told after the last note is known by each name's last run.
        """
        self._last_alive = now
        if now >= self._alive_stored + _ALIVE_EVERY:
            self._store_alive(now)

    def _store_alive(self, now: float) -> None:
        self._alive_stored = now
        self._store.put("last_alive", "INSERT OR REPLACE INTO facts VALUES ('last_alive', ?)", (now,))

    async def prepare(self) -> None:
        """Make what changed since the last time, in slices: at the first scrape that is everything."""
        turns = Turns()
        for key in list(self._shown):
            if key in self._shown:
                self._text(key)
            await turns.others()

    def sections(self) -> list[Section]:
        """The lifecycle families with their series; only what changed is made anew."""
        texts = [self._text(key) for key in self._shown]
        columns = list(zip(*texts, strict=True)) or [()] * len(catalogue.LIFECYCLE)
        return [(family, Lines(column)) for family, column in zip(catalogue.LIFECYCLE, columns, strict=True)]

    def _text(self, key: Key) -> tuple[str, ...]:
        text = self._texts.get(key)
        if text is None:
            text = self._texts[key] = _texts(self._labels[key], self._counts[key])
        return text

    def _put(self, key: Key, counts: Counts) -> None:
        self._counts[key] = counts
        self._labels[key] = key.labels()

    def _write(self, key: Key) -> None:
        self._texts.pop(key, None)
        self._store.put(
            key,
            "INSERT OR REPLACE INTO counts VALUES (?, ?)",
            (msgspec.json.encode(key), msgspec.json.encode(self._counts[key])),
        )


def _texts(labels: str, counts: Counts) -> tuple[str, ...]:
    """One name's series as lines, in the order of `catalogue.LIFECYCLE`."""
    oom_kills, exits, restarts, state, last_code, health = (family.name for family in catalogue.LIFECYCLE)
    code = counts.last_exit_code
    return (
        f"{oom_kills}{{{labels}}} {counts.oom_kills}\n",
        "".join(f'{exits}{{{labels},reason="{each}"}} {counts.exits.get(each, 0)}\n' for each in Reason),
        f"{restarts}{{{labels}}} {counts.restarts}\n",
        "".join(f'{state}{{{labels},state="{each}"}} {int(counts.state == each)}\n' for each in State),
        "" if code is None else f"{last_code}{{{labels}}} {code}\n",
        f"{health}{{{labels}}} {_HEALTH.get(Health(counts.health), 0)}\n",
    )
