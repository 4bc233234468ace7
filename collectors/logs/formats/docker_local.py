"""Docker's `local`: a protobuf `LogEntry` for each line or part of 16 KiB, between two copies of its length.

LogEntry: 1 source, 2 time in ns, 3 line without its newline, 4 whether it is a part, 5 of which line (1 whether it is
the last, 2 id, 3 ordinal), 6 attributes. Empty fields are left out. Source: moby, daemon/logger/internal/logdriver.
"""

from __future__ import annotations

import re
from collections import Counter

from collectors.logs.entry import Entry
from collectors.logs.formats import Line, Part, Tally
from collectors.logs.formats.cri import runs_of as runs_of
from collectors.logs.frames import FRAMES, LENGTHS
from collectors.logs.framing import Framing
from collectors.logs.levels import HINT, UNKNOWN, level_of

framing: Framing = FRAMES
foreign = "not a line of this log format"
timed = True

_VARINT = rb"[\x80-\xff]{0,9}[\0-\x7f]"
_ENTRY = re.compile(rb"[\0-\xff]{4}\n\x06(stdout|stderr)\x10(" + _VARINT + rb")(?:\x1a(" + _VARINT + rb"))?")
_PART = b" \x01*"
_STREAMS = {b"stdout": "stdout", b"stderr": "stderr"}


def parse(line: bytes) -> Line | None:
    """One frame with its lengths; None when it is none, or holds no entry."""
    found = _ENTRY.match(line)
    if found is None or int.from_bytes(line[:4]) + LENGTHS != len(line) or line[:4] != line[-4:]:
        return None
    stream, time, size = found.groups()
    at = found.end()
    end = at + (_number(size) if size else 0)
    if end > len(line) - 4:
        return None
    content = line[at:end]
    if not line.startswith(_PART, end):
        return Line(_number(time), _STREAMS[stream], False, content)
    part, last = _part(line[end + len(_PART) : -4])
    return Line(_number(time), _STREAMS[stream], not last, content, part)


def whole(chunk: bytes, key: bytes, offset: int) -> list[Entry] | None:
    """There is no quicker way than record by record."""
    return None


def behind(line: bytes) -> Line | None:
    """Nothing: what is torn ends where the next frame begins."""
    return None


def tally(chunk: bytes) -> Tally | None:
    """Counts of frames that are all whole lines."""
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    contents: list[bytes] = []
    time = 0
    for record in framing.records(chunk):
        parsed = parse(record)
        if parsed is None or parsed.partial or parsed.part:
            return None
        time, stream, _, content, _ = parsed
        sizes[stream] = sizes.get(stream, 0) + len(content) + 1
        counts[stream] = counts.get(stream, 0) + 1
        contents.append(content)
    return Tally(sizes, counts, _levels(chunk, contents), time)


def _levels(chunk: bytes, contents: list[bytes]) -> dict[str, int]:
    if not HINT.search(chunk):
        return {UNKNOWN: len(contents)}
    return dict(Counter([level_of(content) or UNKNOWN for content in contents]))


def may_hold_partials(chunk: bytes) -> bool:
    """Whether a frame of the chunk may be a part: the field that says so and the beginning of the next."""
    return _PART in chunk


def _number(varint: bytes) -> int:
    """A protobuf varint: seven bits a byte, the lowest first."""
    value = 0
    for byte in reversed(varint):
        value = value << 7 | byte & 0x7F
    return value


def _part(data: bytes) -> tuple[Part, bool]:
    """Which part of which line, and whether it is the last, from a field 5 behind its tag."""
    last, id, ordinal = False, b"", 0
    at, end = 1, min(len(data), 1 + data[0]) if data else 0
    while at + 1 < end:
        tag = data[at]
        found = re.compile(_VARINT).match(data, at + 1)
        if found is None:
            break
        value, at = _number(found[0]), found.end()
        if tag == 0x08:
            last = bool(value)
        elif tag == 0x12:
            id, at = data[at : at + value], at + value
        elif tag == 0x18:
            ordinal = value
        else:
            break
    return Part(id, ordinal), last
