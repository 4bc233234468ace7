"""What happens to containers: engines' reports, the kernel's word and the readings, made into one story.

The inventory says who there is and how a run ended; a pidfd says when it ended, in the moment; the last
reading of its cgroup says whether memory ran out. Each start, exit, OOM kill, restart, pause and health
change becomes one event, once, whichever of them speaks first.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, Protocol

import msgspec
import structlog

from agent.lifecycle.counters import LifecycleCounters, Seen, key_of
from agent.lifecycle.following import Finals, Following
from agent.lifecycle.life import ALIVE, Life, another_run, ended_again, name_of
from agent.lifecycle.newcomers import Newcomers, Readings
from agent.lifecycle.roles import has_story
from agent.lifecycle.roster import Roster
from agent.lifecycle.silence import Silence
from agent.lifecycle.verdict import reason_of
from agent.lifecycle.victims import Victims
from collectors.kernellog.oomkills import OomKill
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading, Row
from collectors.model import Container, Entry, EventType, Health, Reason, Role, State

__all__ = ["Life", "Lifecycle"]

log = structlog.get_logger()

OOM_KILL = "oom_kill"

OWN = "deckwatch"
_OOM = catalogue.INDEX[catalogue.OOM_EVENTS]
_DOWN = (State.EXITED, State.CRASH_LOOP, State.RESTARTING)
# An engine tells of an exit within milliseconds; one that is away gets this long before the kernel's word stands.
_ENGINE_PATIENCE = 10.0
# Kills of one container between two readings, each of which is told by an event of its own.
_MOST_TOLD = 16
# How far the clock of the kernel's log may be off.
_DRIFT = 5.0


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
        process: dict[str, Any] | None = None,
        observed: str = "live",
    ) -> object:
        """One thing that happened to one container."""


class Lifecycle:
    """Follows every container of the inventory from its first report to `keep_dead` seconds after its end."""

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
        victims: Victims | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.keep_dead = keep_dead
        self._victims = victims or Victims()
        self._telling: Life | None = None
        self._sampler = sampler
        self._counters = counters
        self._silence = Silence()
        self._events = events
        self._clock = clock
        self._roster = Roster()
        self._following = Following(
            self._roster,
            sampler=sampler,
            newcomers=newcomers,
            finals=finals,
            labels_of=labels_of,
            add=add,
            missed=missed,
            clock=clock,
            count=self._count_oom,
            ended=self._kernel_ended,
        )
        self._since = clock()
        self._last_alive = counters.last_alive()

    # What others tell

    def changed(self, old: Entry | None, new: Entry | None) -> None:
        """The inventory's report: a container appeared, changed, or is listed no more."""
        if new is None:
            if old is not None:
                self._unlisted(old)
            return
        if old is not None and _is_another(old, new):
            self._superseded(old)
        life = self._roster.get(new)
        if life is None:
            life = self._first_seen(new)
        else:
            before, life.entry = life.entry, new
            self._roster.put(life, before)
            self._rename(life)
            self._reported(life, before)
        self._show_state(life)

    def _rename(self, life: Life) -> None:
        """Its lifecycle series follow its name, which Kubernetes may tell late."""
        old, new = life.key, key_of(life.entry.container)
        if old != new:
            life.key = new
            self._book(life).rename(old, new, shared=old in self._roster.keys_in_use())

    def _reported(self, life: Life, before: Entry) -> None:
        entry = life.entry
        state = entry.container.state
        if state in ALIVE:
            if life.ended_at is not None and before.container.started_at == entry.container.started_at:
                # Of a run that the kernel has ended the engine does not know it yet: the report is older.
                return
            if not life.alive or another_run(before, entry):
                self._started(life, before)
            else:
                self._following.follow(life)
                self._differences(life, before)
        elif state is State.REFUSED and before.container.state is not State.REFUSED:
            if life.alive:
                self._ended(life)
            self._refused(life)
        elif life.alive or life.untold:
            self._ended(life)
        elif entry.container.started_at is None and ended_again(before, entry):
            self._never_started(life)
        elif another_run(before, entry) or self._began_meanwhile(life, before):
            # It started and ended again between two reports.
            self._started(life, before)
            self._ended(life)

    def _began_meanwhile(self, life: Life, before: Entry) -> bool:
        """Whether what had only been made before has run since, and ended."""
        container = life.entry.container
        only_made = before.container.state is State.CREATED and container.state in _DOWN
        told = self._book(life).seen(life.key).is_run(container)
        return only_made and container.started_at is not None and not told

    def relabel(self) -> None:
        """The labels of series have changed with the configuration."""
        for life in self._roster.lives():
            if life.alive and life.entry.container.id:
                self._following.relabel(life)

    def reads(self, id: str) -> bool:
        """Whether a cgroup is read already as that of a container that lives."""
        life = self._roster.by_id(id)
        return life is not None and life.alive and life.first is not None

    def killed(self, kill: OomKill) -> None:
        """The kernel's log tells of a process that it killed: the container's counter has risen already."""
        self._victims.add(kill)
        path = kill.cgroup
        while path and (life := self._roster.by_id(path)) is None:
            path = path.rpartition("/")[0]
        if not path or life is None or not life.alive or life is self._telling:
            return
        if (row := self._sampler.read_one(path)) is not None:
            self._count_oom(life, row)
            # Whatever is left has been told of without its process.
            self._victims.claim(path, 0, 0.0)

    def cgroup_removed(self, id: str) -> None:
        """A cgroup is gone."""
        self._following.cgroup_removed(id)

    def read(self, reading: Reading) -> None:
        """A pass over all containers: an OOM kill inside one that goes on shows only here."""
        for row in reading.rows:
            if (life := self._roster.by_id(row.id)) is not None:
                self._following.has_read(life, row)
                if row.values[_OOM] and not row.final:
                    self._count_oom(life, row)

    def tick(self) -> None:
        """Let go of the dead whose time is over; remember that the agent lives."""
        now = self._clock()
        self._counters.set_last_alive(now)
        for key in self._roster.let_go(now - self.keep_dead):
            self._counters.forget(key)
        if now - self._since > self.keep_dead:
            # Names that an earlier agent knew and this one has never seen.
            for key in set(self._counters.known()) - self._roster.keys_in_use():
                self._counters.forget(key)

    # What others ask

    def containers(self, *, dead: bool = False) -> list[Container]:
        """All containers that their engines list, by name; with `dead` those still kept after that."""
        found = [self.container(life) for life in self._roster.lives()]
        if dead:
            found += self._roster.dead()
        else:
            found = [one for one in found if one.state not in (State.EXITED, State.CREATED)]
        return sorted(found, key=lambda one: (one.name, one.id))

    def census(self) -> Counter[tuple[str, ...]]:
        """How many there are by engine, role and state, the dead still kept among them."""
        found: Counter[tuple[str, ...]] = Counter(
            (one.engine, str(one.role), str(one.state)) for one in self._roster.dead()
        )
        for life in self._roster.lives():
            reported = life.entry.container
            ended = reported.state in ALIVE and not life.alive
            state = State.EXITED if ended else reported.state
            found[reported.engine, str(reported.role), str(state)] += 1
        return found

    def ids(self) -> set[str]:
        """Cgroups of all containers, the dead still kept among them."""
        return self._roster.ids()

    def lives(self) -> Iterable[Life]:
        """Every container that an engine lists."""
        return self._roster.lives()

    def by_id(self, id: str) -> Life | None:
        """The container of a cgroup, or of an engine's own id when it ended before it was seen."""
        return self._roster.by_id(id)

    def runs(self, life: Life) -> list[tuple[int, float]]:
        """The newest runs of a container's name and when they started, rising."""
        return list(self._book(life).counts(life.key).runs)

    def container(self, life: Life) -> Container:
        """A container as a user sees it: the engine's report, corrected by what the kernel has said since."""
        reported = life.entry.container
        counts = self._book(life).counts(life.key)
        changes: dict[str, object] = {
            "run": life.run,
            "restarts": max(reported.restarts, counts.restarts),
            "oom_kills": counts.oom_kills,
        }
        if reported.state in ALIVE and not life.alive:
            code, signal = life.outcome()
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
        for life in self._roster.lives():
            life.cancel_settle()
        self._following.close()
        self._counters.set_last_alive(self._clock())

    # One container's story

    def _first_seen(self, entry: Entry) -> Life:
        container = entry.container
        life = Life(entry, key_of(container), run=1)
        book = self._book(life)
        book.touch(life.key)
        seen = book.seen(life.key)
        life.run = max(seen.run, 1)
        self._roster.put(life)
        if container.state in ALIVE:
            self._started(life, None)
        elif container.state is State.REFUSED:
            self._refused(life)
        elif container.state in _DOWN:
            self._seen_ended(life, seen)
        book.set_health(life.key, container.health)
        return life

    def _seen_ended(self, life: Life, seen: Seen) -> None:
        """At first sight it has ended already: while the agent was away, or too fast for its engine's report."""
        container = life.entry.container
        if not self._is_news(seen, container):
            life.reason = container.reason
        elif container.started_at is None:
            self._never_started(life)
        else:
            known = seen.is_run(container)
            if not known:
                self._tell_start(life, seen)
            life.begin(seen.oom_kills if known else 0)
            self._ended(life)

    def _is_news(self, seen: Seen, container: Container) -> bool:
        """Whether an exit that the engine lists at first sight has not been told of yet.

        Told are exits of runs known as ended, and those before the agent ever ran here.
        """
        if container.finished_at is None:
            return False
        if seen.is_run(container):
            return seen.alive
        if container.engine == OWN and container.run <= seen.run:
            return False
        if (container.started_at or math.inf) < (seen.started_at or 0.0):
            # An earlier attempt of a pod's container: the one after it was told of.
            return False
        away_since = self._since if self._last_alive is None else self._last_alive
        return container.finished_at >= away_since

    def _started(self, life: Life, before: Entry | None) -> None:
        container = life.entry.container
        seen = self._book(life).seen(life.key)
        known = seen.is_run(container)
        if before is not None and (life.alive or life.untold):
            # Of the run before nobody will tell any more; the kernel may have kept how it ended.
            self._ended(life, replaced=life.alive)
        life.begin(seen.oom_kills if known else 0)
        if known:
            life.run = seen.run
        else:
            self._tell_start(life, seen)
        self._remember(life)
        self._book(life).set_health(life.key, container.health)
        self._following.follow(life)

    def _tell_start(self, life: Life, seen: Seen) -> None:
        """A run that was not known: one event, or two when it follows another run of the same container."""
        container = life.entry.container
        # Own workloads count their runs themselves.
        life.run = container.run if container.engine == OWN else seen.run + 1
        at = container.started_at or self._clock()
        # What ran already when the first agent ever came here is no news.
        if seen.run > 0 or at >= self._since or self._last_alive is not None:
            self._emit(EventType.START, life, time=at)
        if seen.run > 0 and _comes_back(container, seen):
            self._book(life).restarted(life.key)
            self._emit(EventType.RESTART, life, time=at)

    def _refused(self, life: Life) -> None:
        self._emit(EventType.REFUSED, life, time=self._clock(), reason=life.entry.container.message)

    def _never_started(self, life: Life) -> None:
        """A run ended before it began: there is nothing to read, only something to tell."""
        container = life.entry.container
        life.run, life.ended_at = container.run, container.finished_at
        life.reason = container.reason or Reason.START_FAILED
        self._book(life).exited(life.key, life.reason, container.exit_code)
        at = container.finished_at or self._clock()
        self._emit(EventType.EXIT, life, time=at, code=container.exit_code, reason=life.reason)
        self._remember(life)

    def _kernel_ended(self, life: Life, row: Row | None, at: float | None) -> None:
        """The kernel says that it ended: series of use end now; the engine gets a moment to say how."""
        if not life.alive:
            return
        life.alive = False
        life.ended_at = at or self._clock()
        self._following.finish(life, row)
        self._show_state(life)
        container = life.entry.container
        told_by_engine = container.engine != "cgroup" and container.role is Role.CONTAINER
        patience = _ENGINE_PATIENCE if told_by_engine else 0.0
        life.settle = asyncio.get_running_loop().call_later(patience, self._ended, life)

    def _ended(self, life: Life, *, replaced: bool = False) -> None:
        """A run is over and everybody has spoken: judge it and tell of it, once."""
        life.cancel_settle()
        container = life.entry.container
        if life.alive:
            life.alive = False
            life.ended_at = container.finished_at or self._clock()
            self._following.finish(life, self._following.last_word(life))
        if life.reason is not None:
            return
        self._believe_oom(life)
        code, signal = (None, None) if replaced else life.outcome()
        life.reason = reason_of(
            code, signal, oom=life.oom_in_run, stop_requested=life.entry.stop_requested, told=container.reason
        )
        finished = container.finished_at if container.state not in ALIVE else None
        self._book(life).exited(life.key, life.reason, code)
        at = finished or life.ended_at or self._clock()
        self._emit(EventType.EXIT, life, time=at, code=code, signal=signal, reason=life.reason)
        self._remember(life)

    def _unlisted(self, entry: Entry) -> None:
        life = self._roster.remove(entry)
        if life is None:
            return
        if life.alive or life.untold:
            self._ended(life)
        container = self.container(life)
        if container.state in ALIVE:
            container = msgspec.structs.replace(container, state=State.EXITED)
        self._roster.bury(entry, container, life.key, self._clock())
        self._show_state(life)
        self._following.let_go(entry.container.id)

    def _superseded(self, entry: Entry) -> None:
        """Another source names this cgroup now: no container ended, only what is known of it changed."""
        life = self._roster.remove(entry)
        if life is not None:
            life.cancel_settle()
            if life.key not in self._roster.keys_in_use():
                self._counters.forget(life.key)

    def _differences(self, life: Life, before: Entry) -> None:
        """Events of a run that goes on: health, pause, resume."""
        old, new = before.container, life.entry.container
        now = self._clock()
        if new.health is not old.health:
            self._book(life).set_health(life.key, new.health)
            self._emit(EventType.HEALTH, life, time=now, health=new.health)
        if new.state is not old.state:
            self._emit(EventType.PAUSE if new.state is State.PAUSED else EventType.RESUME, life, time=now)

    # OOM kills

    def _count_oom(self, life: Life, row: Row) -> None:
        count = row.values[_OOM]
        if isinstance(count, int) and count > life.oom_kills:
            self._tell_oom(life, count - life.oom_kills, row.time)

    def _believe_oom(self, life: Life) -> None:
        """The cgroup's counter could not be read any more, but whoever was told by it is believed."""
        container = life.entry.container
        if (
            container.reason is Reason.OOM
            and not life.oom_in_run
            and (not life.in_time or container.engine == OWN)
        ):
            # A reading that was under way may still bring the count itself: the same kill once more.
            self._tell_oom(life, 1, container.finished_at or self._clock())

    def _tell_oom(self, life: Life, kills: int, at: float) -> None:
        # Before anything else: to ask for the victims may bring their lines, and those this reading again.
        life.oom_kills += kills
        if not has_story(life.entry.container):
            return  # the counter of a pod's cgroup is its containers' too
        life.oom_in_run = True
        self._counters.oom_killed(life.key, kills, _seen(life))
        container = life.entry.container
        self._telling = life
        victims = self._victims.claim(container.id, kills, (container.started_at or _DRIFT) - _DRIFT)
        self._telling = None
        for victim in victims[-_MOST_TOLD:]:
            self._emit(EventType.OOM_KILL, life, time=victim.time, process=victim.process())
            log.warning(OOM_KILL, container=container.name, id=container.id, **victim.process())
        for _ in range(min(kills - len(victims), _MOST_TOLD)):
            self._emit(EventType.OOM_KILL, life, time=at)
            log.warning(OOM_KILL, container=container.name, id=container.id)

    # Small things

    def _show_state(self, life: Life) -> None:
        """The state of a name is that of the newest who bears it: a pod's attempts are containers of their own."""
        newest = max(self._roster.bearers(life.key), key=_age, default=None)
        state = State.EXITED if newest is None else self.container(newest).state
        self._book(life).set_state(life.key, state)

    def _book(self, life: Life) -> LifecycleCounters | Silence:
        """Where is counted what happens to it."""
        return self._counters if has_story(life.entry.container) else self._silence

    def _remember(self, life: Life) -> None:
        self._book(life).remember(life.key, _seen(life))

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
        process: dict[str, Any] | None = None,
    ) -> None:
        if not has_story(life.entry.container):
            return
        self._events.emit(
            type,
            msgspec.structs.replace(life.entry.container, run=life.run),
            time=time,
            exit_code=code,
            signal=signal,
            reason=reason,
            health=health,
            process=process,
            observed="late" if time < self._since else "live",
        )


def _seen(life: Life) -> Seen:
    container = life.entry.container
    engine_id = container.engine_id or container.id
    return Seen(life.run, engine_id, container.started_at, life.alive, life.oom_kills)


def _is_another(old: Entry, new: Entry) -> bool:
    """Whether two reports of one cgroup are about different things, though nothing ended."""
    return name_of(old) != name_of(new) or has_story(old.container) != has_story(new.container)


def _comes_back(container: Container, seen: Seen) -> bool:
    """Whether a run follows another of the same container, and not one that had only its name."""
    return (
        seen.engine_id == container.engine_id
        or bool(container.pod or container.workload)
        or container.role is Role.SERVICE
    )


def _age(life: Life) -> float:
    container = life.entry.container
    return container.started_at or container.created_at or 0.0
