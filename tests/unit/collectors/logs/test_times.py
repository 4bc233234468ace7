from __future__ import annotations

import pytest

from collectors.logs.times import parse, render


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        (b"1970-01-01T00:00:00Z", 0),
        (b"1970-01-01T00:00:01.5Z", 1_500_000_000),
        (b"1970-01-01T00:00:00.000000001Z", 1),
        (b"1970-01-01T01:00:00.12+01:00", 120_000_000),
        (b"1969-12-31T18:30:00-05:30", 0),
        (b"2026-11-24T02:16:17.123456789Z", 1_795_486_577_123_456_789),
        (b"2026-11-24t02:16:17.1234567891z", 1_795_486_577_123_456_789),
    ],
)
def test_any_width_of_fraction_and_any_zone(text: bytes, nanoseconds: int) -> None:
    assert parse(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [b"", b"now", b"2026-11-24", b"2026-11-24T02:16:17", b"2026-13-24T02:16:17Z", b"2026-11-24T02:16:17.x1Z",
     b"2026-11-24T02:16:17,5Z", b"2026-11-24T02:16:17.5+0100", b"2026-11-24 02:16:17Z", b"\xff" * 30],
)  # fmt: skip
def test_what_is_no_time_is_told(text: bytes) -> None:
    with pytest.raises(ValueError):
        parse(text)


def test_rendered_in_utc_with_nine_digits() -> None:
    assert render(parse(b"2026-11-24T03:16:17.1+01:00")) == "2026-11-24T02:16:17.100000000Z"


@pytest.mark.parametrize("nanoseconds", [0, 1, 999_999_999, 1_795_486_577_123_456_789])
def test_round_trip(nanoseconds: int) -> None:
    assert parse(render(nanoseconds).encode()) == nanoseconds
