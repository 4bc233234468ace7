"""The streams of this host, and which of them selectors choose."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from collectors.logs.judge import STREAMS
from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.matchers import selector
from collectors.logs.logql.parser import parse
from collectors.logs.loki.query import LokiQuery
from collectors.logs.loki_labels import stream_labels
from collectors.logs.record import LogTarget
from collectors.logs.times import SECOND

Meets = Callable[[Mapping[str, str]], bool]


class Chosen(NamedTuple):
    """A container and the labels of those of its streams that are asked for, by `stdout` and `stderr`."""

    target: LogTarget
    labels: dict[str, dict[str, str]]


def chosen(
    query: LokiQuery, selectors: Iterable[tuple[ast.Matcher, ...]] | None, since: int
) -> Iterator[Chosen]:
    """The containers of which a stream meets one of the selectors, all of them without any, and that did not end
    before `since`."""
    judges = None if selectors is None else [selector(matchers) for matchers in selectors]
    for target in query.targets:
        streams = {
            stream: labels
            for stream in STREAMS
            if _meets(labels := stream_labels(target, stream, query.node, query.external_labels), judges)
        }
        if streams and _printed_since(target, since):
            yield Chosen(target, streams)


def label_sets(query: LokiQuery) -> list[dict[str, str]]:
    """The labels of all streams that `query` or one of `selectors` chooses, each once."""
    texts = [text for text in (query.query, *query.selectors) if text]
    matchers = [matchers_of(text) for text in texts] if texts else None
    found = {
        tuple(sorted(labels.items())): labels
        for one in chosen(query, matchers, query.start)
        for labels in one.labels.values()
    }
    return [found[key] for key in sorted(found)]


def matchers_of(text: str) -> tuple[ast.Matcher, ...]:
    """The matchers of a selector, which may have stages behind it; raises LogQLError for a metric query."""
    if text.replace(" ", "") == "{}":
        return ()
    parsed = parse(text)
    if not isinstance(parsed, ast.LogQuery):
        raise LogQLError('only a selector such as {container="web"} is accepted here')
    return parsed.matchers


def _meets(labels: Mapping[str, str], judges: list[Meets] | None) -> bool:
    return judges is None or any(meets(labels) for meets in judges)


def _printed_since(target: LogTarget, since: int) -> bool:
    """Not one that ended before."""
    if not target.finished:
        return True
    try:
        return os.stat(target.source.path).st_mtime_ns >= since - SECOND
    except OSError:
        return True
