"""Entries as records: one JSON line each, as the API, the command line and the sinks give them."""

from __future__ import annotations

from collectors.logs.entry import Entry
from collectors.logs.jsonline import JsonLines
from collectors.logs.parse import understand
from collectors.logs.parsers import parser_of
from collectors.logs.pipeline import Runs, record_of
from collectors.logs.record import LogTarget
from collectors.logs.uid import uid_of


class Renderer:
    """Makes the lines of one container's entries, which are redacted already; what does not change is rendered once."""

    def __init__(self, target: LogTarget) -> None:
        self._lines = JsonLines(target)
        self._parser = parser_of(target.rule.parser)
        self._runs = Runs(target)

    def record(self, entry: Entry) -> bytes:
        """One JSON line without its newline; what is not known is left out."""
        understood = understand(entry.message, self._parser)
        uid = uid_of(entry.key, entry.offset)
        return self._lines.line(record_of(entry, understood, self._runs.at(entry.time), uid))
