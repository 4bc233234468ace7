"""One JSON object per message, as structured loggers print them: its members are the fields, as they are.

Of a member that stands twice the last one counts. Source: RFC 8259; numbers beyond a double are no JSON here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from collectors.logs.levels import level_in_text, normalised
from collectors.logs.parsers.bounds import flaw, surely_within
from collectors.logs.parsers.ids import NONE, first_of, ids_in_text, usual_ids
from collectors.logs.parsers.shape import shape_of
from collectors.logs.parsers.understood import Understood, decoded

NAME = "json"
BLANKS = frozenset(" \t\r\n")
"""What may stand before an object."""


def object_in(text: str) -> dict[str, Any] | None:
    """The object that a text is; None for any other text."""
    if text[:1] != "{" and not text.lstrip(" \t\r\n").startswith("{"):
        return None
    try:
        found: dict[str, Any] = orjson.loads(text)
    except ValueError:  # includes a lone surrogate, which no message has
        return None
    return found


def of_object(text: str, fields: dict[str, Any], error: str = "") -> Understood:
    """What an object tells. Beyond the bounds its fields are left out, and the error says which bound."""
    levels, usual, traces, spans = shape_of(fields)
    level = None
    for key in levels:
        if level := normalised(fields[key]):
            break
    trace, span = usual_ids(fields[usual[0]], fields[usual[1]]) if usual else NONE
    if trace is None and (traces or spans):
        trace, span = first_of(traces, fields), first_of(spans, fields)
    if not surely_within(text) and (problem := flaw(fields)):
        return Understood(text, level, {}, trace, span, f"{NAME}: {problem}")
    return Understood(text, level, fields, trace, span, error)


class JsonParser:
    """Reads objects; any other message stays whole, with an error."""

    name = NAME

    def understand(self, message: bytes) -> Understood:
        """One message."""
        text, error = decoded(message)
        fields = object_in(text)
        if fields is not None:
            return of_object(text, fields, error)
        reason = f"{NAME}: not one object"
        return Understood(
            text, level_in_text(text), {}, *ids_in_text(text), f"{error}; {reason}" if error else reason
        )

    def understand_many(self, messages: Sequence[bytes]) -> list[Understood]:
        """Many."""
        return [self.understand(message) for message in messages]
