"""What is known of each container of a storage, told to the board run by run.

Files change faster than they are looked at: whatever was found, the board sees each run begin before it ends,
and each end once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from types import MappingProxyType

from collectors.inventory.base import Board
from collectors.inventory.docker.entry import LIVE, ended, started
from collectors.inventory.storage.conmon import Exit
from collectors.model import Entry, State


class StorageRuns:
    """Follows every container of one engine from run to run and writes on the board."""

    def __init__(self, board: Board, engine: str) -> None:
        self._board = board
        self._engine = engine
        self._entries: dict[str, Entry] = {}
        self._ends: dict[str, Exit] = {}
        self._settled = False

    def entries(self) -> Mapping[str, Entry]:
        """What is known, by engine id."""
        return MappingProxyType(self._entries)

    def noted(self, engine_id: str, end: Exit) -> None:
        """conmon noted the end of a run, which may not have been seen to begin."""
        self._ends[engine_id] = end

    def end_of(self, engine_id: str) -> Exit | None:
        """The last end that conmon noted."""
        return self._ends.get(engine_id)

    def learn(self, fresh: Entry) -> None:
        """Take in how a container was found."""
        engine_id = fresh.container.engine_id
        last = self._entries.get(engine_id)
        if last is not None:
            for missed in _missed(last, fresh, self._ends.get(engine_id)):
                self._put(missed)
        elif (
            self._settled and fresh.container.state is State.EXITED and fresh.container.started_at is not None
        ):
            # It came after the first list and has ended before anybody looked.
            self._put(started(fresh, fresh.container.started_at))
        self._put(fresh)

    def settle(self, listed: Set[str]) -> None:
        """The storage holds these containers and no other: the board's list is whole."""
        self.keep(listed)
        self._settled = True
        self._board.replace(self._engine, self._entries.values())

    def keep(self, listed: Set[str]) -> None:
        """Forget the containers that are no longer there, and ends of such as never were.

        One that is removed as it ends may be gone before anybody looked again: its end was noted all the same.
        """
        for engine_id in self._entries.keys() - listed:
            for missed in _last(self._entries[engine_id], self._ends.get(engine_id)):
                self._put(missed)
            del self._entries[engine_id]
            self._board.drop(self._engine, engine_id)
        for engine_id in self._ends.keys() - listed:
            del self._ends[engine_id]

    def _put(self, entry: Entry) -> None:
        self._entries[entry.container.engine_id] = entry
        self._board.put(self._engine, entry)


def _missed(last: Entry, fresh: Entry, end: Exit | None) -> Iterator[Entry]:
    """The beginnings and ends between two looks at a container, in order."""
    known, found = last.container, fresh.container
    if known.started_at == found.started_at:
        return
    if end is not None and _between(known.started_at, end.time, found.started_at):
        if known.state in LIVE:
            yield ended(last, end.time, end.code, stopped=fresh.stop_requested)
        elif known.finished_at is None or known.finished_at < end.time:
            begun = started(last, end.time)
            yield begun
            yield ended(begun, end.time, end.code, stopped=fresh.stop_requested)
    elif known.state in LIVE:
        yield ended(last, None, None, stopped=False)
    if found.state is State.EXITED and found.started_at is not None:
        yield started(fresh, found.started_at)


def _last(last: Entry, end: Exit | None) -> Iterator[Entry]:
    """The end of a container's last run, and its beginning when that was not seen either."""
    began = last.container.started_at
    if end is None or last.container.state is State.EXITED or end.time < (began or 0.0):
        return
    if last.container.state is State.CREATED:
        last = started(last, end.time)
        yield last
    yield ended(last, end.time, end.code, stopped=last.stop_requested)


def _between(first: float | None, time: float, then: float | None) -> bool:
    return (first is None or first <= time) and then is not None and time < then
