"""How much there is: files for a quick estimate, bytes of lines by label for the volume."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from collectors.logs.chain import chain_of
from collectors.logs.journal.choice import in_journal
from collectors.logs.logql import ast
from collectors.logs.logql.metrics import Options
from collectors.logs.logql.quantities import number_text
from collectors.logs.logql.results import Result
from collectors.logs.loki.evaluator import Evaluator
from collectors.logs.loki.query import LokiQuery
from collectors.logs.loki.streams import Chosen, chosen, label_sets, matchers_of
from collectors.logs.times import SECOND

Points: TypeAlias = list[list[Any]]
"""Pairs of a time in seconds and a value as text."""

MAX_VOLUMES = 5000
"""Series that one answer may hold."""
_OPTIONS = Options(max_series=MAX_VOLUMES)
_LINE = 200
"""Bytes of a usual line, by which entries are estimated."""


def index_stats(evaluator: Evaluator) -> dict[str, int]:
    """`/index/stats`: files that were written since `start`, none for output in the journal. Entries are an
    estimate; nothing is read."""
    asked = evaluator.asked
    targets = list(chosen(asked, [matchers_of(asked.query)], asked.start))
    sizes = list(_sizes(targets, asked.start))
    return {
        "streams": sum(len(one.labels) for one in targets),
        "chunks": len(sizes),
        "bytes": sum(sizes),
        "entries": sum(sizes) // _LINE,
    }


def _sizes(targets: Sequence[Chosen], since: int) -> Iterator[int]:
    for one in targets:
        if in_journal(one.target):
            continue  # its files hold the output of all others too
        for sibling in chain_of(one.target.source.path):
            try:
                status = os.stat(sibling.path)
            except OSError:
                continue  # it was rotated away meanwhile
            if status.st_mtime_ns >= since - SECOND:
                yield status.st_size


def volume(evaluator: Evaluator) -> dict[str, Any]:
    """`/index/volume`: bytes between `start` and `end`, the largest first."""
    asked = evaluator.asked
    result = evaluator.at_end(_bytes(asked, max(1, asked.end - asked.start)), _OPTIONS)
    return _told(asked, result, lambda points: {"value": points[0]})


def volume_range(evaluator: Evaluator) -> dict[str, Any]:
    """`/index/volume_range`: the same, step by step."""
    asked = evaluator.asked
    result = evaluator.over_range(_bytes(asked, evaluator.step), _OPTIONS)
    return _told(asked, result, lambda points: {"values": points})


def _bytes(asked: LokiQuery, span: int) -> ast.VectorAggregation:
    """The bytes of lines by the labels that are asked for: those that the selector names, unless told; all of
    them where the volume of each label is asked for."""
    matchers = matchers_of(asked.query)
    names = asked.grouping
    if not names:
        named = {one.name for one in matchers}
        names = sorted({name for one in label_sets(asked) for name in one} if asked.by_labels else named)
    lines = ast.LogRange(ast.LogQuery(matchers), span)
    return ast.VectorAggregation(
        "sum", ast.RangeAggregation("bytes_over_time", lines), grouping=ast.Grouping(labels=tuple(names))
    )


def _told(asked: LokiQuery, result: Result, shown: Callable[[Points], dict[str, Any]]) -> dict[str, Any]:
    found = [(one["metric"], one["values"] if "values" in one else [one["value"]]) for one in result.value]
    if asked.by_labels:
        found = list(_by_label(found))
    found.sort(key=lambda one: -sum(float(value) for _, value in one[1]))
    series = [{"metric": metric, **shown(points)} for metric, points in found[: asked.limit]]
    return {"status": "success", "data": {"resultType": result.kind, "result": series}}


def _by_label(found: Sequence[tuple[dict[str, str], Points]]) -> Iterator[tuple[dict[str, str], Points]]:
    """One series for each label, whatever its value, which is told as an empty one."""
    totals: dict[str, dict[float, float]] = {}
    for metric, points in found:
        for name in metric:
            total = totals.setdefault(name, {})
            for time, value in points:
                total[time] = total.get(time, 0.0) + float(value)
    for name, total in totals.items():
        yield {name: ""}, [[time, number_text(value)] for time, value in sorted(total.items())]
