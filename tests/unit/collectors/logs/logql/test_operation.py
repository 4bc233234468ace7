from __future__ import annotations

import pytest

from collectors.logs.logql.ast import Matching, Operation
from collectors.logs.logql.ast import Vector as VectorNode
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.operation import operator_of, with_scalar
from collectors.logs.logql.vector import Labels, Vector, labels_of

ONE = VectorNode(1)


def of(**labels: str) -> Labels:
    return labels_of(labels)


BY_ALL = Matching()


def operated(op: str, left: Vector, right: Vector, matching: Matching = BY_ALL) -> Vector:
    return operator_of(Operation(op, ONE, ONE, matching))(left, right)


LEFT: Vector = {of(a="1", x="l"): 6.0, of(a="2", x="l"): 8.0}
RIGHT: Vector = {of(a="1", x="r"): 2.0, of(a="3", x="r"): 5.0}


def test_series_meet_by_their_labels() -> None:
    assert operated("/", {of(a="1"): 6.0, of(a="2"): 1.0}, {of(a="1"): 2.0}) == {of(a="1"): 3.0}
    assert operated("/", {of(a="0"): 1.0, **LEFT}, RIGHT, Matching(on=True, labels=("a",))) == {
        of(a="1"): 3.0
    }
    assert operated("/", LEFT, RIGHT) == {}
    assert operated("/", LEFT, RIGHT, Matching(on=True, labels=("a",))) == {of(a="1"): 3.0}
    assert operated("/", LEFT, RIGHT, Matching(labels=("x",))) == {of(a="1"): 3.0}


def test_comparisons_filter_or_tell() -> None:
    by_a = Matching(on=True, labels=("a",))
    assert operated(">", LEFT, RIGHT, by_a) == {of(a="1"): 6.0}
    assert operated("<", LEFT, RIGHT, by_a) == {}
    assert operated("<", LEFT, RIGHT, Matching(True, True, ("a",))) == {of(a="1"): 0.0}


def test_sets() -> None:
    by_a = Matching(on=True, labels=("a",))
    assert operated("and", LEFT, RIGHT, by_a) == {of(a="1", x="l"): 6.0}
    assert operated("unless", LEFT, RIGHT, by_a) == {of(a="2", x="l"): 8.0}
    assert operated("or", LEFT, RIGHT, by_a) == {**LEFT, of(a="3", x="r"): 5.0}
    assert operated("or", {}, RIGHT) == RIGHT
    assert operated("and", LEFT, {}) == {}


def test_many_meet_one() -> None:
    many: Vector = {of(a="1", p="1"): 1.0, of(a="1", p="2"): 3.0}
    one: Vector = {of(a="1", v="9"): 2.0}
    left = Matching(on=True, labels=("a",), group="left", include=("v", "none"))
    assert operated("-", many, one, left) == {of(a="1", p="1", v="9"): -1.0, of(a="1", p="2", v="9"): 1.0}
    right = Matching(on=True, labels=("a",), group="right")
    assert operated("-", one, many, right) == {of(a="1", p="1"): 1.0, of(a="1", p="2"): -1.0}
    assert operated(">", one, many, right) == {of(a="1", p="1"): 2.0}


@pytest.mark.parametrize(
    ("left", "right", "matching", "message"),
    [
        (
            {of(a="1"): 1.0},
            {of(b="1"): 1.0, of(b="2"): 1.0},
            Matching(on=True),
            "duplicate series on the right",
        ),
        ({of(b="1"): 1.0, of(b="2"): 1.0}, {of(a="1"): 1.0}, Matching(on=True), "group_left or group_right"),
        (
            {of(b="1"): 1.0, of(b="2"): 1.0},
            {of(): 1.0},
            Matching(on=True, group="right"),
            "duplicate series on the left",
        ),
        (
            {of(b="1"): 1.0, of(b="2"): 1.0},
            {of(c="1", b="3"): 1.0},
            Matching(on=True, group="left", include=("b",)),
            "do not tell",
        ),
    ],
)
def test_what_cannot_meet(left: Vector, right: Vector, matching: Matching, message: str) -> None:
    with pytest.raises(LogQLError, match=message):
        operated("+", left, right, matching)


@pytest.mark.parametrize(
    ("op", "scalar_left", "bool_", "result"),
    [
        ("-", True, False, [-4.0, 1.0]),
        ("-", False, False, [4.0, -1.0]),
        (">", False, False, [6.0]),
        (">", True, False, [1.0]),
        (">", False, True, [1.0, 0.0]),
        ("/", False, False, [3.0, 0.5]),
    ],
)
def test_numbers(op: str, scalar_left: bool, bool_: bool, result: list[float]) -> None:
    node = Operation(op, ONE, ONE, Matching(bool_))
    vector: Vector = {of(a="1"): 6.0, of(a="2"): 1.0}
    assert list(with_scalar(node, 2.0, scalar_left=scalar_left)(vector).values()) == result
