"""Parameters of Loki's API."""

from __future__ import annotations

import pytest
from multidict import MultiDict

from agent.http.loki.values import HOUR, Values, length, moment
from agent.http.problem import HttpProblem
from tests.unit.agent.http.conftest import Client

SECOND = 10**9
NOW = 1_700_000_000 * SECOND


def values(**given: str) -> Values:
    return Values(given, NOW)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1700000000123456789", 1_700_000_000_123_456_789),
        ("1700000000", NOW),
        ("1700000000.123456789", NOW + 123_456_789),
        ("1700000000.", NOW),
        ("2023-11-14T22:13:20.5Z", NOW + SECOND // 2),
        ("2023-11-14T23:13:20+01:00", NOW),
        ("0", 0),
    ],
)
def test_times(text: str, nanoseconds: int) -> None:
    assert moment("start", text) == nanoseconds


@pytest.mark.parametrize("text", ["yesterday", "1e9", "٣", "2023-11-14", "\ud800", "9" * 40])
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(HttpProblem, match=r"start: .* is no time"):
        moment("start", text)


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("15", 15 * SECOND),
        ("0.5", SECOND // 2),
        ("15s", 15 * SECOND),
        ("15000ms", 15 * SECOND),
        ("1d", 24 * HOUR),
    ],
)
def test_lengths(text: str, nanoseconds: int) -> None:
    assert length("step", text) == nanoseconds


def test_a_length_that_is_none() -> None:
    with pytest.raises(HttpProblem, match="step: 'x' is no duration"):
        values(step="x").length("step")


def test_a_step_is_positive() -> None:
    assert (values().step(), values(step="15000ms").step()) == (0, 15 * SECOND)
    for text in ("0", "0s", "-1s"):
        with pytest.raises(HttpProblem, match="zero or negative"):
            values(step=text).step()


def test_a_range_is_the_last_hour_unless_told() -> None:
    assert values().between() == (NOW - HOUR, NOW)
    assert values().between(6 * HOUR) == (NOW - 6 * HOUR, NOW)
    assert values(since="5m").between() == (NOW - HOUR // 12, NOW)
    assert values(start="10", end="20").between() == (10 * SECOND, 20 * SECOND)
    assert values(end="1800000000").between() == (NOW - HOUR, 1_800_000_000 * SECOND)
    assert values(time="7").at() == 7 * SECOND
    with pytest.raises(HttpProblem, match="end timestamp must not be before"):
        values(start="20", end="10").between()


def test_numbers_and_directions() -> None:
    assert (values().number("limit", 100, 500), values(limit="7").number("limit", 100, 500)) == (100, 7)
    assert (values().most("limit", 100, 500), values(limit="7000").most("limit", 100, 500)) == (100, 500)
    assert (values().forward(), values(direction="FORWARD").forward()) == (False, True)
    with pytest.raises(HttpProblem, match="direction"):
        values(direction="up").forward()
    for text in ("0", "-1", "x", "501", "9" * 30):
        with pytest.raises(HttpProblem, match="limit"):
            values(limit=text).number("limit", 100, 500)


def test_a_parameter_that_stands_several_times() -> None:
    given = MultiDict([("match[]", "a"), ("match[]", "b")])
    assert Values(given, NOW).all("match[]") == ["a", "b"]


async def test_a_form_comes_before_the_address(client: Client, log: object) -> None:
    answer = await client.post("/loki/api/v1/format_query?query={b=`c`}", data={"query": "{a=`b`}"})
    assert (await answer.json())["data"] == '{a="b"}'
    answer = await client.post("/loki/api/v1/format_query?query={b=`c`}")
    assert (await answer.json())["data"] == '{b="c"}'
