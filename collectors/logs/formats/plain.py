"""Plain text, as programs write it that log to files: each line an entry of its own.

The time is the one that the line begins with (RFC 3339 and its kin, syslog, epoch), or that a JSON or logfmt line has
in front. A time without a zone is the host's; one without a year is of the last twelve months. What has no time is
refused by `parse`, and is an entry all the same: with the time of the line before it.
"""

from __future__ import annotations

import re
import time as clock
from collections import Counter
from datetime import UTC, datetime
from functools import lru_cache

from collectors.logs.entry import Entry
from collectors.logs.formats import Line, Tally
from collectors.logs.formats.cri import runs_of as runs_of
from collectors.logs.framing import NEWLINES, Framing
from collectors.logs.levels import HINT, UNKNOWN, level_of
from collectors.logs.times import SECOND

framing: Framing = NEWLINES
foreign = ""
timed = False

_DATE = rb"(?P<date>\d{4}[-/]\d\d[-/]\d\d)[T ](?P<clock>\d\d:\d\d:\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_ZONE = rb"(?: ?(?P<zone>Z|UTC|[+-]\d\d:?\d\d))?"
_SYSLOG = rb"(?P<syslog>[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d)(?:\.(?P<beyond>\d{1,9}))?"
_EPOCH = rb"(?P<epoch>[1-4]\d{9}(?:\d{3}|\d{6}|\d{9})?)(?:\.(?P<part>\d{1,9}))?"
_NUMBER = rb"(?:<\d{1,3}>(?:\d{1,2} )?)?"
_KEY = rb"@?time(?:stamp)?|ts"
_TIME = rb"(?:" + _DATE + _ZONE + rb"|" + _SYSLOG + rb"|" + _EPOCH + rb"(?![.:/-]*\w))(?!\w)"
_BEGINS = re.compile(rb"[\[(]?" + _NUMBER + rb'(?:(?:time|ts)="?)?' + _TIME)
_MEMBER = re.compile(rb'"(?:' + _KEY + rb')" ?: ?"?' + _TIME)
_FRONT = 512
_DAY = 86400
_UNITS = {10: SECOND, 13: 1_000_000, 16: 1000, 19: 1}
_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


def parse(line: bytes) -> Line | None:
    """One line without its newline; None when it does not tell its time."""
    time = time_of(line, clock.time())
    return None if time is None else Line(time, "stdout", False, line)


def whole(chunk: bytes, key: bytes, offset: int) -> list[Entry] | None:
    """There is no quicker way than line by line."""
    return None


def behind(line: bytes) -> Line | None:
    """The line behind a hole of NUL bytes, as a truncated file gets whose writer kept its offset."""
    return parse(line.lstrip(b"\0")) if line[:1] == b"\0" else None


def time_of(line: bytes, now: float) -> int | None:
    """The time that a line tells, in ns; `now`, in epoch seconds, tells the year of one that has none."""
    front = line[:_FRONT]
    found = _MEMBER.search(front) if front[:1] == b"{" else _BEGINS.match(front)
    if found is None:
        return None
    try:
        return _nanoseconds(found, now)
    except (ValueError, OverflowError):
        return None


def tally(chunk: bytes) -> Tally | None:
    """Counts of whole lines; the time is the last that one tells, 0 when none does."""
    if b"\0" in chunk:
        return None
    lines = framing.records(chunk)
    now = clock.time()
    times = (time for line in reversed(lines) if (time := time_of(line, now)) is not None)
    return Tally({"stdout": len(chunk)}, {"stdout": len(lines)}, _levels(chunk, lines), next(times, 0))


def may_hold_partials(chunk: bytes) -> bool:
    """No line is a part of one."""
    return False


def _levels(chunk: bytes, lines: list[bytes]) -> dict[str, int]:
    if not HINT.search(chunk):
        return {UNKNOWN: len(lines)}
    return dict(Counter([level_of(line) or UNKNOWN for line in lines]))


def _nanoseconds(found: re.Match[bytes], now: float) -> int:
    date, hours, fraction, zone, syslog, beyond, epoch, part = found.group(
        "date", "clock", "fraction", "zone", "syslog", "beyond", "epoch", "part"
    )
    if date:
        return _seconds(date, hours, zone) * SECOND + _fraction(fraction)
    if syslog:
        return _of_the_last_year(syslog, int(now) // _DAY) * SECOND + _fraction(beyond)
    unit = _UNITS[len(epoch)]
    return int(epoch) * unit + _fraction(part) * unit // SECOND


def _fraction(digits: bytes | None) -> int:
    return int((digits or b"").ljust(9, b"0"))


@lru_cache(maxsize=256)
def _seconds(date: bytes, hours: bytes, zone: bytes | None) -> int:
    """Epoch seconds; without a zone the host's counts."""
    moment = datetime.fromisoformat(f"{date.decode().replace('/', '-')}T{hours.decode()}")
    if zone is None:
        return int(moment.timestamp())
    offset = 0
    if zone not in (b"Z", b"UTC"):
        offset = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return int(moment.replace(tzinfo=UTC).timestamp()) - (-offset if zone[:1] == b"-" else offset)


@lru_cache(maxsize=256)
def _of_the_last_year(text: bytes, day: int) -> int:
    """Epoch seconds of a time without a year: the last such moment, clocks that run a day ahead allowed for."""
    latest = (day + 2) * _DAY
    month = _MONTHS.index(text[:3]) + 1
    for year in range(datetime.fromtimestamp(latest).year, 1970, -1):
        try:
            moment = datetime.fromisoformat(
                f"{year:04d}-{month:02d}-{int(text[4:6]):02d}T{text[7:].decode()}"
            ).timestamp()
        except ValueError:
            if text[:6] != b"Feb 29":
                raise
            continue
        if moment <= latest:
            return int(moment)
    raise ValueError(f"no such time: {text!r}")
