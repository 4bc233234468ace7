"""Whole lines into entries of several lines: stack traces, or what follows a line of a known form.

An entry is at most `SPAN` bytes of file long, from its first byte to its last line's, so that a reader that begins
anywhere finds the same entries after looking back that far. Lines beyond are entries of their own. What is given out
because nothing followed in time is remembered (`told`): a line that then does follow is an entry of its own, and the
boundary is kept for later readings.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import msgspec

from collectors.logs.entry import MAX_ENTRY, Entry
from collectors.logs.judge import compiled
from collectors.logs.rule import Multiline
from collectors.logs.stacks import HINT, follows, kind_of

SPAN = 64 * 1024
CUT = f"cut at {MAX_ENTRY} bytes"

Boundary = tuple[bytes, int, int]
"""Key and offset of an entry's first byte, and its size when it was ended by time."""


class Stack(msgspec.Struct):
    """An entry to which more lines may come. `told` says that it was given out already, because none came in time."""

    time: int
    message: bytearray
    size: int
    key: bytes
    offset: int
    lines: int
    kind: str
    state: str
    error: str = ""
    told: bool = False

    @property
    def cut(self) -> Boundary:
        """The boundary, if the entry ended here."""
        return (self.key, self.offset, self.size)


class Joiner:
    """Joins the entries of one container's files, fed in order. `stacks` is its whole state, by stream.

    `cuts` are boundaries set by time on an earlier reading; `late` are those that turned out to matter on this one.
    """

    def __init__(self, rule: Multiline, cuts: Collection[Boundary]) -> None:
        self.stacks: dict[str, Stack] = {}
        self.cuts = cuts
        self.late: list[Boundary] = []
        self.flush_after = rule.flush
        self._start: Any = compiled(rule.start) if rule.mode == "start" else None
        self._ends: dict[bytes, int] = {}

    def idle(self, data: bytes) -> bool:
        """Whether lines of this raw chunk pass as they are: none is waited for, none begins anything."""
        return not self.stacks and self._start is None and not HINT.search(data)

    def reached(self, key: bytes, end: int) -> None:
        """The file of this key was fed up to here."""
        if key not in self._ends:
            self._ends = dict([*self._ends.items()][-1:])
        self._ends[key] = end

    def joined(self, entries: Sequence[Entry]) -> list[Entry]:
        """The entries that end with these."""
        found: list[Entry] = []
        for entry in entries:
            stack = self.stacks.get(entry.stream)
            if stack is not None:
                if self._goes_on(stack, entry):
                    continue
                self._end(entry.stream, stack, found)
            self._begin(entry, found)
        return found

    def flush(self) -> list[Entry]:
        """Give out what waits; whoever reads on remembers that it was."""
        found: list[Entry] = []
        for stream, stack in self.stacks.items():
            if not stack.told:
                found.append(_entry(stream, stack))
                stack.told = True
        return found

    def settle(self) -> list[Entry]:
        """What was given out by time elsewhere, by the `cuts`."""
        found: list[Entry] = []
        for stream, stack in self.stacks.items():
            if not stack.told and stack.cut in self.cuts:
                found.append(_entry(stream, stack))
                stack.told = True
        return found

    def _begin(self, entry: Entry, found: list[Entry]) -> None:
        if self._start is not None:
            kind = "start" if self._start.search(entry.message) else None
        else:
            kind = kind_of(entry.message)
        if kind is None or entry.partial:
            found.append(entry)
            return
        self.stacks[entry.stream] = Stack(
            entry.time,
            bytearray(entry.message),
            entry.size,
            entry.key,
            entry.offset,
            1,
            kind,
            "",
            entry.error,
        )

    def _goes_on(self, stack: Stack, entry: Entry) -> bool:
        """Add a line to an entry, if it belongs to it."""
        if entry.partial or self._span(stack, entry) > SPAN:
            return False
        if stack.kind == "start":
            state = None if self._start is not None and self._start.search(entry.message) else ""
        else:
            state = follows(stack.kind, stack.state, entry.message)
        if state is None:
            return False
        if stack.told or stack.cut in self.cuts:
            self.late.append(stack.cut)
            return False
        stack.state = state
        stack.message += b"\n"
        stack.message += entry.message
        stack.size += entry.size
        stack.lines += 1
        stack.error = stack.error or entry.error
        return True

    def _end(self, stream: str, stack: Stack, found: list[Entry]) -> None:
        if not stack.told:
            found.append(_entry(stream, stack))
        del self.stacks[stream]

    def _span(self, stack: Stack, entry: Entry) -> int:
        """Bytes of file from an entry's first byte to a line's."""
        if entry.key == stack.key:
            return entry.offset - stack.offset
        return self._ends.get(stack.key, stack.offset) - stack.offset + entry.offset


def _entry(stream: str, stack: Stack) -> Entry:
    message = bytes(stack.message[:MAX_ENTRY])
    error = stack.error or (CUT if len(stack.message) > MAX_ENTRY else "")
    return Entry(stack.time, stream, message, stack.key, stack.offset, stack.size, error, lines=stack.lines)
