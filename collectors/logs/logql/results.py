"""Results of queries in the shapes of Loki's API, as plain values for a JSON encoder."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

from collectors.logs.logql import ast
from collectors.logs.logql.logs import LogLine
from collectors.logs.logql.quantities import number_text
from collectors.logs.logql.vector import Labels, Vector

Series: TypeAlias = dict[Labels, list[tuple[int, float]]]


class Result(NamedTuple):
    """`kind` is Loki's `resultType` (streams, matrix, vector, scalar), `value` its `result`."""

    kind: str
    value: list[Any]


def instant(query: ast.Metric, vector: Vector, time: int) -> Result:
    """A scalar, or a vector: by value when the query sorts, else by labels. `time` in ns."""
    if isinstance(query, ast.Scalar):
        return Result("scalar", _point(time, query.value))
    items = list(vector.items())
    if not any(isinstance(node, ast.VectorAggregation) and "sort" in node.op for node in ast.parts(query)):
        items.sort(key=lambda item: sorted(item[0]))
    return Result(
        "vector",
        [{"metric": _metric(labels), "value": _point(time, value)} for labels, value in items],
    )


def matrix(series: Series) -> Result:
    """Series by their labels, each with its points in order."""
    return Result(
        "matrix",
        [
            {"metric": _metric(labels), "values": [_point(time, value) for time, value in series[labels]]}
            for labels in sorted(series, key=sorted)
        ],
    )


def streams(lines: Iterable[LogLine], *, categorize: bool = False) -> Result:
    """Lines by stream, in the order given. With `categorize` (Loki's `categorize-labels`) a stream is named by
    its own labels, and each line has metadata and parsed labels of its own."""
    found: dict[frozenset[tuple[str, str]], tuple[dict[str, str], list[Any]]] = {}
    for line in lines:
        labels = dict(line.labels) if categorize else line.stream()
        _, values = found.setdefault(frozenset(labels.items()), (labels, []))
        value: list[Any] = [str(line.time), line.line]
        if categorize:
            categories = {"structuredMetadata": dict(line.metadata), "parsed": dict(line.parsed)}
            value.append({name: labels for name, labels in categories.items() if labels})
        values.append(value)
    ordered = sorted(found.values(), key=lambda item: sorted(item[0].items()))
    return Result("streams", [{"stream": labels, "values": values} for labels, values in ordered])


def _metric(labels: Labels) -> dict[str, str]:
    return dict(sorted(labels))


def _point(time: int, value: float) -> list[Any]:
    """Seconds, to the millisecond, and the value as text."""
    milliseconds = time // 1_000_000
    seconds = milliseconds // 1000 if milliseconds % 1000 == 0 else milliseconds / 1000
    return [seconds, number_text(value)]
