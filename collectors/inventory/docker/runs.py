"""What is known of each Docker container, kept in step with events and answers that come late or twice.

Events and inspect answers race: an answer may already tell of the next run, an event of one that is over.
Whatever the order, the board sees each run begin before it ends, and each end once.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Set

from msgspec.structs import replace as altered

from collectors.inventory.base import Board
from collectors.inventory.docker.api import DockerEvent, Inspect
from collectors.inventory.docker.entry import (
    ENGINE,
    HEALTH,
    LIVE,
    Process,
    ended,
    entry_of,
    entry_of_event,
    seconds,
    started,
)
from collectors.model import Entry, State

# Docker tells of an end within moments of the end itself; under load within seconds.
SAME_END = 10.0
# Beyond the container's own stop timeout a stop no longer explains an end.
STOP_GRACE = 30.0
DEFAULT_STOP_TIMEOUT = 10
STOP_SIGNALS = frozenset({signal.SIGTERM.value, signal.SIGKILL.value})

OVER = (State.EXITED, State.RESTARTING)


class DockerRuns:
    """Follows every container from run to run and writes on the board.

    `apply` takes an event and answers whether the container has to be inspected; `learn` takes the answer.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._entries: dict[str, Entry] = {}
        self._stops: dict[str, float] = {}
        self._stop_rules: dict[str, tuple[int, int | None]] = {}
        self._presumed: dict[str, float] = {}

    def known(self, engine_id: str) -> Entry | None:
        """What is known of a container."""
        return self._entries.get(engine_id)

    def states(self) -> dict[str, State]:
        """State of each known container by engine id."""
        return {engine_id: entry.container.state for engine_id, entry in self._entries.items()}

    def apply(self, event: DockerEvent) -> bool:
        """Take an event in; True when only an inspection can tell what it changed."""
        engine_id = event.container_id
        last = self._entries.get(engine_id)
        action, _, detail = event.action.partition(": ")
        if action == "destroy":
            self.forget(engine_id)
        elif action == "create":
            if last is None:
                self._put(entry_of_event(event))
        elif action == "die":
            return self._die(event, last)
        elif action == "disconnect":
            return last is not None and last.container.state is State.CREATED
        elif action in ("start", "update") or last is None:
            return True
        elif action == "kill":
            self._kill(event, last)
        elif action == "rename":
            self._change(last, name=event.attributes.get("name", last.container.name))
        elif action == "health_status" and detail in HEALTH:
            self._change(last, health=HEALTH[detail])
        elif action == "pause" and last.container.state is State.RUNNING:
            self._change(last, state=State.PAUSED)
        elif action == "unpause" and last.container.state is State.PAUSED:
            self._change(last, state=State.RUNNING)
        return False

    def learn(self, told: Inspect, process: Process) -> None:
        """Take the engine's own answer in, with the process that it names."""
        last = self._entries.get(told.id)
        self._stop_rules[told.id] = (_signal_number(told.config.stop_signal), told.config.stop_timeout)
        fresh = entry_of(told, process, last=last, began=self._began(told))
        for missed in _missed(last, fresh, seconds(told.state.finished_at)):
            self._put(missed)
        self._put(fresh)

    def presume(self, entry: Entry) -> None:
        """Take what little is known of a listed container whose own answer cannot be had."""
        if entry.container.engine_id not in self._entries:
            self._put(entry)

    def presume_started(self, event: DockerEvent) -> None:
        """A start whose container could not be asked, most often because it is gone already."""
        entry = self._entries.get(event.container_id) or entry_of_event(event)
        if entry.container.state not in LIVE:
            self._presumed[event.container_id] = event.time
            self._put(started(entry, event.time))

    def settle(self, listed: Set[str]) -> None:
        """The engine lists these containers and no other: the board's list is whole."""
        for engine_id in self._entries.keys() - listed:
            self.forget(engine_id)
        self._board.replace(ENGINE, self._entries.values())

    def forget(self, engine_id: str) -> None:
        """The engine no longer has this container."""
        for remembered in (self._stops, self._stop_rules, self._presumed):
            remembered.pop(engine_id, None)
        if self._entries.pop(engine_id, None) is not None:
            self._board.drop(ENGINE, engine_id)

    def _began(self, told: Inspect) -> float | None:
        """When the run began; one that was presumed to have started keeps that time, or it were another run."""
        began = seconds(told.state.started_at)
        presumed = self._presumed.get(told.id)
        if presumed is None or began is None or began > presumed:
            self._presumed.pop(told.id, None)
            return began
        return presumed

    def _die(self, event: DockerEvent, last: Entry | None) -> bool:
        """The end as the event alone tells it, at once; the inspection that follows makes it exact."""
        entry = last or entry_of_event(event)
        container = entry.container
        if container.state in OVER and last is not None:
            return abs(event.time - (container.finished_at or 0.0)) > SAME_END
        if container.started_at is not None and event.time < container.started_at:
            return False
        if container.state is State.CREATED:
            self._put(started(entry, None))
        code = event.attributes.get("exitCode", "")
        stopped = self._stop_explains(event)
        self._put(ended(entry, event.time, int(code) if code.isdigit() else None, stopped=stopped))
        return True

    def _kill(self, event: DockerEvent, last: Entry) -> None:
        """Remember that somebody asked for the end of this run."""
        stop_signal, _ = self._stop_rules.get(event.container_id, (0, None))
        sent = event.attributes.get("signal", "")
        began = last.container.started_at
        if last.container.state not in LIVE or (began is not None and event.time < began):
            return
        if sent.isdigit() and (int(sent) in STOP_SIGNALS or int(sent) == stop_signal):
            self._stops[event.container_id] = event.time
            self._put(altered(last, stop_requested=True))

    def _stop_explains(self, event: DockerEvent) -> bool:
        asked = self._stops.pop(event.container_id, None)
        _, timeout = self._stop_rules.get(event.container_id, (0, None))
        patience = (DEFAULT_STOP_TIMEOUT if timeout is None else timeout) + STOP_GRACE
        return asked is not None and event.time - asked <= patience

    def _change(self, entry: Entry, **values: object) -> None:
        self._put(altered(entry, container=altered(entry.container, **values)))

    def _put(self, entry: Entry) -> None:
        self._entries[entry.container.engine_id] = entry
        self._board.put(ENGINE, entry)


def _missed(last: Entry | None, fresh: Entry, finished_at: float | None) -> Iterator[Entry]:
    """The end and the beginning that nobody saw when a container is found in another run than it was."""
    if last is None or last.container.started_at == fresh.container.started_at:
        return
    known, began = last.container, fresh.container.started_at
    if known.state in LIVE and known.started_at is not None:
        seen = finished_at is not None and known.started_at <= finished_at <= (began or finished_at)
        yield ended(last, finished_at if seen else None, None, stopped=False)
    told_without_start = known.state in OVER and known.started_at is None
    if began is not None and fresh.container.state in OVER and not told_without_start:
        yield started(fresh, began)


def _signal_number(text: str | None) -> int:
    """A stop signal as Docker's configuration spells it (`SIGINT`, `INT`, `2`); 0 when there is none."""
    name = (text or "").upper()
    if name.isdigit():
        return int(name)
    return getattr(signal, name if name.startswith("SIG") else f"SIG{name}", 0)
