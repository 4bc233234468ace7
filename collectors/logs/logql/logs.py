"""Evaluation of a log query: entries in, wanted entries out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from collectors.logs.logql.ast import LogQuery
from collectors.logs.logql.line import DETAILS, ERROR, Entry, Line
from collectors.logs.logql.pipeline import Pipeline


class LogLine(NamedTuple):
    """An entry that a query wants: its labels by where they come from, and the line as the query made it."""

    time: int
    labels: Mapping[str, str]
    metadata: Mapping[str, str]
    parsed: Mapping[str, str]
    line: str

    def stream(self) -> dict[str, str]:
        """All labels in one, as Loki names a stream whose labels are not told apart."""
        return {**self.labels, **self.metadata, **self.parsed}


def evaluate(query: LogQuery, entries: Iterable[Entry]) -> Iterator[LogLine]:
    """The entries that a query wants, in the order in which they come: it holds none back."""
    run = Pipeline(query).run
    for entry in entries:
        line = run(entry)
        if line is not None:
            yield told(line)


def told(line: Line) -> LogLine:
    """A line as the stages left it, its labels by where they come from."""
    labels, metadata, parsed = line.stream, line.metadata, line.parsed
    if line.gone:
        labels = {name: value for name, value in labels.items() if name not in line.gone}
        metadata = {name: value for name, value in metadata.items() if name not in line.gone}
    if line.error:
        parsed[ERROR] = line.error
        parsed[DETAILS] = line.details
    return LogLine(line.time, labels, metadata, parsed, line.text)
