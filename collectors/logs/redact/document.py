"""Where a replacement may stand in a message that is a JSON document, so that it stays one."""

from __future__ import annotations

import bisect
import re

import orjson

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_EDGE = re.compile(rb"[\s,:{}\[\]]")
_FIRST = (b"{", b"[")


class Document:
    """One message; what it is, is found out when something in it is replaced. Source: RFC 8259."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._strings: list[tuple[int, int]] | None = None

    def place(self, start: int, end: int) -> tuple[int, int, bytes]:
        """What is to be replaced for [start, end), and what has to stand around the replacement: a value of a
        document that is no string goes as a whole, and a string takes its place."""
        strings = self._known()
        index = bisect.bisect_right(strings, (start, len(self._message) + 1)) - 1
        if index < 0:
            return start, end, b""
        if strings[index][0] < start < strings[index][1]:
            # No half of an escape may be left.
            return start - self._escaped(start), end + self._escaped(end), b""
        return *self._value(start, end), b'"'

    def _escaped(self, place: int) -> bool:
        """Whether an odd number of backslashes stands before a place."""
        first = place
        while self._message[first - 1 : first] == b"\\":
            first -= 1
        return (place - first) % 2 == 1

    def _known(self) -> list[tuple[int, int]]:
        """Where strings stand, from quote to quote; nothing for a message that is no document."""
        if self._strings is None:
            self._strings = []
            if self._message.lstrip()[:1] in _FIRST and _is_json(self._message):
                # An empty one at the beginning stands for what is in front of the first.
                self._strings = [(-1, -1), *(found.span() for found in _STRING.finditer(self._message))]
        return self._strings

    def _value(self, start: int, end: int) -> tuple[int, int]:
        message = self._message
        while start > 0 and not _EDGE.match(message, start - 1):
            start -= 1
        behind = _EDGE.search(message, end)
        return start, behind.start() if behind else end


def _is_json(message: bytes) -> bool:
    try:
        orjson.loads(message)
    except ValueError:
        return False
    return True
