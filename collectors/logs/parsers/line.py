"""A form of text lines as a parser: what the form finds, or the line whole with the parser's name as the error."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from collectors.logs.levels import level_in_text
from collectors.logs.parsers.bounds import MOST_FIELDS, flaw, surely_within
from collectors.logs.parsers.ids import NONE, ids_in_text, may_hold_ids
from collectors.logs.parsers.shape import ids_in
from collectors.logs.parsers.understood import Found, Understood, decoded

NO_MATCH = "not a line of this form"
Reads = Callable[[str], Found | None]


class LineParser:
    """Reads each message with one function. What the function refuses still has the level and ids of a text."""

    def __init__(self, name: str, read: Reads) -> None:
        self.name = name
        self._read = read

    def understand(self, message: bytes) -> Understood:
        """One message."""
        return self._understood(message, True)

    def understand_many(self, messages: Sequence[bytes]) -> list[Understood]:
        """Many, looking once whether any of them may tell a trace."""
        traced = may_hold_ids(b"\n".join(messages))
        return [self._understood(message, traced) for message in messages]

    def _understood(self, message: bytes, traced: bool) -> Understood:
        text, error = decoded(message)
        found = self._read(text)
        in_text = ids_in_text(text) if traced else NONE
        if found is None:
            return self._refused(text, level_in_text(text), in_text, error, NO_MATCH)
        fields, level = found
        trace, span = ids_in(fields)
        ids = (trace or in_text[0], span or in_text[1])
        if (len(fields) > MOST_FIELDS or not surely_within(text)) and (problem := flaw(fields)):
            return self._refused(text, level, ids, error, problem)
        return Understood(text, level, fields, *ids, error)

    def _refused(
        self, text: str, level: str | None, ids: tuple[str | None, str | None], error: str, why: str
    ) -> Understood:
        reason = f"{self.name}: {why}"
        return Understood(text, level, {}, *ids, f"{error}; {reason}" if error else reason)
