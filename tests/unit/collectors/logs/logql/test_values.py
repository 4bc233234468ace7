from __future__ import annotations

import math

import pytest

from collectors.logs.logql.values import MAX_TEXT, Value, bounded, text_of, truth


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (1, "1"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e21, "1e+21"),
        (1e-7, "1e-07"),
        (2.5e-5, "2.5e-05"),
        (math.inf, "+Inf"),
        ("a", "a"),
    ],
)
def test_values_as_go_prints_them(value: Value, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("value", ["", 0, 0.0, False])
def test_what_is_empty_or_nought_is_not_true(value: Value) -> None:
    assert not truth(value)


@pytest.mark.parametrize("value", ["false", -1, 0.5, True])
def test_all_else_is(value: Value) -> None:
    assert truth(value)


def test_texts_are_bounded() -> None:
    bounded(MAX_TEXT)
    with pytest.raises(ValueError, match="longer than"):
        bounded(MAX_TEXT + 1)
