"""Aggregations over the series of a vector: sum, topk and their like."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable

from collectors.logs.logql.aggregates import Spread
from collectors.logs.logql.ast import Grouping, VectorAggregation
from collectors.logs.logql.vector import Labels, Vector, only, shown, without


def aggregator(node: VectorAggregation) -> Callable[[Vector], Vector]:
    """What makes a vector of a vector. Without a grouping all series are one group."""
    grouping = node.grouping or Grouping()
    if node.op in ("topk", "bottomk"):
        count, sign = node.parameter or 0, -1 if node.op == "topk" else 1
        return lambda vector: _ranked(_groups(vector, grouping), count, sign)
    if node.op in ("sort", "sort_desc"):
        sign = 1 if node.op == "sort" else -1
        return lambda vector: dict(sorted(vector.items(), key=lambda item: _rank(item, sign)))
    reduce = _REDUCTIONS[node.op]
    return lambda vector: {
        labels: reduce([value for _, value in members])
        for labels, members in _groups(vector, grouping).items()
    }


def _groups(vector: Vector, grouping: Grouping) -> dict[Labels, list[tuple[Labels, float]]]:
    kept = without if grouping.without else only
    groups: dict[Labels, list[tuple[Labels, float]]] = {}
    for item in vector.items():
        groups.setdefault(kept(item[0], grouping.labels), []).append(item)
    return groups


def _ranked(groups: dict[Labels, list[tuple[Labels, float]]], count: int, sign: int) -> Vector:
    if count < 1:
        return {}
    chosen: Vector = {}
    for members in groups.values():
        chosen.update(heapq.nsmallest(min(count, len(members)), members, key=lambda item: _rank(item, sign)))
    return chosen


def _rank(item: tuple[Labels, float], sign: int) -> tuple[bool, float, str]:
    """NaN is behind all numbers; equal values stand by their labels."""
    value = item[1]
    return math.isnan(value), 0.0 if math.isnan(value) else sign * value, shown(item[0])


def _average(values: list[float]) -> float:
    mean = 0.0
    for count, value in enumerate(values, 1):
        # A mean that is infinite stays as it is, unless it meets NaN or the other infinity.
        if math.isinf(mean) and (math.isfinite(value) or value == mean):
            continue
        mean += value / count - mean / count
    return mean


def _variance(values: list[float]) -> float:
    spread = Spread()
    for value in values:
        spread.add(0, value)
    return spread.squares / spread.count


def _least(values: list[float]) -> float:
    return min((value for value in values if not math.isnan(value)), default=math.nan)


def _greatest(values: list[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


_REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": _average,
    "min": _least,
    "max": _greatest,
    "count": lambda values: float(len(values)),
    "stddev": lambda values: math.sqrt(_variance(values)),
    "stdvar": _variance,
}
