"""One file per on-disk log format, and the registry of them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from collectors.logs.entry import Entry
from collectors.logs.framing import Framing
from runtime.linux.errors import DeckwatchError


class Part(NamedTuple):
    """Which part of which line: parts of one line have one `id` and rising ordinals, without gaps."""

    id: bytes
    ordinal: int

    def follows(self, other: Part | None) -> bool:
        """Whether this is the part behind the other."""
        return other is not None and other.id == self.id and other.ordinal + 1 == self.ordinal


class Line(NamedTuple):
    """One line of a log file: `partial` when the container's line goes on in the next one of its stream.

    `part` says which part it is, where the writer tells.
    """

    time: int
    stream: str
    partial: bool
    content: bytes
    part: Part | None = None


class Tally(NamedTuple):
    """What a batch of whole lines held: bytes (newlines included) and lines per stream, messages per level."""

    bytes: dict[str, int]
    lines: dict[str, int]
    messages: dict[str, int]
    time: int


class Format(Protocol):
    """How one kind of log file is read. Implementations are modules, so all of this is functions and constants.

    `framing` tells one record from the next: what is called a line here is a record without its gap. `foreign` is
    what is said of a line that `parse` refuses, nothing where any line will do. `timed` says that each line has a time.
    """

    framing: Framing
    foreign: str
    timed: bool

    def parse(self, line: bytes) -> Line | None:
        """One line without its newline; None when it is not of this format."""
        ...

    def whole(self, chunk: bytes, key: bytes, offset: int) -> list[Entry] | None:
        """The entries of a batch whose records are all whole, quicker than one by one; None when it must be so."""
        ...

    def behind(self, line: bytes) -> Line | None:
        """The whole line behind the torn beginning that `parse` refused; None when there is none."""
        ...

    def tally(self, chunk: bytes) -> Tally | None:
        """Counts of whole lines in bulk; None when a line is partial or foreign, so that each must be looked at."""
        ...

    def may_hold_partials(self, chunk: bytes) -> bool:
        """Whether a line of the chunk may be partial; False only when none is."""
        ...

    def runs_of(self, literal: str) -> list[bytes]:
        """The parts of a text that stand in the file unchanged wherever a message holds the text."""
        ...


class Unreadable(DeckwatchError):
    """A log that cannot be read at all: of an unknown format, or no regular file."""


def format_of(name: str) -> Format:
    """The format of that name; raises Unreadable."""
    from collectors.logs.formats import cri, docker_json, docker_local, plain

    known: dict[str, Format] = {
        "cri": cri,
        "docker_json": docker_json,
        "docker_local": docker_local,
        "plain": plain,
    }
    if name not in known:
        raise Unreadable(f"unknown log format {name!r}; known are {', '.join(sorted(known))}")
    return known[name]
