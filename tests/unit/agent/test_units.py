"""Durations, sizes and times as people write them."""

from __future__ import annotations

import pytest

from agent import units


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("15m", 900),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("2d", 172800),
        ("1w", 604800),
        ("7", 7),
        (3, 3),
        (0.5, 0.5),
    ],
)
def test_durations(text: str | float, seconds: float) -> None:
    assert units.parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "15 m", "1m x", "-5s", "1.2.3s", True, float("nan"), -1])
def test_a_wrong_duration_says_how_to_write_one(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"write it like 30s|not negative"):
        units.parse_duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("64Mi", 64 << 20),
        ("1G", 10**9),
        ("1.5Gi", 3 << 29),
        ("10k", 10_000),
        ("512", 512),
        (7, 7),
        ("1GiB", 1 << 30),
    ],
)
def test_sizes(text: str | int, count: int) -> None:
    assert units.parse_size(text) == count


@pytest.mark.parametrize("text", ["", "Mi", "1X", "1 2Mi", "-1", True])
def test_a_wrong_size_says_how_to_write_one(text: str | int) -> None:
    with pytest.raises(ValueError, match="write it like 64Mi"):
        units.parse_size(text)


def test_times_are_rfc3339_or_durations_before_now() -> None:
    assert units.parse_time("15m", now=1000.0) == 100.0
    assert units.parse_time("now", now=1000.0) == 1000.0
    assert units.parse_time("2026-11-24T02:16:17.5Z", now=0) == 1795486577.5
    assert units.parse_time("2026-11-24T04:16:17.5+02:00", now=0) == 1795486577.5
    with pytest.raises(ValueError, match="'yesterday' is no time"):
        units.parse_time("yesterday", now=0)


def test_a_formatted_time_reads_back() -> None:
    assert units.format_time(1795486577.5) == "2026-11-24T02:16:17.500000Z"
    assert units.parse_time(units.format_time(1234567890.25), now=0) == 1234567890.25


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 90, 3600, 5400, 90061])
def test_a_formatted_duration_reads_back(seconds: float) -> None:
    assert units.parse_duration(units.format_duration(seconds)) == seconds


def test_ages_and_sizes_are_short() -> None:
    assert [units.format_age(s) for s in (-1, 42, 300, 7200, 200000)] == ["0s", "42s", "5m", "2h", "2d"]
    assert [units.format_size(n) for n in (0, 512, 1536, 128 << 20, 5 << 40)] == [
        "0",
        "512",
        "1.5Ki",
        "128Mi",
        "5Ti",
    ]
