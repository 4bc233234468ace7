"""A pattern of one's own: RE2 with named groups, each a field.

`level` or `severity`, `time`, `trace_id` and `span_id` mean what they say; `message` is a field like the others,
since a record's message stays whole.
"""

from __future__ import annotations

from typing import Any

import re2

from collectors.logs.levels import level_in_text, normalised
from collectors.logs.parsers.line import LineParser
from collectors.logs.parsers.understood import Found
from collectors.logs.parsers.values import typed
from runtime.linux.errors import DeckwatchError

NAME = "regex"
LONGEST = 4096
_MEMORY = 8 << 20
_LEVELS = ("level", "severity")
_TEXTS = frozenset(("message", "time", "trace_id", "span_id", *_LEVELS))


class BadPattern(DeckwatchError):
    """A pattern that cannot be used as a parser."""


def regex_parser(pattern: str) -> LineParser:
    """The parser of a pattern; raises BadPattern when RE2 cannot read it or it names no group."""
    compiled = _compiled(pattern)
    names: list[tuple[str, int]] = [(name.decode(), index) for name, index in compiled.groupindex.items()]
    if not names:
        raise BadPattern(f"the pattern {pattern!r} names no field; write groups as (?P<name>…)")

    def read(text: str) -> Found | None:
        found = compiled.search(text.encode("utf-8", "replace"))
        if found is None:
            return None
        groups = {name: found[index] for name, index in names}
        fields = {name: _value(name, value) for name, value in groups.items() if value is not None}
        return Found(fields, _level(fields) or level_in_text(text))

    return LineParser(NAME, read)


def _compiled(pattern: str) -> Any:
    if len(pattern) > LONGEST:
        raise BadPattern(f"the pattern {pattern[:60]!r}… is longer than {LONGEST} characters; shorten it")
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error as error:
        text = error.args[0] if error.args else ""
        reason = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        raise BadPattern(f"cannot read the pattern {pattern!r}: {reason}; RE2 syntax is expected") from error


def _value(name: str, value: bytes) -> str | int | float | bool:
    text = value.decode("utf-8", "replace")
    return text if name in _TEXTS else typed(text)


def _level(fields: dict[str, Any]) -> str | None:
    return next((level for name in _LEVELS if (level := normalised(fields.get(name)))), None)
