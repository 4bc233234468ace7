"""What a message says about itself: level, fields of a JSON object, trace id."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from collectors.logs.levels import fields_of, level_in, level_in_text

_TRACE_KEYS = ("trace_id", "traceId", "traceID", "trace.id", "TraceId")
_TRACE = re.compile(
    rb"""trace[_.-]?id["']?\s*[=:]\s*["']?([0-9a-fA-F]{16,32})\b|\b00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}\b""",
    re.I,
)


class Understood(NamedTuple):
    """A message as text, what it tells of itself, and what was wrong with its bytes."""

    message: str
    level: str | None
    fields: dict[str, Any]
    trace_id: str | None
    error: str


def understand(message: bytes) -> Understood:
    """Level, fields and trace id of a whole message. Bytes that are no UTF-8 are replaced, and that is told."""
    try:
        text, error = message.decode(), ""
    except UnicodeDecodeError:
        text, error = message.decode("utf-8", "replace"), "invalid UTF-8"
    fields = fields_of(message)
    if fields:
        return Understood(text, level_in(fields), fields, _trace_in(fields), error)
    return Understood(text, level_in_text(message), {}, _trace_in_text(message), error)


def _trace_in(fields: dict[str, Any]) -> str | None:
    for key in _TRACE_KEYS:
        value = fields.get(key)
        if isinstance(value, str) and value:
            return value
    return None


def _trace_in_text(message: bytes) -> str | None:
    if not any((b"race" in message, b"RACE" in message, b"00-" in message)):
        return None
    found = _TRACE.search(message)
    return (found[1] or found[2]).decode().lower() if found else None
