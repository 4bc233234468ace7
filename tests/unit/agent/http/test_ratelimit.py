"""The token bucket, with a clock of the test's."""

from __future__ import annotations

from agent.http.ratelimit import TokenBucket


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_one_per_interval() -> None:
    clock = Clock()
    bucket = TokenBucket(0.5, 3, clock)
    assert [bucket.take() for _ in range(5)] == [True, True, True, False, False]
    clock.now += 0.4
    assert not bucket.take()
    clock.now += 0.1
    assert bucket.take() and not bucket.take()


def test_waiting_fills_it_to_the_burst_and_no_further() -> None:
    clock = Clock()
    bucket = TokenBucket(1, 2, clock)
    clock.now += 1000
    assert [bucket.take() for _ in range(3)] == [True, True, False]


def test_without_an_interval_nothing_is_refused() -> None:
    bucket = TokenBucket(0, 0, Clock())
    assert all(bucket.take() for _ in range(1000))
