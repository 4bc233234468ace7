"""What v2 files say."""

from __future__ import annotations

import pytest

from collectors.cgroups import v2


def test_max_is_no_limit() -> None:
    assert v2.limit(b"max\n") == 0
    assert v2.limit(b"4096\n") == 4096


def test_quota_and_period() -> None:
    assert v2.quota(b"max 100000\n") == (0, 100000)
    assert v2.quota(b"50000 20000\n") == (50000, 20000)


@pytest.mark.parametrize(("weight", "shares"), [(1, 2), (100, 2597), (10000, 262144)])
def test_shares_of_a_weight(weight: int, shares: int) -> None:
    assert v2.shares(weight) == shares


def test_counters_per_device_and_none_where_the_kernel_has_none_yet() -> None:
    content = b"8:0 rbytes=1 wbytes=2 rios=3 wios=4 cost.vrate=100.00 cost.usage=9\n7:0 \n253:1\n"
    counters = {b"rbytes": 1, b"wbytes": 2, b"rios": 3, b"wios": 4, b"cost.usage": 9}
    assert v2.device_counters(content) == {b"8:0": counters}


def test_a_line_that_the_kernel_did_not_end_is_not_taken_for_the_next_device() -> None:
    assert v2.device_counters(b"7:7 7:6 8:0 rbytes=1 wbytes=2\n") == {b"8:0": {b"rbytes": 1, b"wbytes": 2}}


def test_pressure_with_and_without_its_second_line() -> None:
    some = b"some avg10=1.00 avg60=0.50 avg300=0.10 total=123\n"
    assert v2.pressure(some) == (123, None)
    assert v2.pressure(some + b"full avg10=0.00 avg60=0.00 avg300=0.00 total=45\n") == (123, 45)
    assert v2.pressure(b"full avg10=0.00 avg60=0.00 avg300=0.00 total=45\n") == (None, 45)
    assert v2.pressure(b"") == (None, None)
