from __future__ import annotations

import math

import pytest

from collectors.logs.logql.aggregation import aggregator
from collectors.logs.logql.ast import Grouping, VectorAggregation
from collectors.logs.logql.ast import Vector as VectorNode
from collectors.logs.logql.vector import Labels, Vector, labels_of


def of(**labels: str) -> Labels:
    return labels_of(labels)


VECTOR: Vector = {
    of(app="a", pod="1"): 4.0,
    of(app="a", pod="2"): 1.0,
    of(app="b", pod="1"): 3.0,
    of(app="b", pod="2"): 3.0,
}


def aggregated(
    op: str, parameter: int | None = None, grouping: Grouping | None = None, vector: Vector = VECTOR
) -> Vector:
    return aggregator(VectorAggregation(op, VectorNode(1), parameter, grouping))(vector)


@pytest.mark.parametrize(
    ("op", "first", "second"),
    [
        ("sum", 5, 6),
        ("avg", 2.5, 3),
        ("min", 1, 3),
        ("max", 4, 3),
        ("count", 2, 2),
        ("stddev", 1.5, 0),
        ("stdvar", 2.25, 0),
    ],
)
def test_groups(op: str, first: float, second: float) -> None:
    expected = {of(app="a"): first, of(app="b"): second}
    assert aggregated(op, None, Grouping(False, ("app",))) == expected
    assert aggregated(op, None, Grouping(True, ("pod",))) == expected


def test_without_a_grouping_all_is_one() -> None:
    assert aggregated("sum") == {of(): 11}
    assert aggregated("sum", None, Grouping(True, ())) == VECTOR
    assert aggregated("sum", vector={}) == {}


def test_the_first_by_value() -> None:
    assert list(aggregated("topk", 2).items()) == [(of(app="a", pod="1"), 4), (of(app="b", pod="1"), 3)]
    assert list(aggregated("bottomk", 2)) == [of(app="a", pod="2"), of(app="b", pod="1")]
    assert set(aggregated("topk", 1, Grouping(False, ("pod",)))) == {
        of(app="a", pod="1"),
        of(app="b", pod="2"),
    }
    assert aggregated("topk", 0) == {}
    assert aggregated("topk", 9) == VECTOR


def test_sorting() -> None:
    assert list(aggregated("sort").values()) == [1, 3, 3, 4]
    assert list(aggregated("sort_desc").values()) == [4, 3, 3, 1]


def test_nan_is_behind_all_numbers() -> None:
    vector = {of(a="1"): math.nan, of(a="2"): 1.0}
    assert aggregated("max", vector=vector) == {of(): 1}
    assert aggregated("min", vector=vector) == {of(): 1}
    assert list(aggregated("topk", 1, vector=vector)) == [of(a="2")]
    assert math.isnan(aggregated("max", vector={of(): math.nan})[of()])


@pytest.mark.parametrize("values", [(math.inf, 1.0), (math.inf, math.inf), (-math.inf, 1.0, -math.inf)])
def test_an_infinite_average_stays(values: tuple[float, ...]) -> None:
    vector = {of(a=str(index)): value for index, value in enumerate(values)}
    assert aggregated("avg", vector=vector) == {of(): values[0]}


@pytest.mark.parametrize("values", [(math.inf, 1.0, math.nan), (math.inf, 1.0, -math.inf)])
def test_until_it_means_nothing_any_more(values: tuple[float, ...]) -> None:
    vector = {of(a=str(index)): value for index, value in enumerate(values)}
    assert math.isnan(aggregated("avg", vector=vector)[of()])
