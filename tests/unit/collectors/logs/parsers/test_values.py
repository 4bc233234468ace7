from __future__ import annotations

import math

import orjson
import pytest

from collectors.logs.parsers.values import typed


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("-12", -12),
        ("1763950577525020128", 1763950577525020128),
        ("9223372036854775807", 2**63 - 1),
        ("0.5", 0.5),
        ("-1.5e-3", -0.0015),
        ("true", True),
        ("false", False),
    ],
)
def test_numbers_and_truth_values_are_what_they_look_like(text: str, value: object) -> None:
    assert typed(text) == value
    assert type(typed(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    ["", "-", "0012", "12ms", "1.5GiB", "12e4567", "1e5", "True", "9223372036854775808", "99999999999999999999",
     "1_000", "٣", "0x1f", "1.2.3", ".5", "5.", "NaN", "inf", "+1"],
)  # fmt: skip
def test_what_may_be_an_identifier_stays_text(text: str) -> None:
    assert typed(text) == text


def test_no_value_is_beyond_json() -> None:
    for text in ("123456789012345678.12345678901234567e99", "-9223372036854775808"):
        value = typed(text)
        assert orjson.loads(orjson.dumps(value)) == value
        assert not isinstance(value, float) or math.isfinite(value)
