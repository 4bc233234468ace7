"""A log query over records as they are printed."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from collectors.logs.judge import STREAMS
from collectors.logs.logql import ast, logs
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.logs import LogLine
from collectors.logs.logql.matchers import selector
from collectors.logs.logql.parser import parse
from collectors.logs.logql.pipeline import Pipeline
from collectors.logs.logql.plan import plan
from collectors.logs.loki.entries import escaped, told
from collectors.logs.loki_labels import stream_labels, stream_metadata
from collectors.logs.record import LogTarget
from collectors.logs.times import parse as parse_time


class _Container(msgspec.Struct):
    id: str = ""
    engine_id: str = ""


class _Record(msgspec.Struct):
    """What a record's JSON line says."""

    time: str
    stream: str
    message: str
    uid: str
    container: _Container
    level: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    run: int | None = None


_record = msgspec.json.Decoder(_Record)


class Live:
    """Raises LogQLError for what is no log query."""

    def __init__(self, query: str, node: str, external: Mapping[str, str]) -> None:
        parsed = parse(query)
        if not isinstance(parsed, ast.LogQuery):
            raise LogQLError("only a log query can be followed")
        self._run = Pipeline(parsed).run
        self._selects = selector(parsed.matchers)
        self._node, self._external = node, external
        self._targets: dict[str, LogTarget] = {}
        self._labels: dict[tuple[str, str], dict[str, str]] = {}
        literal = max(plan(parsed).literals(), key=len, default=None)
        self.grep = None if literal is None else escaped(literal)
        """An RE2 pattern that each wanted message matches; None when none is known."""

    def matches(self, target: LogTarget) -> bool:
        """Whether one of a container's streams is chosen; if so its records are understood from now on."""
        labels = [stream_labels(target, stream, self._node, self._external) for stream in STREAMS]
        if not any(map(self._selects, labels)):
            return False
        self._targets[target.id] = target
        self._labels |= {(target.id, stream): one for stream, one in zip(STREAMS, labels, strict=True)}
        return True

    def line(self, record: bytes) -> LogLine | None:
        """The line of a record's JSON line; None when it is not wanted."""
        found = _record.decode(record)
        id = found.container.id or found.container.engine_id
        labels = self._labels.get((id, found.stream))
        if labels is None:
            return None
        metadata = {**stream_metadata(self._targets[id]), **told(found, found.run, found.uid)}
        time = parse_time(found.time.encode())
        line = self._run(Entry(time, labels, metadata, found.message, len(found.message)))
        return None if line is None else logs.told(line)
