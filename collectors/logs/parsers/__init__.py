"""How messages are read: one file per form, and the registry of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

from collectors.logs.parsers.understood import Understood
from runtime.linux.errors import DeckwatchError

REGEX = "regex:"
_SHOWN = 60


class Parser(Protocol):
    """Finds in messages what they say of themselves. Never raises: what it cannot read stays whole, with an error."""

    @property
    def name(self) -> str:
        """What the configuration calls it."""
        ...

    def understand(self, message: bytes) -> Understood:
        """One whole message, without its newline."""
        ...

    def understand_many(self, messages: Sequence[bytes]) -> list[Understood]:
        """The same for each of many messages of one container, at less cost."""
        ...


class UnknownParser(DeckwatchError):
    """A name that no parser has."""


@lru_cache(maxsize=256)
def parser_of(name: str) -> Parser:
    """The parser of that name, or of the pattern behind `regex:`.

    Raises UnknownParser for any other name, and BadPattern for a pattern that RE2 cannot read or that names no group.
    """
    from collectors.logs.parsers.regex import regex_parser

    if name.startswith(REGEX):
        return regex_parser(name.removeprefix(REGEX))
    known = _known()
    if name not in known:
        shown = name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…"
        raise UnknownParser(f"unknown parser {shown!r}; known are {', '.join(known)} and {REGEX}PATTERN")
    return known[name]


@lru_cache(maxsize=1)
def _known() -> dict[str, Parser]:
    from collectors.logs.parsers import apache, go, java, klog, logfmt, nginx, python, syslog
    from collectors.logs.parsers.auto import AutoParser
    from collectors.logs.parsers.json import JsonParser
    from collectors.logs.parsers.line import LineParser
    from collectors.logs.parsers.plain import PlainParser

    parsers: list[Parser] = [AutoParser(), PlainParser(), JsonParser()]
    parsers += [
        LineParser(form.NAME, form.read) for form in (logfmt, klog, nginx, apache, syslog, go, java, python)
    ]
    return {parser.name: parser for parser in parsers}
