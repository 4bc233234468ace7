"""Whether an entry is what a query asks for: its stream, its level, its text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import re2

from collectors.logs.entry import Entry
from collectors.logs.levels import LEVELS, UNKNOWN, level_of
from collectors.logs.parsers import parser_of
from collectors.logs.rule import AUTO
from runtime.linux.errors import DeckwatchError

LevelOf = Callable[[bytes], str | None]
STREAMS = ("stdout", "stderr")


class BadQuery(DeckwatchError):
    """A query that cannot be understood."""


class Judge:
    """Built from the words of a query; raises BadQuery for a pattern or a name that means nothing."""

    def __init__(self, grep: str | None = None, level: str | None = None, stream: str | None = None) -> None:
        self.pattern = compiled(grep) if grep else None
        self.levels = _names(level, (*LEVELS, UNKNOWN), "level")
        self.streams = _names(stream, STREAMS, "stream")

    def wants(self, entry: Entry, level: LevelOf = level_of) -> bool:
        """Judge one whole entry; `level` tells the level of its message."""
        if self.streams and entry.stream not in self.streams:
            return False
        if self.pattern is not None and not self.pattern.search(entry.message):
            return False
        return not self.levels or (level(entry.message) or UNKNOWN) in self.levels


def level_reader(parser: str) -> LevelOf:
    """What tells the level of a message that this parser reads."""
    if parser == AUTO:
        return level_of
    read = parser_of(parser).understand
    return lambda message: read(message).level


def compiled(pattern: str) -> Any:
    """An RE2 pattern over bytes; raises BadQuery."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 32 << 20
    try:
        return re2.compile(pattern.encode(), options)
    except re2.error as error:
        text = error.args[0] if error.args else ""
        reason = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        raise BadQuery(f"cannot read the pattern {pattern!r}: {reason}; RE2 syntax is expected") from error


def _names(text: str | None, known: tuple[str, ...], what: str) -> frozenset[str]:
    names = frozenset(name.strip().lower() for name in (text or "").split(",") if name.strip())
    if unknown := names - set(known):
        raise BadQuery(f"unknown {what} {', '.join(sorted(unknown))}; known are {', '.join(known)}")
    return names
