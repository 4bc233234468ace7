"""What is kept of the samples of one series in a window: never the samples, but for quantiles.

A state takes samples in the order of time and can be merged with the state of what came later.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol, Self

from collectors.logs.logql.ast import RangeAggregation


class State(Protocol):
    """What samples came to."""

    def add(self, time: int, value: float) -> None:
        """Take one more sample; `time` in ns."""

    def merged(self, later: Self) -> Self:
        """A new state of both."""


class Total:
    """A sum; of ones a count."""

    __slots__ = ("total",)

    def __init__(self, total: float = 0.0) -> None:
        self.total = total

    def add(self, time: int, value: float) -> None:
        self.total += value

    def merged(self, later: Total) -> Total:
        return Total(self.total + later.total)


class Extremes:
    """The least and the greatest; NaN gives way to any number."""

    __slots__ = ("least", "most")

    def __init__(self) -> None:
        self.least = self.most = math.nan

    def add(self, time: int, value: float) -> None:
        if value < self.least or math.isnan(self.least):
            self.least = value
        if value > self.most or math.isnan(self.most):
            self.most = value

    def merged(self, later: Extremes) -> Extremes:
        both = Extremes()
        for state in (self, later):
            both.add(0, state.least)
            both.add(0, state.most)
        return both


class Ends:
    """The first and the last sample, and by how much a counter rose between them, over its resets."""

    __slots__ = ("count", "first", "last", "rise")

    def __init__(self) -> None:
        self.first = self.last = (0, math.nan)
        self.count = 0
        self.rise = 0.0

    def add(self, time: int, value: float) -> None:
        if not self.count:
            self.first = (time, value)
        else:
            self.rise += _rise(self.last[1], value)
        self.last = (time, value)
        self.count += 1

    def merged(self, later: Ends) -> Ends:
        both = Ends()
        both.first, both.last = self.first, later.last
        both.count = self.count + later.count
        both.rise = self.rise + later.rise + _rise(self.last[1], later.first[1])
        return both


class Spread:
    """Count, mean and sum of squared deviations."""

    __slots__ = ("count", "mean", "squares")

    def __init__(self) -> None:
        self.count = 0
        self.mean = self.squares = 0.0

    def add(self, time: int, value: float) -> None:
        self.count += 1
        delta = value - self.mean
        self.mean += delta / self.count
        self.squares += delta * (value - self.mean)

    def merged(self, later: Spread) -> Spread:
        both = Spread()
        both.count = self.count + later.count
        delta = later.mean - self.mean
        both.mean = self.mean + delta * later.count / both.count
        both.squares = self.squares + later.squares + delta * delta * self.count * later.count / both.count
        return both


class Values:
    """All values; merging joins the lists without copying them."""

    __slots__ = ("own", "parts")

    def __init__(self, parts: tuple[Values, ...] = ()) -> None:
        self.own: list[float] = []
        self.parts = parts

    def add(self, time: int, value: float) -> None:
        self.own.append(value)

    def merged(self, later: Values) -> Values:
        return Values((self, later))

    def sorted(self) -> list[float]:
        """All values, the least first."""
        found: list[float] = []
        waiting = [self]
        while waiting:
            state = waiting.pop()
            found += state.own
            waiting += state.parts
        return sorted(found)


def _rise(before: float, after: float) -> float:
    return after - before if after >= before else after


def state_of(node: RangeAggregation) -> Callable[[], State]:
    """What makes an empty state for an operation."""
    return _STATES.get(node.op, Total)


_STATES: dict[str, Callable[[], State]] = {
    "min_over_time": Extremes,
    "max_over_time": Extremes,
    "first_over_time": Ends,
    "last_over_time": Ends,
    "rate_counter": Ends,
    "avg_over_time": Spread,
    "stddev_over_time": Spread,
    "stdvar_over_time": Spread,
    "quantile_over_time": Values,
}


def result_of(node: RangeAggregation) -> Callable[[State, int], float]:
    """The value of a state for the window that ends at a time, in ns."""
    seconds = node.range.range / 1e9
    results: dict[str, Callable[[Any, int], float]] = {
        "min_over_time": lambda state, end: state.least,
        "max_over_time": lambda state, end: state.most,
        "first_over_time": lambda state, end: state.first[1],
        "last_over_time": lambda state, end: state.last[1],
        "rate_counter": lambda state, end: _counter_rate(state, end, node.range.range),
        "avg_over_time": lambda state, end: state.mean,
        "stddev_over_time": lambda state, end: math.sqrt(state.squares / state.count),
        "stdvar_over_time": lambda state, end: state.squares / state.count,
        "quantile_over_time": lambda state, end: quantile(node.parameter or 0.0, state.sorted()),
        "rate": lambda state, end: state.total / seconds,
        "bytes_rate": lambda state, end: state.total / seconds,
    }
    return results.get(node.op, lambda state, end: state.total)


def quantile(share: float, values: list[float]) -> float:
    """The value at a share of sorted values, weighted between two neighbours; -Inf below 0, +Inf above 1."""
    if share < 0 or share > 1:
        return -math.inf if share < 0 else math.inf
    rank = share * (len(values) - 1)
    low = math.floor(rank)
    high = min(len(values) - 1, low + 1)
    weight = rank - low
    return values[low] * (1 - weight) + values[high] * weight


def _counter_rate(state: Ends, end: int, length: int) -> float:
    """A counter's rise a second, extended to the window's ends as Prometheus does; 0 of a single sample."""
    if state.count < 2:
        return 0.0
    sampled = (state.last[0] - state.first[0]) / 1e9
    if sampled <= 0:
        return math.nan if state.rise == 0 else math.inf
    apart = sampled / (state.count - 1)
    before = (state.first[0] - (end - length)) / 1e9
    after = (end - state.last[0]) / 1e9
    before = before if before < apart * 1.1 else apart / 2
    after = after if after < apart * 1.1 else apart / 2
    if state.rise > 0 and state.first[1] >= 0:
        before = min(before, sampled * (state.first[1] / state.rise))
    return state.rise * (sampled + before + after) / sampled / (length / 1e9)
