"""Docker's `json-file`: one object per line with `log`, `stream`, `attrs` and `time`, in that order.

`log` ends in a newline unless the line goes on (16 KiB parts); an empty key is left out.
"""

from __future__ import annotations

import re
from collections import Counter

import msgspec

from collectors.logs.entry import Entry
from collectors.logs.formats import Line, Tally
from collectors.logs.framing import NEWLINES, Framing
from collectors.logs.levels import HINT, UNKNOWN, level_of
from collectors.logs.times import parse as parse_time

framing: Framing = NEWLINES
foreign = "not a line of this log format"
timed = True


class _Record(msgspec.Struct):
    time: str
    log: str = ""
    stream: str = "stdout"


_STREAMS = ("stdout", "stderr")
_decoder = msgspec.json.Decoder(_Record)
_START = b'{"log":"'
# What every JSON writer leaves as it is; the rest may stand escaped.
_PLAIN = re.compile(rb"[A-Za-z0-9 _.,:;=+*!?@#$%^()\[\]{}|~'`-]+")


def parse(line: bytes) -> Line | None:
    """One line without its newline; None when it is no such object."""
    try:
        record = _decoder.decode(line)
        time = parse_time(record.time.encode())
    except (msgspec.DecodeError, ValueError):
        return None
    if record.stream not in ("stdout", "stderr"):
        return None
    whole = record.log.endswith("\n")
    content = record.log.encode("utf-8", "replace")
    return Line(time, record.stream, not whole, content[:-1] if whole else content)


def whole(chunk: bytes, key: bytes, offset: int) -> list[Entry] | None:
    """The entries of a batch whose lines are all whole objects with a newline; None for any other."""
    lines = chunk[:-1].split(b"\n")
    entries: list[Entry] = []
    append, new = entries.append, tuple.__new__
    try:
        for line, record in zip(lines, _decoder.decode_lines(chunk), strict=True):
            log = record.log
            if log[-1:] != "\n" or record.stream not in _STREAMS:
                return None
            content = log[:-1].encode("utf-8", "replace")
            time = parse_time(record.time.encode())
            append(new(Entry, (time, record.stream, content, key, offset, len(content) + 1, "", False, 1)))
            offset += len(line) + 1
    except (msgspec.DecodeError, ValueError):
        return None
    return entries


def behind(line: bytes) -> Line | None:
    """The whole object behind a torn one, of a writer that was killed: inside an object quotes stand escaped."""
    start = line.rfind(_START)
    return parse(line[start:]) if start > 0 else None


def tally(chunk: bytes) -> Tally | None:
    """Counts of a batch whose lines are all whole objects with a newline."""
    try:
        records = _decoder.decode_lines(chunk)
        time = parse_time(records[-1].time.encode())
    except (msgspec.DecodeError, ValueError, IndexError):
        return None
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for record in records:
        log = record.log
        if log[-1:] != "\n":
            return None
        stream = record.stream
        sizes[stream] = sizes.get(stream, 0) + (
            len(log) if log.isascii() else len(log.encode("utf-8", "replace"))
        )
        counts[stream] = counts.get(stream, 0) + 1
    if not counts.keys() <= {"stdout", "stderr"}:
        return None
    return Tally(sizes, counts, _levels(chunk, records), time)


def _levels(chunk: bytes, records: list[_Record]) -> dict[str, int]:
    if not HINT.search(chunk):
        return {UNKNOWN: len(records)}
    levels = [level_of(record.log[:-1].encode("utf-8", "replace")) or UNKNOWN for record in records]
    return dict(Counter(levels))


def may_hold_partials(chunk: bytes) -> bool:
    """Whether a line of the chunk may be partial: each whole one closes its `log` with an escaped newline.

    A message that ends in a backslash and an n looks the same when partial, so such a chunk may hold one.
    """
    return b'\\\\n","stream":"' in chunk or chunk.count(b'\\n","stream":"') != chunk.count(b"\n")


def runs_of(literal: str) -> list[bytes]:
    """The parts of a text that no JSON writer escapes."""
    return _PLAIN.findall(literal.encode("utf-8", "ignore"))
