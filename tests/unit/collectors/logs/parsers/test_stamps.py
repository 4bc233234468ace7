from __future__ import annotations

import pytest

from collectors.logs.parsers.stamps import time_in, time_of

SECOND = 1795486577
WHOLE = SECOND * 10**9


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2026-11-24T02:16:17Z", WHOLE),
        ("2026-11-24T02:16:17.123456789Z", WHOLE + 123456789),
        ("2026-11-24T03:16:17.5+01:00", WHOLE + 500000000),
        ("2026-11-23T21:16:17-0500", WHOLE),
        ("2026-11-24 02:16:17,123", WHOLE + 123000000),
        ("2026-11-24 02:16:17 +0000", WHOLE),
        ("2026/11/24 02:16:17.000001", WHOLE + 1000),
        ("20261124 02:16:17.1", WHOLE + 100000000),
        ("24/Nov/2026:02:16:17 +0000", WHOLE),
        ("24-Nov-2026 02:16:17.123", WHOLE + 123000000),
        ("Tue Nov 24 02:16:17.123456 2026", WHOLE + 123456000),
        ("Nov 24, 2026 2:16:17 AM", WHOLE),
        ("Nov 24, 2026 2:16:17 PM", WHOLE + 12 * 3600 * 10**9),
        (SECOND, WHOLE),
        (SECOND + 0.5, WHOLE + 500000000),
        (SECOND * 1000 + 7, WHOLE + 7000000),
        (SECOND * 10**6, WHOLE),
        (WHOLE + 1, WHOLE + 1),
    ],
)
def test_times_of_every_usual_form(value: object, time: int) -> None:
    assert time_of(value) == time


@pytest.mark.parametrize(
    "value",
    ["", "x", "1124 02:16:17.123456", "Oct 11 22:14:15", "02:16:17.123", "2026-02-30 02:16:17", "2026-13-01 00:00:00",
     "2026-11-24 25:00:00", "0000-01-01T00:00:00Z", "24/Foo/2026:02:16:17 +0000", "2026-11-24T02:16:17Z" * 10,
     12, -1, 2**63, 1e300, float("nan"), True, None, [], {}],
)  # fmt: skip
def test_what_tells_no_whole_time_is_none(value: object) -> None:
    assert time_of(value) is None


def test_the_first_key_that_tells_a_time_counts() -> None:
    assert time_in({"t": SECOND, "time": "later", "ts": "2026-11-24T02:16:17Z"}) == WHOLE
    assert time_in({"message": "2026-11-24T02:16:17Z"}) is None
