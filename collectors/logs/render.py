"""Entries as records: one JSON line each, as the API, the command line and the sinks give them."""

from __future__ import annotations

import bisect
from typing import Any

import orjson

from collectors.logs.entry import Entry
from collectors.logs.parse import understand
from collectors.logs.record import LogTarget
from collectors.logs.times import render
from collectors.logs.uid import uid_of

PARTIAL = "deckwatch_partial"
ERROR = "deckwatch_error"


class Renderer:
    """Makes the records of one container; what does not change is rendered once."""

    def __init__(self, target: LogTarget) -> None:
        self._container = orjson.Fragment(orjson.dumps(target.container))
        self._numbers = [run for run, _ in target.runs]
        self._starts = [int(started * 1e9) for _, started in target.runs]

    def run_at(self, time: int) -> int | None:
        """The run that was under way at a time in ns; the first for what is older; None when unknown."""
        if not self._starts:
            return None
        return self._numbers[max(0, bisect.bisect_right(self._starts, time) - 1)]

    def record(self, entry: Entry) -> bytes:
        """One JSON line without its newline; what is not known is left out."""
        understood = understand(entry.message)
        fields = understood.fields
        if error := entry.error or understood.error:
            fields = {**fields, ERROR: error}
        if entry.partial:
            fields = {**fields, PARTIAL: True}
        record: dict[str, Any] = {"time": render(entry.time), "stream": entry.stream}
        if understood.level:
            record["level"] = understood.level
        record["message"] = understood.message
        if fields:
            record["fields"] = fields
        if understood.trace_id:
            record["trace_id"] = understood.trace_id
        run = self.run_at(entry.time)
        if run is not None:
            record["run"] = run
        record["container"] = self._container
        record["uid"] = uid_of(entry.key, entry.offset)
        return orjson.dumps(record)
