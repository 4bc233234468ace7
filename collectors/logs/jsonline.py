"""Records as JSON, one line each, in the form that the API, the command line and the sinks share."""

from __future__ import annotations

from typing import Any

import orjson

from collectors.logs.batch import Record
from collectors.logs.record import LogTarget
from collectors.logs.times import render


class JsonLines:
    """Makes the lines of one container; what does not change is rendered once."""

    def __init__(self, target: LogTarget) -> None:
        self._container = orjson.Fragment(orjson.dumps(target.container))

    def line(self, record: Record) -> bytes:
        """One JSON line without its newline; what is not known is left out."""
        return orjson.dumps(self.mapping(record))

    def mapping(self, record: Record) -> dict[str, Any]:
        """The members of the line, for whoever adds some."""
        found: dict[str, Any] = {"time": render(record.time), "stream": record.stream}
        if record.level:
            found["level"] = record.level
        found["message"] = record.message
        if record.fields:
            found["fields"] = record.fields
        if record.trace_id:
            found["trace_id"] = record.trace_id
        if record.span_id:
            found["span_id"] = record.span_id
        if record.run is not None:
            found["run"] = record.run
        found["container"] = self._container
        found["uid"] = record.uid
        return found
