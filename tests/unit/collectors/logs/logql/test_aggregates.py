from __future__ import annotations

import math
import random
import statistics

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.aggregates import State, quantile, result_of, state_of
from collectors.logs.logql.parser import parse

SECOND = 1_000_000_000


def node(op: str) -> ast.RangeAggregation:
    first = "0.3, " if op == "quantile_over_time" else ""
    parsed = parse(f'{op}({first}{{a="b"}} | unwrap x [10s])')
    assert isinstance(parsed, ast.RangeAggregation)
    return parsed


def reckoned(op: str, samples: list[tuple[int, float]], cut: int = 0) -> float:
    """In one state, or in two that are merged."""
    states: list[State] = []
    for part in (samples[:cut], samples[cut:]):
        if part:
            states.append(state_of(node(op))())
            for time, value in part:
                states[-1].add(time, value)
    whole = states[0] if len(states) == 1 else states[0].merged(states[1])
    return result_of(node(op))(whole, 10 * SECOND)


VALUES = [3.0, -1.0, 4.0, 1.0, 5.5]
SAMPLES = [(number * SECOND, value) for number, value in enumerate(VALUES, 1)]


@pytest.mark.parametrize("cut", range(5))
@pytest.mark.parametrize(
    ("op", "result"),
    [
        ("sum_over_time", sum(VALUES)),
        ("rate", sum(VALUES) / 10),
        ("avg_over_time", statistics.fmean(VALUES)),
        ("min_over_time", -1.0),
        ("max_over_time", 5.5),
        ("first_over_time", 3.0),
        ("last_over_time", 5.5),
        ("stdvar_over_time", statistics.pvariance(VALUES)),
        ("stddev_over_time", statistics.pstdev(VALUES)),
        ("quantile_over_time", 1.4),
    ],
)
def test_operations(op: str, result: float, cut: int) -> None:
    assert reckoned(op, SAMPLES, cut) == pytest.approx(result)


@pytest.mark.parametrize("cut", range(6))
def test_a_counter_rises_over_its_resets(cut: int) -> None:
    counter = [(number * SECOND, value) for number, value in enumerate((10.0, 12.0, 1.0, 1.0, 4.0, 4.0), 2)]
    # A rise of 2 + 1 + 0 + 3 + 0 in 5 s; samples are 1 s apart, 2 s from the start and 3 s from the end of 10 s.
    assert reckoned("rate_counter", counter, cut) == pytest.approx(6 * (5 + 0.5 + 0.5) / 5 / 10)


def test_a_counter_of_one_sample_does_not_rise() -> None:
    assert reckoned("rate_counter", [(1, 5.0)]) == 0


def test_a_counter_is_not_extended_below_zero() -> None:
    counter = [(2 * SECOND, 0.0), (6 * SECOND, 4.0)]
    assert reckoned("rate_counter", counter) == pytest.approx(4 * (4 + 0 + 4) / 4 / 10)


def test_nan_gives_way_to_numbers() -> None:
    assert reckoned("max_over_time", [(1, math.nan), (2, 1.0)], 1) == 1
    assert math.isnan(reckoned("min_over_time", [(1, math.nan)]))


@pytest.mark.parametrize(("share", "value"), [(0, 1), (1, 4), (0.5, 2.5), (-0.1, -math.inf), (1.1, math.inf)])
def test_quantiles(share: float, value: float) -> None:
    assert quantile(share, [1, 2, 3, 4]) == value


def test_many_values_merge_without_recursion() -> None:
    state = state_of(node("quantile_over_time"))()
    for number in range(5000):
        later = state_of(node("quantile_over_time"))()
        later.add(0, random.Random(number).random())
        state = state.merged(later)
    assert 0.25 < result_of(node("quantile_over_time"))(state, 0) < 0.35
