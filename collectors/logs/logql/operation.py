"""Binary operations on vectors: which series of two operands meet, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable

from collectors.logs.logql.arithmetic import ARITHMETIC, COMPARISON
from collectors.logs.logql.ast import Matching, Operation
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.vector import Labels, Vector, only, without


def operator_of(node: Operation) -> Callable[[Vector, Vector], Vector]:
    """What makes one vector of two."""
    key = _key(node.matching)
    if node.op in _SETS:
        combine = _SETS[node.op]
        return lambda left, right: combine(left, right, key)
    return lambda left, right: _met(node, left, right, key)


def with_scalar(node: Operation, scalar: float, *, scalar_left: bool) -> Callable[[Vector], Vector]:
    """What makes a vector of a vector and a number. A comparison keeps the vector's values, or gives 0 and 1."""

    def combined(vector: Vector) -> Vector:
        result: Vector = {}
        for labels, value in vector.items():
            pair = (scalar, value) if scalar_left else (value, scalar)
            outcome = _outcome(node, *pair, kept=value)
            if outcome is not None:
                result[labels] = outcome
        return result

    return combined


def _outcome(node: Operation, left: float, right: float, *, kept: float) -> float | None:
    if node.op in ARITHMETIC:
        return ARITHMETIC[node.op](left, right)
    holds = COMPARISON[node.op](left, right)
    if node.matching.returns_bool:
        return float(holds)
    return kept if holds else None


def _key(matching: Matching) -> Callable[[Labels], Labels]:
    names = matching.labels
    if matching.on:
        return lambda labels: only(labels, names)
    return lambda labels: without(labels, names) if names else labels


def _met(node: Operation, left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    """Each series of the many side with the one of the other side that has its key."""
    swapped = node.matching.group == "right"
    many, one = (right, left) if swapped else (left, right)
    partners = _unique(one, key, "left" if swapped else "right")
    result: Vector = {}
    seen: set[Labels] = set()
    for labels, value in many.items():
        matched = key(labels)
        if matched not in partners:
            continue
        if not node.matching.group and matched in seen:
            raise LogQLError(
                "multiple matches for labels: many-to-one matching needs group_left or group_right"
            )
        seen.add(matched)
        partner, other = partners[matched]
        metric = _metric(labels, partner, node.matching)
        if metric in result:
            raise LogQLError(
                "multiple matches for labels: the labels taken along do not tell the series apart"
            )
        pair = (other, value) if swapped else (value, other)
        outcome = _outcome(node, *pair, kept=pair[0])
        if outcome is not None:
            result[metric] = outcome
    return result


def _unique(vector: Vector, key: Callable[[Labels], Labels], side: str) -> dict[Labels, tuple[Labels, float]]:
    found: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in vector.items():
        matched = key(labels)
        if matched in found:
            raise LogQLError(
                f"found duplicate series on the {side} hand-side: matching labels must be unique on one side"
            )
        found[matched] = (labels, value)
    return found


def _metric(labels: Labels, partner: Labels, matching: Matching) -> Labels:
    """The labels of a result: of the key for one to one, else the many side's and what is taken along."""
    if not matching.group:
        return _key(matching)(labels)
    taken = only(partner, matching.include)
    return without(labels, matching.include) | taken if matching.include else labels


def _and(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    there = {key(labels) for labels in right}
    return {labels: value for labels, value in left.items() if key(labels) in there}


def _unless(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    there = {key(labels) for labels in right}
    return {labels: value for labels, value in left.items() if key(labels) not in there}


def _or(left: Vector, right: Vector, key: Callable[[Labels], Labels]) -> Vector:
    there = {key(labels) for labels in left}
    return left | {labels: value for labels, value in right.items() if key(labels) not in there}


_SETS: dict[str, Callable[[Vector, Vector, Callable[[Labels], Labels]], Vector]] = {
    "and": _and,
    "or": _or,
    "unless": _unless,
}
