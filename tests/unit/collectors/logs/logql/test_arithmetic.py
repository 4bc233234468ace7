from __future__ import annotations

import math

import pytest

from collectors.logs.logql.arithmetic import of_scalars


@pytest.mark.parametrize(
    ("left", "op", "right", "result"),
    [
        (7, "%", -3, 1),
        (-7, "%", 3, -1),
        (2, "^", 10, 1024),
        (-2, "^", 1e9 + 1, -math.inf),
        (-2, "^", 1e9, math.inf),
        (2, "^", 1e9 + 1, math.inf),
        (10, "^", 999, math.inf),
        (0, "^", -1, math.inf),
        (1, "==", 1, 1),
        (1, ">", 2, 0),
        (7, "/", 2, 3.5),
    ],
)
def test_two_numbers(left: float, op: str, right: float, result: float) -> None:
    assert of_scalars(op, left, right) == result


@pytest.mark.parametrize(
    ("left", "op", "right"), [(1, "/", 0), (1, "%", 0), (math.inf, "%", 2), (-8, "^", 0.5)]
)
def test_what_is_no_number(left: float, op: str, right: float) -> None:
    assert math.isnan(of_scalars(op, left, right))
