"""Limits by the writer's own times."""

from __future__ import annotations

import msgspec

from collectors.logs.limit import RATE_LIMITED, SAMPLED, Bucket, Limiter
from collectors.logs.rule import Limit
from collectors.logs.times import SECOND


def kept(limiter: Limiter, times: list[int], level: str | None = None, size: int = 10) -> list[bool]:
    return [limiter.wants(time, level, size) == "" for time in times]


def test_beyond_the_burst_lines_are_given_up_and_the_rate_brings_them_back() -> None:
    limiter = Limiter(Limit(lines=1.0, burst=10.0))
    assert kept(limiter, [SECOND] * 7) == [True] * 5 + [False] * 2
    assert limiter.wants(SECOND, None, 10) == RATE_LIMITED
    assert kept(limiter, [4 * SECOND] * 5) == [True] * 3 + [False] * 2


def test_errors_are_given_up_last() -> None:
    limiter = Limiter(Limit(lines=1.0, burst=10.0))
    assert not all(kept(limiter, [SECOND] * 6))
    assert kept(limiter, [SECOND] * 6, "error") == [True] * 5 + [False]


def test_bytes_count_as_lines_do() -> None:
    limiter = Limiter(Limit(bytes=100.0, burst=2.0))
    assert kept(limiter, [SECOND] * 3, size=40) == [True, True, False]


def test_sampling_keeps_one_of_so_many() -> None:
    limiter = Limiter(Limit(lines=1.0, burst=2.0, action="sample", sample=3))
    assert kept(limiter, [SECOND] * 8) == [True, True, False, False, True, False, False, True]
    assert limiter.wants(SECOND, None, 1) == SAMPLED


def test_a_second_reading_gives_the_same() -> None:
    limit = Limit(lines=2.0, burst=3.0)
    times = [index * SECOND // 5 for index in range(60)]
    whole = kept(Limiter(limit), times)
    first = Limiter(limit)
    before = kept(first, times[:23])
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(first.bucket), type=Bucket)
    assert before + kept(Limiter(limit, stored), times[23:]) == whole


def test_a_clock_that_jumps_back_neither_fills_nor_empties_the_bucket() -> None:
    limiter = Limiter(Limit(lines=1.0, burst=4.0))
    assert kept(limiter, [100 * SECOND, 50 * SECOND, 50 * SECOND, 100 * SECOND]) == [True, True, False, False]


def test_blocking_waits_as_long_as_the_output_is_worth() -> None:
    limiter = Limiter(Limit(lines=10.0, bytes=100.0, action="block"))
    assert limiter.delay(20, 50) == 2.0
    assert limiter.delay(1, 500) == 5.0
