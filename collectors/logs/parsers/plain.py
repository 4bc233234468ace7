"""No fields: the message as it is, with the level and the ids that any text may tell."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.levels import HINT, level_of
from collectors.logs.parsers.ids import NONE, ids_in_text, may_hold_ids
from collectors.logs.parsers.understood import Understood, decoded

NAME = "none"


class PlainParser:
    """Finds no fields."""

    name = NAME

    def understand(self, message: bytes) -> Understood:
        """One message."""
        return _understood(message, True, True)

    def understand_many(self, messages: Sequence[bytes]) -> list[Understood]:
        """Many, looking once whether any of them may tell a level or a trace."""
        joined = b"\n".join(messages)
        levelled, traced = bool(HINT.search(joined)), may_hold_ids(joined)
        return [_understood(message, levelled, traced) for message in messages]


def _understood(message: bytes, levelled: bool, traced: bool) -> Understood:
    text, error = decoded(message)
    trace, span = ids_in_text(text) if traced else NONE
    return Understood(text, level_of(message) if levelled else None, {}, trace, span, error)
