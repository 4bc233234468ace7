"""The share of periods in which a container was throttled of late."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from collectors.metrics import catalogue
from collectors.metrics.catalogue import INDEX
from collectors.metrics.rows import Value
from collectors.metrics.throttling import Throttling


def nobody() -> Sequence[int]:
    return ()


class Told:
    """What is told at moments of a clock that the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.throttling = Throttling(lambda: self.now)

    def at(self, now: float, periods: int | None, throttled: int | None, id: str = "/a") -> Value:
        self.now = now
        values: list[Value] = [None] * len(catalogue.ROW)
        values[INDEX[catalogue.CFS_PERIODS]] = periods
        values[INDEX[catalogue.CFS_THROTTLED_PERIODS]] = throttled
        self.throttling.tell(id, nobody, values)
        return values[INDEX[catalogue.CPU_THROTTLED_RATIO]]


@pytest.fixture
def told() -> Told:
    return Told()


def test_nothing_for_the_first_minute_then_the_share_since_it_began(told: Told) -> None:
    assert told.at(0, 1000, 500) is None
    assert told.at(30, 1300, 500) is None
    assert told.at(60, 1600, 650) == 150 / 600


@pytest.mark.parametrize("interval", [5, 15, 20, 60])
def test_it_is_about_the_last_one_to_two_minutes_however_often_somebody_looks(
    told: Told, interval: int
) -> None:
    # Throttled in each period until 300 s, then never again.
    for now in range(0, 301, interval):
        last = told.at(now, now * 10, now * 10)
    assert last == 1
    shares = {now: told.at(now, now * 10, 3000) for now in range(300 + interval, 601, interval)}
    assert all(isinstance(share, float) and share > 0 for now, share in shares.items() if now < 360)
    assert all(share == 0 for now, share in shares.items() if now >= 420)


def test_two_who_scrape_in_turn_are_told_the_same_as_one(told: Told) -> None:
    once, twice = Told(), Told()
    for now in range(0, 301, 15):
        alone = once.at(now, now * 10, now * 5)
        twice.at(now - 7, max(0, now - 7) * 10, max(0, now - 7) * 5)
        both = twice.at(now, now * 10, now * 5)
    assert alone == both == 0.5


def test_with_rare_scrapes_it_reaches_back_to_the_one_before(told: Told) -> None:
    told.at(0, 0, 0)
    assert told.at(600, 6000, 1500) == 0.25
    assert told.at(1200, 12000, 1500) == 0


def test_who_wants_nothing_is_not_throttled(told: Told) -> None:
    told.at(0, 100, 50)
    assert told.at(60, 100, 50) == 0


def test_without_a_quota_there_is_none(told: Told) -> None:
    told.at(0, None, None)
    assert told.at(60, None, None) is None


def test_another_container_at_the_same_path_begins_anew(told: Told) -> None:
    told.at(0, 1000, 1000)
    assert told.at(60, 1600, 1600) == 1
    assert told.at(75, 10, 0) is None
    assert told.at(135, 610, 0) == 0


def test_each_container_has_its_own_until_it_is_forgotten(told: Told) -> None:
    told.at(0, 0, 0, "/a")
    told.at(0, 0, 0, "/b")
    assert told.at(60, 600, 600, "/a") == 1
    assert told.at(60, 600, 0, "/b") == 0
    told.throttling.forget("/a")
    assert told.at(75, 750, 750, "/a") is None
    assert told.at(75, 750, 0, "/b") == 0
