"""The CRI log format: `TIME stdout|stderr P|F content`, as containerd, conmon and our own monitor write it.

Source: Kubernetes' CRI logging design; the tag may carry further tags after a colon.
"""

from __future__ import annotations

from collections import Counter

import re2

from collectors.logs.entry import Entry
from collectors.logs.formats import Line, Tally
from collectors.logs.framing import NEWLINES, Framing
from collectors.logs.levels import HINT, UNKNOWN, level_of
from collectors.logs.times import parse as parse_time

framing: Framing = NEWLINES
foreign = "not a line of this log format"
timed = True

_STREAMS = {b"stdout": "stdout", b"stderr": "stderr"}
_WHOLE = {b" stdout F ": "stdout", b" stderr F ": "stderr"}
_HEAD = 10
_NINE = {b"Z stdout F ": "stdout", b"Z stderr F ": "stderr"}
# RE2 looks for a plain text several times faster than `in` does.
_STDOUT_PART = re2.compile(rb" stdout P")
_STDERR_PART = re2.compile(rb" stderr P")


def parse(line: bytes) -> Line | None:
    """One line without its newline; None when it is no CRI line."""
    parts = line.split(b" ", 3)
    if len(parts) < 3 or parts[1] not in _STREAMS or parts[2][:1] not in (b"F", b"P"):
        return None
    if parts[2][1:2] not in (b"", b":"):
        return None
    try:
        time = parse_time(parts[0])
    except ValueError:
        return None
    return Line(time, _STREAMS[parts[1]], parts[2][:1] == b"P", parts[3] if len(parts) == 4 else b"")


def whole(chunk: bytes, key: bytes, offset: int) -> list[Entry] | None:
    """The entries of a batch whose lines are all whole, with a time of nine digits in UTC; None for any other."""
    lines = chunk[:-1].split(b"\n")
    if {line[29:40] for line in lines} - _NINE.keys():
        return None
    entries: list[Entry] = []
    append, new = entries.append, tuple.__new__
    second, base = b"", 0
    try:
        for line in lines:
            fraction = line[20:29]
            if line[:20] != second:
                second = line[:20]
                base = parse_time(second[:19] + b"Z")
            if second[19:] != b"." or not fraction.isdigit():
                return None
            size = len(line)
            append(
                new(
                    Entry,
                    (
                        base + int(fraction),
                        _NINE[line[29:40]],
                        line[40:],
                        key,
                        offset,
                        size - 39,
                        "",
                        False,
                        1,
                    ),
                )
            )
            offset += size + 1
    except ValueError:
        return None
    return entries


def behind(line: bytes) -> Line | None:
    """The line behind a hole of NUL bytes, as a truncated file gets whose writer kept its offset."""
    return parse(line.lstrip(b"\0")) if line[:1] == b"\0" else None


def tally(chunk: bytes) -> Tally | None:
    """Counts of a batch whose lines are all whole: one pass when the time has a fixed width, else two."""
    lines = chunk[:-1].split(b"\n")
    width = lines[0].find(b" ")
    heads = Counter([line[width : width + _HEAD] for line in lines])
    fixed = heads.keys() <= _WHOLE.keys()
    contents = _fixed(chunk, lines, heads, width) if fixed else _variable(lines)
    last = parse(lines[-1])
    if contents is None or last is None or parse(lines[0]) is None:
        return None
    sizes, counts = contents
    return Tally(sizes, counts, _levels(chunk, lines), last.time)


def _fixed(
    chunk: bytes, lines: list[bytes], heads: Counter[bytes], width: int
) -> tuple[dict[str, int], dict[str, int]]:
    counts = {_WHOLE[head]: count for head, count in heads.items()}
    total = len(chunk) - len(lines) * (width + _HEAD)
    if len(counts) == 1:
        return dict.fromkeys(counts, total), counts
    stdout = [len(line) for line in lines if line[width : width + _HEAD] == b" stdout F "]
    size = sum(stdout) - len(stdout) * (width + _HEAD - 1)
    return {"stdout": size, "stderr": total - size}, counts


def _variable(lines: list[bytes]) -> tuple[dict[str, int], dict[str, int]] | None:
    sizes: dict[str, int] = {}
    counts: dict[str, int] = {}
    for line in lines:
        parts = line.split(b" ", 3)
        if len(parts) != 4 or parts[2] != b"F" or parts[1] not in _STREAMS or parts[0][4:5] != b"-":
            return None
        stream = _STREAMS[parts[1]]
        sizes[stream] = sizes.get(stream, 0) + len(parts[3]) + 1
        counts[stream] = counts.get(stream, 0) + 1
    return sizes, counts


def _levels(chunk: bytes, lines: list[bytes]) -> dict[str, int]:
    if not HINT.search(chunk):
        return {UNKNOWN: len(lines)}
    return dict(Counter([level_of(line.split(b" ", 3)[3]) or UNKNOWN for line in lines]))


def may_hold_partials(chunk: bytes) -> bool:
    """Whether a line of the chunk may be partial; False only when none is."""
    return bool(_STDOUT_PART.search(chunk) or _STDERR_PART.search(chunk))


def runs_of(literal: str) -> list[bytes]:
    """The content stands unchanged, so the whole text does; a newline ends a line and is in no message."""
    return [run for run in literal.encode("utf-8", "ignore").split(b"\n") if run]
