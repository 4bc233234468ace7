"""The journal's Export format into fields: `NAME=value` lines, values with newlines behind their length in eight
little-endian bytes, an empty line behind each entry. Source: https://systemd.io/JOURNAL_EXPORT_FORMATS.
"""

from __future__ import annotations

from collectors.logs.entry import MAX_ENTRY

LIMIT = MAX_ENTRY + 1
"""Bytes that are kept of a value that does not come in one piece: one more than a message may have, so that a longer
one is seen to be."""
_LENGTH = 8

Fields = dict[bytes, bytes]


class Export:
    """Reads a stream of entries in pieces of any size; holds at most one entry's fields and `LIMIT` bytes more."""

    def __init__(self) -> None:
        self._rest = b""
        self._fields: Fields = {}
        self._skip = 0
        self._skip_line = False

    def feed(self, data: bytes) -> list[Fields]:
        """The entries that end in this piece."""
        text, at = self._rest + self._unskipped(data), 0
        found: list[Fields] = []
        while at < len(text):
            if not self._fields:
                end = text.find(b"\n\n", at)
                if end > at and (fields := _plain(text[at:end])) is not None:
                    found.append(fields)
                    at = end + 2
                    continue
            behind = self._field(text, at)
            if behind is None:
                break
            if behind == at + 1 and self._fields:
                found.append(self._fields)
                self._fields = {}
            at = behind
        self._rest = text[at:]
        return found

    def _unskipped(self, data: bytes) -> bytes:
        """What is left of a piece behind a value that is too long."""
        if self._skip_line:
            end = data.find(b"\n")
            self._skip_line = end < 0
            return data[end + 1 :] if end >= 0 else b""
        skipped = min(self._skip, len(data))
        self._skip -= skipped
        return data[skipped:]

    def _field(self, text: bytes, at: int) -> int | None:
        """Take the field at a place; where the next one begins, one byte on for an entry's end; None for too little."""
        end = text.find(b"\n", at)
        if end == at:
            return at + 1
        if end < 0:
            return self._long_line(text, at)
        name, equals, value = text[at:end].partition(b"=")
        if equals:
            self._fields[name] = value[:LIMIT]
            return end + 1
        return self._binary(text, name, end + 1)

    def _long_line(self, text: bytes, at: int) -> int | None:
        if len(text) - at <= 2 * LIMIT:
            return None
        name, _, value = text[at:].partition(b"=")
        self._fields[name[:64]] = value[:LIMIT]
        self._skip_line = True
        return len(text)

    def _binary(self, text: bytes, name: bytes, at: int) -> int | None:
        begin = at + _LENGTH
        if len(text) < begin:
            return None
        end = begin + int.from_bytes(text[at:begin], "little")
        if len(text) <= end and len(text) - begin < LIMIT:
            return None
        self._fields[name] = text[begin : min(end, begin + LIMIT)]
        self._skip = max(0, end + 1 - len(text))
        return min(end + 1, len(text))


def _plain(block: bytes) -> Fields | None:
    """The fields of an entry that has only lines; None when one of them is no line."""
    try:
        fields: Fields = dict([line.split(b"=", 1) for line in block.split(b"\n")])
    except ValueError:
        return None
    return fields
