"""What a message says about itself: level, fields, trace and span, its own time."""

from __future__ import annotations

from collections.abc import Sequence

from collectors.logs.parsers import Parser, parser_of
from collectors.logs.parsers.understood import Understood
from collectors.logs.rule import AUTO

__all__ = ["Understood", "understand", "understand_many"]


def understand(message: bytes, parser: Parser | None = None) -> Understood:
    """What a whole message tells, read by a parser; by what it looks like when none is given."""
    return (parser or parser_of(AUTO)).understand(message)


def understand_many(messages: Sequence[bytes], parser: Parser | None = None) -> list[Understood]:
    """The same for many messages of one container, in their order, at less cost."""
    return (parser or parser_of(AUTO)).understand_many(messages)
