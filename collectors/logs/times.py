"""RFC 3339 times with up to nine digits of fraction, to and from integer nanoseconds."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

SECOND = 1_000_000_000


@lru_cache(maxsize=256)
def _seconds(text: bytes) -> int:
    if len(text) != 19 or text[10] not in b"Tt":
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return int(datetime.fromisoformat(text.decode("ascii")).replace(tzinfo=UTC).timestamp())


@lru_cache(maxsize=64)
def _offset(text: bytes) -> int:
    if len(text) != 6 or text[:1] not in (b"+", b"-") or text[3:4] != b":":
        raise ValueError(f"not an RFC 3339 offset: {text!r}")
    seconds = int(text[1:3]) * 3600 + int(text[4:6]) * 60
    return -seconds if text[:1] == b"-" else seconds


def parse(text: bytes) -> int:
    """Nanoseconds since the epoch; raises ValueError when it is no RFC 3339 time.

    The fraction may have any width (Go cuts trailing zeros), the zone is `Z` or `±hh:mm`.
    """
    seconds = _seconds(text[:19])
    if text[-1:] in (b"Z", b"z"):
        fraction = text[19:-1]
    else:
        seconds -= _offset(text[-6:])
        fraction = text[19:-6]
    if not fraction:
        return seconds * SECOND
    if fraction[:1] != b"." or not fraction[1:].isdigit():
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return seconds * SECOND + int(fraction[1:10].ljust(9, b"0"))


@lru_cache(maxsize=256)
def _text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


def render(time: int) -> str:
    """The time in UTC with nine digits, as every record carries it."""
    seconds, rest = divmod(time, SECOND)
    return f"{_text(seconds)}.{rest:09d}Z"
