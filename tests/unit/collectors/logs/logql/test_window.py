from __future__ import annotations

import random

import pytest

from collectors.logs.logql.aggregates import Spread, Total, Values
from collectors.logs.logql.window import Window


@pytest.mark.parametrize("seed", range(50))
def test_a_window_holds_what_counts_at_each_step(seed: int) -> None:
    chance = random.Random(seed)
    window = Window(Values)
    width = chance.randrange(1, 8)
    samples: list[tuple[int, float]] = []
    for step in range(40):
        for _ in range(chance.choice((0, 0, 1, 3))):
            value = chance.random()
            samples.append((step + width - 1, value))
            window.add(step + width - 1, step, value)
        state = window.at(step)
        expected = sorted(value for last, value in samples if last >= step)
        assert (state.sorted() if isinstance(state, Values) else []) == expected


def test_nothing_is_none() -> None:
    window = Window(Total)
    assert window.at(0) is None
    window.add(1, 0, 1)
    assert window.at(1) is not None
    assert window.at(2) is None


def test_a_late_sample_counts_as_long_as_those_before_it() -> None:
    window = Window(Total)
    window.add(5, 0, 1.0)
    window.add(3, 0, 1.0)
    for step in (1, 5):
        state = window.at(step)
        assert isinstance(state, Total)
        assert state.total == 2
    assert window.at(6) is None


def test_a_state_that_was_given_out_stays_as_it_is() -> None:
    window = Window(Spread)
    window.add(9, 0, 1.0)
    first = window.at(0)
    window.add(9, 1, 3.0)
    second = window.at(1)
    assert isinstance(first, Spread) and isinstance(second, Spread)
    assert (first.count, first.mean, second.count, second.mean) == (1, 1.0, 2, 2.0)
