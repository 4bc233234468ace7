from __future__ import annotations

import math
import random

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.aggregates import quantile
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.parser import parse
from collectors.logs.logql.ranges import SERIES_FACTOR, RangeSeries, Steps, absent_labels
from collectors.logs.logql.vector import Vector, labels_of
from tests.unit.collectors.logs.logql.entries import DB, SECOND, WEB, entry


def series(query: str, steps: Steps, max_series: int = 500) -> RangeSeries:
    node = parse(query)
    assert isinstance(node, ast.RangeAggregation)
    return RangeSeries(node, node.grouping, steps, hidden=(), max_series=max_series)


def seconds(start: int, step: int, number: int) -> Steps:
    return Steps(start * SECOND, step * SECOND, number)


def test_steps() -> None:
    steps = Steps(100, 10, 5)
    assert steps.end == 140
    assert [steps.time(index) for index in (0, 4)] == [100, 140]
    assert [steps.since(time) for time in (90, 91, 100, 101, 110)] == [-1, 0, 0, 1, 1]


def test_a_window_is_open_at_its_beginning_and_closed_at_its_end() -> None:
    leaf = series('count_over_time({app="web"}[10s])', seconds(20, 10, 2))
    for at in (10, 10.5, 20, 20.5, 30, 30.5):
        leaf.add(entry("x", at=at))
    leaf.finish()
    assert list(leaf.ready) == [{labels_of(WEB): 2.0}, {labels_of(WEB): 2.0}]


def test_a_step_is_complete_as_soon_as_a_later_entry_comes() -> None:
    leaf = series('count_over_time({app="web"}[10s])', seconds(10, 10, 3))
    assert not leaf.add(entry("x", at=10))
    assert not leaf.ready
    assert leaf.add(entry("x", at=10.1, labels=DB))
    assert list(leaf.ready) == [{labels_of(WEB): 1.0}]
    assert leaf.add(entry("x", at=99))
    assert list(leaf.ready)[1:] == [{}, {}]


def test_an_offset_moves_the_window() -> None:
    for offset, at in (("5s", 5), ("-5s", 15)):
        leaf = series(f'count_over_time({{app="web"}}[2s] offset {offset})', seconds(10, 1, 1))
        for moved in (-2, -1, 0, 1):
            leaf.add(entry("x", at=at + moved))
        leaf.finish()
        assert list(leaf.ready) == [{labels_of(WEB): 2.0}]


def test_absence_has_the_labels_of_the_selector() -> None:
    leaf = series(
        'absent_over_time({app="web", pod=~"x", stream="stdout", stream!="y"}[1s])', seconds(1, 1, 2)
    )
    leaf.add(entry("x", at=1, labels={**WEB, "pod": "x"}))
    leaf.finish()
    assert list(leaf.ready) == [{}, {frozenset({("app", "web")}): 1.0}]
    assert absent_labels((ast.Matcher("a", "!=", "b"),)) == frozenset()


def test_series_under_way_are_bounded() -> None:
    leaf = series('count_over_time({app=~".+"}[1m])', seconds(60, 60, 1), max_series=2)
    with pytest.raises(LogQLError, match=r"maximum of series \(40\)"):
        for number in range(2 * SERIES_FACTOR + 1):
            leaf.add(entry("x", at=1, labels={"app": str(number)}))


def test_labels_under_way_are_bounded() -> None:
    leaf = series('count_over_time({app=~".+"}[1m])', seconds(60, 60, 1))
    with pytest.raises(LogQLError, match="too long"):
        for number in range(100):
            leaf.add(entry("x", at=1, labels={"app": f"{number}" + "x" * 1_000_000}))


def test_series_of_the_past_are_forgotten() -> None:
    leaf = series('count_over_time({app=~".+"}[1s])', seconds(1, 1, 1000), max_series=2)
    for number in range(1000):
        leaf.add(entry("x", at=number, labels={"app": str(number)}))
    leaf.finish()
    assert all(len(vector) <= 1 for vector in leaf.ready)


OPS = {
    "count_over_time": len,
    "sum_over_time": sum,
    "max_over_time": max,
    "min_over_time": min,
    "avg_over_time": lambda values: sum(values) / len(values),
    "first_over_time": lambda values: values[0],
    "last_over_time": lambda values: values[-1],
    "quantile_over_time": lambda values: quantile(0.7, sorted(values)),
}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("op", OPS)
def test_windows_are_those_that_one_gets_by_looking_at_each(op: str, seed: int) -> None:
    chance = random.Random(f"{op}{seed}")
    length, step, number = chance.randrange(1, 40), chance.randrange(1, 15), chance.randrange(1, 20)
    offset = chance.randrange(-10, 10)
    unwrap = "" if op == "count_over_time" else "| logfmt | unwrap v"
    share = "0.7, " if op == "quantile_over_time" else ""
    query = f'{op}({share}{{app=~".+"}} {unwrap} [{length}s] offset {offset}s)'
    samples = sorted((chance.uniform(0, 200), chance.choice("ab"), chance.randrange(100)) for _ in range(80))
    leaf = series(query.replace("offset 0s", ""), seconds(50, step, number))
    for at, app, value in samples:
        leaf.add(entry(f"v={value}", at=at, labels={"app": app}))
    leaf.finish()
    expected: list[Vector] = []
    for index in range(number):
        end = (50 + index * step - offset) * SECOND
        vector: Vector = {}
        for app in "ab":
            values = [
                v for at, a, v in samples if a == app and end - length * SECOND < round(at * SECOND) <= end
            ]
            if values:
                vector[frozenset({("app", app)})] = OPS[op](values)
        expected.append(vector)
    found = list(leaf.ready)
    assert [set(vector) for vector in found] == [set(vector) for vector in expected]
    for got, wanted in zip(found, expected, strict=True):
        assert all(math.isclose(got[labels], wanted[labels], rel_tol=1e-9) for labels in wanted)
