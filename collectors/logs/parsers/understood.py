"""What a message says of itself."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from collectors.logs.parsers.stamps import time_in


class Understood(msgspec.Struct, frozen=True, gc=False):
    """A whole message as text, and what it tells of itself.

    `message` is never shortened: what a parser finds in it stands in `fields`. `level` is one of LEVELS,
    `trace_id` 16 or 32 and `span_id` 16 hexadecimal digits in lower case. `error` says what was wrong with the
    bytes, or which parser could not read the message and why; then `fields` is empty.
    """

    message: str
    level: str | None
    fields: dict[str, Any]
    trace_id: str | None
    span_id: str | None
    error: str

    @property
    def time(self) -> int | None:
        """The message's own time in ns since the epoch, read from its fields when asked for."""
        return time_in(self.fields)


class Found(NamedTuple):
    """What a form finds in a text: its fields, in the order of the text, and the level it means."""

    fields: dict[str, Any]
    level: str | None


def decoded(message: bytes) -> tuple[str, str]:
    """A message as text, and what was wrong with it: bytes that are no UTF-8 are replaced."""
    try:
        return message.decode(), ""
    except UnicodeDecodeError:
        return message.decode("utf-8", "replace"), "invalid UTF-8"
