"""What happens to containers: engines' reports, the kernel's word and the readings, made into one story.

The inventory says who there is and how a run ended; a pidfd says when it ended, in the moment; the last
reading of its cgroup says whether memory ran out. Each start, exit, OOM kill, restart, pause and health
change becomes one event, once, whichever of them speaks first.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import msgspec

from agent.lifecycle.counters import Key, LifecycleCounters, Seen, key_of
from agent.lifecycle.exits import ExitWatch
from agent.lifecycle.newcomers import Newcomers, Readings
from agent.lifecycle.verdict import reason_of, signal_of
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row
from collectors.model import Container, Entry, EventType, Health, Reason, State, identity
from runtime.linux.process import exit_status

_OOM = next(index for index, family in enumerate(catalogue.ROW) if family is catalogue.OOM_EVENTS)
_CPU = catalogue.INDEX[catalogue.CPU_USAGE]
_ALIVE = (State.RUNNING, State.PAUSED)
# An engine tells of an exit within milliseconds; one that is away gets this long before the kernel's word stands.
_ENGINE_PATIENCE = 10.0


class EventSink(Protocol):
    """Where events go: the bus."""

    def emit(
        self,
        type: EventType,
        container: Container,
        *,
        time: float,
        exit_code: int | None = None,
        signal: int | None = None,
        reason: str | None = None,
        health: Health | None = None,
        observed: str = "live",
    ) -> None:
        """One thing that happened to one container."""


class Finals(Protocol):
    """Where final readings are kept."""

    def add(self, row: Row) -> None:
        """A container's last reading."""


@dataclass(slots=True)
class Life:
    """One container as the agent knows it: what its engine reports, and what the kernel has said since."""

    entry: Entry
    key: Key
    run: int
    alive: bool = False
    oom_kills: int = 0  # the cgroup's own count when it was last read
    oom_in_run: bool = False
    first: Row | None = None  # read when it was first seen: better than nothing when the end comes too fast
    final: Row | None = None
    in_time: bool = False  # whether the final reading came before the cgroup was removed
    status: int | None = None  # wait status by the kernel, where it keeps it
    ended_at: float | None = None
    reason: Reason | None = None
    settle: asyncio.TimerHandle | None = None


class Lifecycle:
    """Follows every container of the inventory from its first report to `keep_dead` after its end."""

    def __init__(
        self,
        *,
        sampler: Readings,
        newcomers: Newcomers,
        finals: Finals,
        counters: LifecycleCounters,
        events: EventSink,
        labels_of: Callable[[Entry], str],
        add: Callable[[Entry, str], None],
        missed: Callable[[], None],
        keep_dead: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._sampler = sampler
        self._newcomers = newcomers
        self._finals = finals
        self._counters = counters
        self._events = events
        self._labels_of = labels_of
        self._add = add
        self._missed = missed
        self.keep_dead = keep_dead
        self._clock = clock
        self._exits = ExitWatch(self._process_ended)
        self._lives: dict[
            str, Life
        ] = {}  # by engine and engine id (or path): one container, however often it runs
        self._by_id: dict[str, str] = {}
        self._dead: dict[str, tuple[float, Container, Key]] = {}
        self._since = clock()
        self._last_alive = counters.last_alive()

    # What others tell

    def changed(self, old: Entry | None, new: Entry | None) -> None:
        """The inventory's report: a container appeared, changed, or is listed no more."""
        if new is None:
            if old is not None:
                self._unlisted(old)
            return
        name = _name(new)
        if old is not None and _name(old) != name:
            self._superseded(old)
        life = self._lives.get(name)
        if life is None:
            self._first_seen(name, new)
            return
        before, life.entry = life.entry, new
        self._index(name, before, new)
        if new.container.state in _ALIVE:
            if not life.alive or _another_run(before, new):
                self._started(life, before)
            else:
                self._follow(life)
                self._differences(life, before)
        elif new.container.state is State.REFUSED and before.container.state is not State.REFUSED:
            if life.alive:
                self._ended(life)
            self._emit(EventType.REFUSED, life, time=self._clock(), reason=new.container.message)
        elif life.alive or (life.ended_at is not None and life.reason is None):
            self._ended(life)
        elif new.container.started_at is None and _ended_again(before, new):
            self._never_started(life)
        elif _another_run(before, new):
            # It started and ended again between two reports.
            self._started(life, before)
            self._ended(life)
        self._counters.set_state(life.key, self.container(life).state)

    def relabel(self) -> None:
        """The labels of series have changed with the configuration."""
        for life in self._lives.values():
            if life.alive and life.entry.container.id:
                self._add(life.entry, self._labels_of(life.entry))

    def cgroup_removed(self, id: str) -> None:
        """A cgroup is gone: its descriptors would keep it alive, so they are closed."""
        name = self._by_id.get(id)
        life = self._lives.get(name) if name else None
        if life is not None and life.alive and life.entry.pid == 0:
            self._kernel_ended(life, self._sampler.read_one(id))
        self._sampler.remove(id)

    def read(self, reading: Reading) -> None:
        """A pass over all containers: an OOM kill inside one that goes on shows only here."""
        for row in reading.rows:
            name = self._by_id.get(row.id)
            if name is not None and not row.final:
                self._count_oom(self._lives[name], row)

    def tick(self) -> None:
        """Let go of the dead whose time is over; remember that the agent lives."""
        now = self._clock()
        self._counters.set_last_alive(now)
        alive = {life.key for life in self._lives.values()}
        for name, (since, _, key) in list(self._dead.items()):
            if since + self.keep_dead <= now:
                del self._dead[name]
                if key not in alive and not any(other == key for _, _, other in self._dead.values()):
                    self._counters.forget(key)

    # What others ask

    def containers(self, *, dead: bool = False) -> list[Container]:
        """All containers that their engines list, by name; with `dead` those still kept after that."""
        found = [self.container(life) for life in self._lives.values()]
        if not dead:
            found = [one for one in found if one.state not in (State.EXITED, State.CREATED)]
        else:
            found += [container for _, container, _ in self._dead.values()]
        return sorted(found, key=lambda one: (one.name, one.id))

    def lives(self) -> Iterable[Life]:
        """Every container that an engine lists."""
        return self._lives.values()

    def by_id(self, id: str) -> Life | None:
        """The container of a cgroup, or of an engine's own id when it ended before it was seen."""
        name = self._by_id.get(id)
        return self._lives.get(name) if name else None

    def container(self, life: Life) -> Container:
        """A container as a user sees it: the engine's report, corrected by what the kernel has said since."""
        reported = life.entry.container
        counts = self._counters.counts(life.key)
        changes: dict[str, object] = {
            "run": life.run,
            "restarts": max(reported.restarts, counts.restarts),
            "oom_kills": counts.oom_kills,
        }
        if reported.state in _ALIVE and not life.alive:
            code, signal = self._outcome(life)
            changes |= {
                "state": State.EXITED,
                "exit_code": code,
                "signal": signal,
                "finished_at": life.ended_at,
            }
        if life.reason is not None and not life.alive:
            changes["reason"] = life.reason
        return msgspec.structs.replace(reported, **changes)

    def close(self) -> None:
        """Stop following; what is known is stored."""
        for life in self._lives.values():
            if life.settle is not None:
                life.settle.cancel()
        self._exits.close()
        self._counters.set_last_alive(self._clock())

    # One container's story

    def _first_seen(self, name: str, entry: Entry) -> None:
        key = key_of(entry.container)
        self._counters.touch(key)
        seen = self._counters.seen(key)
        life = Life(entry, key, run=max(seen.run, 1))
        self._lives[name] = life
        self._index(name, None, entry)
        container = entry.container
        if container.state in _ALIVE:
            self._started(life, None)
        elif container.state in (State.EXITED, State.CRASH_LOOP, State.RESTARTING):
            if self._is_news(seen, container) and container.started_at is None:
                self._never_started(life)
            elif self._is_news(seen, container):
                if not seen.is_run(container):
                    life.run = seen.run + 1
                    self._emit(
                        EventType.START,
                        life,
                        time=container.started_at or self._clock(),
                        late=self._before_us(container),
                    )
                life.alive = True
                life.oom_kills = seen.oom_kills if seen.is_run(container) else 0
                self._ended(life)
            else:
                life.reason = container.reason
        elif container.state is State.REFUSED:
            self._emit(EventType.REFUSED, life, time=self._clock(), reason=container.message)
        self._counters.set_state(key, self.container(life).state)
        self._counters.set_health(key, container.health)

    def _is_news(self, seen: Seen, container: Container) -> bool:
        """Whether an exit that the engine lists at first sight has not been told of yet.

        Told are exits of runs known as ended, and those before the agent ever ran here.
        """
        if container.finished_at is None:
            return False
        if seen.is_run(container):
            return seen.alive
        return (
            self._last_alive is not None and container.finished_at >= self._last_alive
        ) or container.finished_at >= self._since

    def _before_us(self, container: Container) -> bool:
        return container.started_at is not None and container.started_at < self._since

    def _started(self, life: Life, before: Entry | None) -> None:
        container = life.entry.container
        seen = self._counters.seen(life.key)
        known = seen.is_run(container)
        if life.alive and life.reason is None and before is not None:
            self._ended(life, replaced=True)
        self._cancel_settle(life)
        life.alive, life.final, life.status, life.ended_at, life.reason = True, None, None, None, None
        life.first, life.in_time = None, False
        life.oom_in_run = False
        life.oom_kills = seen.oom_kills if known else 0
        if not known:
            restarted = seen.run > 0 and (
                seen.engine_id == container.engine_id or bool(container.pod or container.workload)
            )
            # Own workloads count their runs themselves.
            life.run = container.run if container.engine == "deckwatch" else seen.run + 1
            late = self._before_us(container)
            if seen.run > 0 or not late or self._last_alive is not None:
                self._emit(EventType.START, life, time=container.started_at or self._clock(), late=late)
            if restarted:
                self._counters.restarted(life.key)
                self._emit(EventType.RESTART, life, time=container.started_at or self._clock(), late=late)
        else:
            life.run = seen.run
        self._remember(life)
        self._counters.set_health(life.key, container.health)
        self._follow(life)

    def _never_started(self, life: Life) -> None:
        """A run ended before it began: there is nothing to read, only something to tell."""
        container = life.entry.container
        life.run, life.ended_at = container.run, container.finished_at
        life.reason = container.reason or Reason.START_FAILED
        self._counters.exited(life.key, life.reason, container.exit_code)
        at = container.finished_at or self._clock()
        self._emit(
            EventType.EXIT, life, time=at, code=container.exit_code, reason=life.reason, late=at < self._since
        )
        self._remember(life)

    def _follow(self, life: Life) -> None:
        """Read its cgroup with every scrape, and its init's end at once."""
        entry = life.entry
        id = entry.container.id
        if not id:
            return
        ended = self._newcomers.claim(id)
        if ended is not None:
            self._kernel_ended(life, ended.row, ended.time)
            return
        self._add(entry, self._labels_of(entry))
        if life.first is None:
            life.first = self._sampler.read_one(id)
        pid = entry.pid
        if pid == 0:
            pid = next(iter(self._sampler.processes(id)), 0)
        if pid and not self._exits.watch(id, pid, entry.pid_start if entry.pid else 0):
            self._kernel_ended(life, self._sampler.read_one(id))

    def _process_ended(self, id: str, _pid: int, pidfd: int) -> None:
        name = self._by_id.get(id)
        life = self._lives.get(name) if name else None
        if life is None:
            return
        row = self._sampler.read_one(id)
        if life.entry.pid == 0:
            # A plain cgroup has no init: it lives until its last process ends.
            life.final = row or life.final
            for pid in self._sampler.processes(id):
                if self._exits.watch(id, pid):
                    return
            return
        life.status = exit_status(pidfd)
        self._kernel_ended(life, row)

    def _kernel_ended(self, life: Life, row: Row | None, at: float | None = None) -> None:
        """The kernel says that it ended: series of use end now; the engine gets a moment to say how."""
        if not life.alive:
            return
        life.alive = False
        life.ended_at = at or self._clock()
        self._finish_reading(life, row)
        self._counters.set_state(life.key, State.EXITED)
        patience = _ENGINE_PATIENCE if life.entry.container.engine != "cgroup" else 0.0
        life.settle = asyncio.get_running_loop().call_later(patience, self._ended, life)

    def _finish_reading(self, life: Life, row: Row | None) -> None:
        id = life.entry.container.id
        row = row or life.final
        life.in_time = row is not None and not _torn(row, life.first)
        if not life.in_time:
            self._missed()
            row = life.final or life.first
        if row is not None:
            life.final = replace(row, labels=self._labels_of(life.entry), final=True)
            self._count_oom(life, row)
            self._finals.add(life.final)
        if id:
            self._exits.forget(id)
            self._sampler.remove(id)

    def _ended(self, life: Life, *, replaced: bool = False) -> None:
        """A run is over and everybody has spoken: judge it and tell of it, once."""
        self._cancel_settle(life)
        container = life.entry.container
        if life.alive:
            life.alive = False
            life.ended_at = container.finished_at or self._clock()
            row = self._sampler.read_one(container.id) if container.id else None
            if row is None:
                ended = (
                    self._newcomers.claim_by_engine_id(container.engine_id) if container.engine_id else None
                )
                row = ended.row if ended else None
            self._finish_reading(life, row)
        if life.reason is not None:
            return
        believed = not life.in_time or container.engine == "deckwatch"
        if believed and container.reason is Reason.OOM and not life.oom_in_run:
            # The cgroup's counter could not be read any more, but its engine had been told by it.
            self._counters.oom_killed(life.key, 1)
            life.oom_in_run = True
            self._emit(EventType.OOM_KILL, life, time=container.finished_at or self._clock())
        code, signal = self._outcome(life)
        if replaced:
            code, signal = None, None
        life.reason = reason_of(
            code, signal, oom=life.oom_in_run, stop_requested=life.entry.stop_requested, told=container.reason
        )
        finished = container.finished_at if container.state not in _ALIVE else None
        at = finished or life.ended_at or self._clock()
        self._counters.exited(life.key, life.reason, code)
        self._emit(
            EventType.EXIT, life, time=at, code=code, signal=signal, reason=life.reason, late=at < self._since
        )
        self._remember(life)

    def _outcome(self, life: Life) -> tuple[int | None, int | None]:
        """Exit code and signal: the engine's word for a run it calls ended, else the kernel's."""
        container = life.entry.container
        if container.state not in _ALIVE and (
            container.exit_code is not None or container.signal is not None
        ):
            code = container.exit_code
            return code, container.signal or signal_of(code)
        if life.status is not None:
            result = os.waitstatus_to_exitcode(life.status)
            return (128 - result, -result) if result < 0 else (result, signal_of(result))
        return None, None

    def _unlisted(self, entry: Entry) -> None:
        name = _name(entry)
        life = self._lives.pop(name, None)
        if life is None:
            return
        if life.alive or (life.reason is None and life.ended_at is not None):
            self._ended(life)
        container = self.container(life)
        if container.state in _ALIVE:
            container = msgspec.structs.replace(container, state=State.EXITED)
        self._dead[name] = (self._clock(), container, life.key)
        self._counters.set_state(life.key, State.EXITED)
        self._by_id.pop(entry.container.id or entry.container.engine_id, None)
        if entry.container.id:
            self._sampler.remove(entry.container.id)

    def _superseded(self, entry: Entry) -> None:
        """Another source names this cgroup now: no container ended, only what is known of it changed."""
        life = self._lives.pop(_name(entry), None)
        if life is not None:
            self._cancel_settle(life)
            self._by_id.pop(entry.container.id or entry.container.engine_id, None)
            self._counters.forget(life.key)

    def runs(self, life: Life) -> list[tuple[int, float]]:
        """The newest runs of a container's name and when they started, rising."""
        return list(self._counters.counts(life.key).runs)

    def _differences(self, life: Life, before: Entry) -> None:
        """Events of a run that goes on: health, pause, resume."""
        old, new = before.container, life.entry.container
        now = self._clock()
        if new.health is not old.health:
            self._counters.set_health(life.key, new.health)
            self._emit(EventType.HEALTH, life, time=now, health=new.health)
        if new.state is not old.state:
            self._emit(EventType.PAUSE if new.state is State.PAUSED else EventType.RESUME, life, time=now)

    def _count_oom(self, life: Life, row: Row) -> None:
        count = row.values[_OOM]
        if not isinstance(count, int) or count <= life.oom_kills:
            return
        self._counters.oom_killed(life.key, count - life.oom_kills)
        life.oom_kills, life.oom_in_run = count, True
        self._remember(life)
        self._emit(EventType.OOM_KILL, life, time=row.time)

    # Small things

    def _remember(self, life: Life) -> None:
        container = life.entry.container
        self._counters.remember(
            life.key,
            Seen(
                life.run,
                container.engine_id or container.id,
                container.started_at,
                life.alive,
                life.oom_kills,
            ),
        )

    def _emit(
        self,
        type: EventType,
        life: Life,
        *,
        time: float,
        code: int | None = None,
        signal: int | None = None,
        reason: str | None = None,
        health: Health | None = None,
        late: bool = False,
    ) -> None:
        container = msgspec.structs.replace(life.entry.container, run=life.run)
        self._events.emit(
            type, container, time=time, exit_code=code, signal=signal, reason=reason, health=health,
            observed="late" if late else "live",
        )  # fmt: skip

    def _index(self, name: str, before: Entry | None, entry: Entry) -> None:
        if before is not None and before.container.id != entry.container.id:
            self._by_id.pop(before.container.id or before.container.engine_id, None)
        self._by_id[entry.container.id or entry.container.engine_id] = name

    def _cancel_settle(self, life: Life) -> None:
        if life.settle is not None:
            life.settle.cancel()
            life.settle = None


def _name(entry: Entry) -> str:
    container = entry.container
    return f"{container.engine}\0{container.engine_id or container.id}"


def _another_run(before: Entry, after: Entry) -> bool:
    """Whether a report is about another run than the one before it: it started at another time."""
    started = after.container.started_at
    return (
        started is not None
        and before.container.started_at is not None
        and started != before.container.started_at
    )


def _torn(row: Row, first: Row | None) -> bool:
    """Whether a reading lacks what the first one had: some of the cgroup's hierarchies were removed already."""
    return first is not None and first.values[_CPU] is not None and row.values[_CPU] is None


def _ended_again(before: Entry, after: Entry) -> bool:
    """Whether a report is about another end than the one before it."""
    finished = after.container.finished_at
    return finished is not None and finished != before.container.finished_at


__all__ = ["Life", "Lifecycle", "identity"]
