"""Copies to the spool what some sink has not got, when its file is about to go away.

A file that was rotated is held for a moment; what no sink has got by then is copied. Of a writer that destroys its
file when it rotates (conmon with `--log-size-max`, dockerd with one file) the copy is made before the size at which
it did so last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from collectors.logs.files import Place, holds
from collectors.logs.formats import format_of
from collectors.logs.lines import LineReader
from collectors.logs.record import LogTarget
from collectors.logs.spool import Full, Spool

HOLD = 2.0
"""Seconds that the sinks have to get the rest of a rotated file before it is copied."""
NEAR = 0.7
"""Of the size at which a writer destroys its file: from here on what no sink has got is copied."""
_MOST_HELD = 512


class _Held(NamedTuple):
    target: LogTarget
    fd: int
    end: Place
    since: float


class Keeper:
    """Watches over the files of all shipped logs. `places` gives, for a container, each sink's acknowledged place
    (None is before everything); `reading` the open file of the reader that is always up to date."""

    def __init__(
        self,
        spool: Spool,
        places: Callable[[str], Sequence[Place | None]],
        trouble: Callable[[str, str], None],
    ) -> None:
        self._spool = spool
        self._places = places
        self._trouble = trouble
        self._held: list[_Held] = []
        self._destroyed_at: dict[str, int] = {}
        self._given_up: dict[str, int] = {}

    def turned(self, target: LogTarget, fd: int, end: Place, now: float) -> None:
        """A file was left for the next one: hold it, for its container's sinks may not have it all."""
        if not self._places(target.id):
            return
        if _is_nameless(fd):
            self._destroyed_at[target.id] = end.offset
        self._held.append(_Held(target, os.dup(fd), end, now))
        if len(self._held) > _MOST_HELD:
            self._decide(self._held.pop(0))

    def lost(self, target: LogTarget) -> None:
        """Files were gone before anybody read them: a sink that comes to this place counts them, too."""
        if not self._places(target.id):
            return
        for held in [one for one in self._held if one.target.id == target.id]:
            self._held.remove(held)
            self._decide(held)
        self._note_gap(target)

    def gone(self, target: LogTarget, reading: tuple[int, Place] | None) -> None:
        """A container was removed, its files with it: what its sinks lack is copied now."""
        for held in [one for one in self._held if one.target.id == target.id]:
            self._held.remove(held)
            self._decide(held)
        if reading is not None and self._places(target.id):
            fd, end = reading
            self._decide(_Held(target, os.dup(fd), end, 0.0))
        self._destroyed_at.pop(target.id, None)
        self._given_up.pop(target.id, None)

    def secure(self, id: str, reading: Callable[[str], tuple[LogTarget, int, Place] | None]) -> None:
        """Copy at once what has no name any more: a sink is about to look where it goes on."""
        for held in [one for one in self._held if one.target.id == id and _is_nameless(one.fd)]:
            self._held.remove(held)
            self._decide(held)
        current = reading(id)
        if current is not None and _is_nameless(current[1]):
            target, fd, end = current
            # Nobody writes to it any more, so all of it is needed, though it may not be read yet.
            whole = msgspec.structs.replace(end, offset=os.fstat(fd).st_size)
            self._decide(_Held(target, os.dup(fd), whole, 0.0))

    def look(self, now: float, reading: Callable[[str], tuple[LogTarget, int, Place] | None]) -> None:
        """Decide about what was held long enough, or is gone from the disk; copy what is near its end."""
        due = [one for one in self._held if now - one.since >= HOLD or _is_nameless(one.fd)]
        for held in due:
            self._held.remove(held)
            self._decide(held)
        for id, limit in list(self._destroyed_at.items()):
            current = reading(id)
            if current is not None and current[2].offset >= NEAR * limit:
                target, fd, end = current
                self._decide(_Held(target, os.dup(fd), end, now), final=False)

    def release(self, targets: Iterable[LogTarget]) -> None:
        """Remove the copies that all sinks of these containers have got."""
        for target in targets:
            if self._spool.holds(target.id):
                self._spool.release(target.id, target.source.path, self._places(target.id))

    def close(self) -> None:
        """Let go of the held files; copy what is needed of them first."""
        while self._held:
            self._decide(self._held.pop(0))

    def _decide(self, held: _Held, *, final: bool = True) -> None:
        """Copy what a sink lacks of a held file, and let go of it; `final` says that nobody asks again."""
        try:
            starts = [self._lacks(held, place) for place in self._places(held.target.id)]
            since = min((one for one in starts if one is not None), default=held.end.offset)
            if since < held.end.offset:
                self._copy(held, since, final)
        finally:
            os.close(held.fd)

    def _copy(self, held: _Held, since: int, final: bool) -> None:
        try:
            self._spool.keep(held.target, held.fd, since, held.end.offset)
        except Full as full:
            self._trouble("spool_full", f"{full}; logs are lost when they rotate before a sink takes them")
            if final:
                self._give_up(held, since)

    def _give_up(self, held: _Held, since: int) -> None:
        """Count what there was no room for, each file once; one that has no name any more is gone with it."""
        id, inode = held.target.id, os.fstat(held.fd).st_ino
        if self._given_up.get(id) == inode:
            return
        self._given_up[id] = inode
        self._spool.refuse(id, _lines(held, since), held.end.offset - since)
        if _is_nameless(held.fd):
            self._note_gap(held.target)

    def _note_gap(self, target: LogTarget) -> None:
        try:
            self._spool.note_gap(target)
        except OSError as error:
            self._trouble("spool_failing", str(error))

    def _lacks(self, held: _Held, place: Place | None) -> int | None:
        """From where on a sink at this place lacks the held file; None when it has all of it."""
        if place is None:
            return 0
        if _is_in(held.fd, place):
            return place.offset if place.offset < held.end.offset else None
        later = [one.fd for one in self._held if one.target.id == held.target.id and one.since > held.since]
        if any(_is_in(fd, place) for fd in later):
            return None
        try:
            with open(held.target.source.path, "rb") as current:
                return None if _is_in(current.fileno(), place) else 0
        except OSError:
            return 0


def _is_nameless(fd: int) -> bool:
    """Whether an open file was removed."""
    return os.fstat(fd).st_nlink == 0


def _is_in(fd: int, place: Place) -> bool:
    """Whether a place is one of this open file."""
    if not place.head_size:
        return os.fstat(fd).st_ino == place.inode
    return holds(fd, place)


def _lines(held: _Held, since: int) -> int:
    """How many records of a held file begin at or behind `since`."""
    framing = format_of(held.target.source.format).framing
    reader = LineReader(held.fd, since, framing=framing)
    found = 0
    while (batch := reader.read(held.end.offset)) is not None:
        found += 1 if batch.cut else len(framing.records(batch.data))
    return found
