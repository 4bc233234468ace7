"""What is known of each container of containerd, kept in step with events and answers that come late or twice.

Whatever the order, the board sees each run begin before it ends, and each end once.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator, Set

from msgspec.structs import replace as altered

from collectors.inventory.base import Board
from collectors.inventory.docker.entry import LIVE, ended, started
from collectors.model import Entry, Reason, State

ENGINE = "containerd"

_KILLED = 128 + signal.SIGKILL


class ContainerdRuns:
    """Follows every container from run to run and writes on the board; keys are engine ids."""

    def __init__(self, board: Board, engine: str = ENGINE) -> None:
        self.engine = engine
        self._board = board
        self._entries: dict[str, Entry] = {}
        self._short_of_memory: set[str] = set()

    def known(self, key: str) -> Entry | None:
        """What is known of a container."""
        return self._entries.get(key)

    def live(self) -> set[str]:
        """Containers that run, as far as is known."""
        return {key for key, entry in self._entries.items() if entry.container.state in LIVE}

    def keys(self) -> Set[str]:
        """All containers that are known."""
        return self._entries.keys()

    def learn(self, fresh: Entry, *, listed: bool = False) -> None:
        """Take in what somebody tells of a container now; `listed` when it is told with all others."""
        last = self._entries.get(fresh.container.engine_id)
        fresh = _begun_as_known(last, fresh)
        if last is not None and _older(fresh, last):
            return
        for missed in _missed(last, fresh, listed):
            self._put(missed)
        self._put(fresh)

    def begin(self, key: str, time: float) -> None:
        """A run began of which nobody tells more."""
        entry = self._entries.get(key)
        if entry is not None and entry.container.state not in LIVE:
            self._put(started(entry, time))

    def end(self, key: str, time: float | None, exit_code: int | None) -> None:
        """The run of a container is over."""
        entry = self._entries.get(key)
        if entry is None or entry.container.state not in LIVE:
            return
        began = entry.container.started_at
        # Its beginning may have been noted a moment after its end.
        finished = max(time, began) if time is not None and began is not None else time
        over = ended(entry, finished, exit_code, stopped=False)
        if exit_code == _KILLED and key in self._short_of_memory:
            over = altered(over, container=altered(over.container, reason=Reason.OOM))
        self._put(over)

    def pause(self, key: str, *, paused: bool) -> None:
        """A run was paused, or goes on."""
        before, after = (State.RUNNING, State.PAUSED) if paused else (State.PAUSED, State.RUNNING)
        entry = self._entries.get(key)
        if entry is not None and entry.container.state is before:
            self._put(altered(entry, container=altered(entry.container, state=after)))

    def ran_out_of_memory(self, key: str) -> None:
        """The kernel killed something in a container, which explains the kill that may end its run."""
        if key in self._entries:
            self._short_of_memory.add(key)

    def forget(self, key: str) -> None:
        """The engine no longer has this container."""
        self._short_of_memory.discard(key)
        if self._entries.pop(key, None) is not None:
            self._board.drop(self.engine, key)

    def settle(self, listed: Set[str]) -> None:
        """The engine lists these containers and no other: the board's list is whole."""
        for key in self._entries.keys() - listed:
            self.forget(key)
        self._board.replace(self.engine, self._entries.values())

    def _put(self, entry: Entry) -> None:
        key = entry.container.engine_id
        last = self._entries.get(key)
        if entry.container.state in LIVE and last is not None and last.container.state not in LIVE:
            self._short_of_memory.discard(key)
        self._entries[key] = entry
        self._board.put(self.engine, entry)


def _begun_as_known(last: Entry | None, fresh: Entry) -> Entry:
    """The run of one process has one beginning, although two may tell it a little differently."""
    if last is None or not fresh.pid or (last.pid, last.pid_start) != (fresh.pid, fresh.pid_start):
        return fresh
    return altered(fresh, container=altered(fresh.container, started_at=last.container.started_at))


def _older(fresh: Entry, last: Entry) -> bool:
    """Whether what is told now is from before what was told last, or less."""
    new, old = fresh.container, last.container
    if new.state is State.CREATED:
        return old.state is not State.CREATED
    if new.started_at is not None and old.started_at is not None and new.started_at < old.started_at:
        return True
    if new.started_at != old.started_at or old.state is State.CREATED:
        return False
    if new.state in LIVE:
        # A run whose process is gone is about to be told over.
        return old.state not in LIVE or (not fresh.pid and last.pid != 0)
    return old.state not in LIVE and new.exit_code is None and old.exit_code is not None


def _missed(last: Entry | None, fresh: Entry, listed: bool) -> Iterator[Entry]:
    """The end and the beginning that nobody saw when a container is found in another run than it was."""
    began, over = fresh.container.started_at, fresh.container.state not in (*LIVE, State.CREATED)
    if last is None:
        if over and began is not None and not listed:
            yield started(fresh, began)
        return
    if last.container.started_at == began:
        return
    if last.container.state in LIVE:
        yield ended(last, None, None, stopped=False)
    if over and began is not None:
        yield started(fresh, began)
