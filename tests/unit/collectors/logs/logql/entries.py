"""Entries for the tests of queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from collectors.logs.logql.line import Entry, Line

SECOND = 1_000_000_000
WEB: Mapping[str, str] = {"app": "web", "stream": "stdout"}
DB: Mapping[str, str] = {"app": "db", "stream": "stdout"}


def entry(
    line: str,
    *,
    at: float = 0,
    labels: Mapping[str, str] = WEB,
    metadata: Mapping[str, str] | None = None,
) -> Entry:
    """One entry, `at` seconds after the epoch."""
    return Entry(round(at * SECOND), labels, metadata or {}, line, len(line.encode()) + 1)


def each_second(lines: Iterable[str], labels: Mapping[str, str] = WEB) -> list[Entry]:
    """One entry a second, the first at 1 s."""
    return [entry(line, at=number, labels=labels) for number, line in enumerate(lines, 1)]


def line(text: str, **parsed: str) -> Line:
    """A line under way."""
    under_way = Line(entry(text))
    under_way.parsed.update(parsed)
    return under_way
