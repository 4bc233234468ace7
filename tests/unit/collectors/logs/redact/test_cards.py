"""Card numbers, and what only looks like one."""

from __future__ import annotations

import pytest

from collectors.logs.redact.cards import is_card, luhn

CARD = b"4111111111111111"


@pytest.mark.parametrize("number", [CARD, b"5555555555554444", b"378282246310005", b"6011111111111117"])
def test_the_check_digit_decides(number: bytes) -> None:
    assert luhn(number)
    assert not luhn(number[:-1] + bytes([48 + (number[-1] - 47) % 10]))


@pytest.mark.parametrize(
    ("before", "behind", "expected"),
    [
        (b"card=", b"", True),
        (b'"pan": "', b'"', True),
        (b"paid with ", b", thanks", True),
        (b"order_id=", b"", False),
        (b'"traceId": ', b"}", False),
        (b'\\"id\\":\\"', b'\\"', False),
        (b"offset: ", b"", False),
        (b"ratio ", b".25", False),
        (b"ends with ", b".", True),
    ],
)
def test_a_name_before_it_or_a_fraction_says_that_it_is_something_else(
    before: bytes, behind: bytes, expected: bool
) -> None:
    message = before + CARD + behind
    assert is_card(message, len(before), len(before) + len(CARD)) is expected


def test_separators_do_not_count() -> None:
    assert is_card(b"4111 1111-1111 1111", 0, 19)
