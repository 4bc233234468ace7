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


@pytest.mark.parametrize(
    ("before", "behind", "expected"),
    [
        (b"51AA ", b"", False),
        (b"", b" 5115 521F", False),
        (b"", b" 1226", True),
        (b"", b" 4111 1111 1111 1111", True),
        (b"feed ", b" dead", True),
        (b"", b" 12/26 a1b2c3", True),
    ],
)
def test_groups_in_a_dump_are_no_card(before: bytes, behind: bytes, expected: bool) -> None:
    message = before + b"4111 1111 1111 1111" + behind
    assert is_card(message, len(before), len(before) + 19) is expected


def test_separators_do_not_count() -> None:
    assert is_card(b"4111 1111-1111 1111", 0, 19)
