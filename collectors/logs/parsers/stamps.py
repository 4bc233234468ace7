"""Times as programs write them, to nanoseconds since the epoch.

A time without a zone is taken as UTC, which containers run in unless told otherwise. One without a year (klog,
RFC 3164) stays the text it is: which year it was cannot be known from the message.
"""

from __future__ import annotations

import calendar
import re
from typing import Any

KEYS = ("time", "timestamp", "@timestamp", "ts", "datetime", "asctime", "t")

_SECOND = 1_000_000_000
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_ZONE = r"\s?(?P<zone>Z|z|UTC|GMT|[+-]\d\d:?\d\d)?"
_CLOCK = r"(?P<hour>\d{1,2}):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
_FORMS = tuple(
    re.compile(form, re.A)
    for form in (
        # 2026-11-24T02:16:17.123456789Z, 2026-11-24 02:16:17,123 +0000, 2026/11/24 02:16:17, 20261124 02:16:17.1
        rf"(?P<year>\d{{4}})[-/]?(?P<month>\d\d)[-/]?(?P<day>\d\d)[Tt ]{_CLOCK}{_ZONE}",
        # 24/Nov/2026:02:16:17 +0000, 24-Nov-2026 02:16:17.123
        rf"(?P<day>\d\d)[-/](?P<name>[A-Z][a-z][a-z])[-/](?P<year>\d{{4}})[: ]{_CLOCK}{_ZONE}",
        # Tue Nov 24 02:16:17.123456 2026
        rf"[A-Z][a-z][a-z] (?P<name>[A-Z][a-z][a-z]) {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK} (?P<year>\d{{4}})",
        # Nov 24, 2026 2:16:17 AM
        rf"(?P<name>[A-Z][a-z][a-z]) (?P<day>\d{{1,2}}), (?P<year>\d{{4}}),? {_CLOCK}\s(?P<half>[AP]M)",
    )
)
# Epoch times by their size: seconds until the year 5138, then milli-, micro- and nanoseconds.
_UNITS = ((10**8, 10**11, _SECOND), (10**11, 10**14, 10**6), (10**14, 10**17, 10**3), (10**17, 2**63, 1))
_LONGEST = 64


def time_in(fields: dict[str, Any]) -> int | None:
    """The time that a message's fields tell."""
    for key in KEYS:
        if key in fields and (time := time_of(fields[key])) is not None:
            return time
    return None


def time_of(value: Any) -> int | None:
    """Nanoseconds since the epoch of a time as text or as an epoch number; None for what is none."""
    if isinstance(value, str):
        return _of_text(value) if len(value) <= _LONGEST else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((int(value * unit) for low, high, unit in _UNITS if low <= value < high), None)


def _of_text(text: str) -> int | None:
    for form in _FORMS:
        if found := form.fullmatch(text):
            return _nanoseconds(found.groupdict())
    return None


def _nanoseconds(part: dict[str, str | None]) -> int | None:
    month = _MONTHS.get(part.get("name") or "", 0) or int(part.get("month") or 0)
    hour = int(part["hour"] or 0)
    if half := part.get("half"):
        hour = hour % 12 + (12 if half == "PM" else 0)
    numbers = (int(part["year"] or 0), month, int(part["day"] or 0), hour, int(part["minute"] or 0))
    second = int(part["second"] or 0)
    if not _exists(*numbers, second):
        return None
    seconds = calendar.timegm((*numbers, second)) - _offset(part.get("zone") or "Z")
    return seconds * _SECOND + int((part["fraction"] or "").ljust(9, "0"))


def _exists(year: int, month: int, day: int, hour: int, minute: int, second: int) -> bool:
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return False
    return hour < 24 and minute < 60 and second <= 60


def _offset(zone: str) -> int:
    """Seconds east of UTC."""
    if zone[0] not in "+-":
        return 0
    seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
    return -seconds if zone[0] == "-" else seconds
