"""Records page by page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from agent.cli.pages import records
from agent.units import parse_time

EPOCH = parse_time("2026-01-01T00:00:00Z", 0)


class Store:
    """A client over a list of times in ns; answers at most `limit` records from `since` on."""

    def __init__(self, times: list[int]) -> None:
        self.times = sorted(times)
        self.asked = 0

    def lines(self, path: str, parameters: dict[str, Any]) -> Iterator[bytes]:
        self.asked += 1
        since = parse_time(parameters["since"], 0) - EPOCH if parameters["since"] else 0.0
        left = parameters["limit"]
        for number, ns in enumerate(self.times):
            if ns >= since * 1e9 and left:
                left -= 1
                time = f"2026-01-01T00:00:{ns // 10**9:02d}.{ns % 10**9:09d}Z"
                yield json.dumps({"time": time, "uid": str(number)}).encode()


def numbers(store: Store, page: int) -> list[int]:
    return [int(json.loads(line)["uid"]) for line in records(store, {"since": None}, page)]  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 95])
def test_every_record_comes_once_and_in_order(count: int) -> None:
    store = Store([n * 1_000_003 for n in range(count)])
    assert numbers(store, 10) == list(range(count))
    assert store.asked >= count // 10


def test_records_of_the_same_moment_are_told_apart() -> None:
    store = Store([5] * 4 + [10_000_000] * 4 + [30_000_000] * 4)
    assert numbers(store, 9) == list(range(12))


def test_a_moment_that_fills_a_page_ends_it(capsys: pytest.CaptureFixture[str]) -> None:
    store = Store([7] * 30)
    assert numbers(store, 10) == list(range(10))
    assert "more than 10 records of one moment" in capsys.readouterr().err
