"""Durations, sizes and times as people write them: `15m`, `1Gi`, `2026-11-24T02:16:17Z`."""

from __future__ import annotations

import datetime
import math
import re

DURATION_SECONDS = {
    "ms": 0.001,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
SIZE_BYTES = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1024,
    "mi": 1024**2,
    "gi": 1024**3,
    "ti": 1024**4,
}
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|w)")
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]i?|)b?", re.IGNORECASE)


def parse_duration(value: str | int | float) -> float:
    """Seconds of `15m`, `1h30m`, `500ms` or a bare number of seconds; ValueError says what is right."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no duration; write it like 30s, 15m or 1h30m")
    if not isinstance(value, str):
        return _finite(float(value), value)
    text = value.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError(f"{value!r} is no duration; write it like 30s, 15m or 1h30m")
    return sum(float(number) * DURATION_SECONDS[unit] for number, unit in parts)


def parse_size(value: str | int | float) -> int:
    """Bytes of `64Mi`, `1G`, `1.5Gi` or a bare number of bytes; ValueError says what is right."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError(f"{value!r} is no size; write it like 64Mi, 1Gi or 500M")
    if not isinstance(value, str):
        return int(_finite(float(value), value))
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError(f"{value!r} is no size; write it like 64Mi, 1Gi or 500M")
    return int(float(match[1]) * SIZE_BYTES[match[2].lower()])


def _finite(number: float, shown: object) -> float:
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{shown!r} must be a number that is not negative")
    return number


def parse_time(text: str, now: float) -> float:
    """Seconds since the epoch of an RFC 3339 time, or of a duration before `now`.

    A time without zone is local time, as `date` prints it; `now` stands for itself.
    """
    if text == "now":
        return now
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(
            f"{text!r} is no time; write a duration before now like 15m, or 2026-01-31T12:00:00Z"
        ) from None
    return moment.timestamp()


def format_time(seconds: float) -> str:
    """RFC 3339 in UTC to the microsecond."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_duration(seconds: float) -> str:
    """The shortest exact form: `1h30m`, `15m`, `250ms`."""
    if seconds == 0:
        return "0s"
    text, rest = "", round(seconds * 1000)
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, rest = divmod(rest, size)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def format_age(seconds: float) -> str:
    """About how long, in one unit, as tables show it: `42s`, `5m`, `3h`, `2d`."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return f"{max(0, int(seconds))}s"


def format_size(count: float) -> str:
    """About how much, in a binary unit, as tables show it: `512`, `1.5Ki`, `128Mi`."""
    units = ("", "Ki", "Mi", "Gi", "Ti")
    step = 0
    while count >= 1024 and step < len(units) - 1:
        count /= 1024
        step += 1
    shown = f"{count:.1f}" if step and count < 100 else f"{count:.0f}"
    return shown.removesuffix(".0") + units[step]
