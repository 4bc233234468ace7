from __future__ import annotations

import math

import pytest

from collectors.logs.logql import quantities

MS = 1_000_000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", 0),
        ("1.5s", 1500 * MS),
        ("1h2m0.5s", 3_720_500 * MS),
        ("-2ms", -2 * MS),
        ("250µs", 250_000),
        ("1us", 1_000),
        ("+3ns", 3),
        (".5s", 500 * MS),
        ("1.s", 1000 * MS),
    ],
)
def test_durations_of_go(text: str, value: int) -> None:
    assert quantities.duration(text) == value


@pytest.mark.parametrize("text", ["", "1", "s", "1d", "1 s", "1s ", "--1s", "1e3s", "99999999999h", "١s"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        quantities.duration(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1d", 86400), ("1w", 604800), ("1y", 31536000), ("1h30m", 5400), ("1.5h", 5400), ("-5m", -300)],
)
def test_durations_of_queries(text: str, seconds: int) -> None:
    assert quantities.span(text) == seconds * 1000 * MS


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("42", 42),
        ("1KB", 1000),
        ("1kb", 1000),
        ("1KiB", 1024),
        ("1.5 MB", 1_500_000),
        ("2Gi", 2 << 30),
        ("1,024B", 1024),
        (".5k", 500),
    ],
)
def test_sizes(text: str, value: int) -> None:
    assert quantities.size(text) == value


@pytest.mark.parametrize("text", ["", "KB", "1XB", "1KiBB", "-1KB", "1 K B"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="invalid size"):
        quantities.size(text)


@pytest.mark.parametrize(
    ("text", "value"), [("1", 1), ("-1.5e3", -1500), (".5", 0.5), ("Inf", math.inf), ("0x1p4", 16)]
)
def test_numbers(text: str, value: float) -> None:
    assert quantities.number(text) == value


@pytest.mark.parametrize("text", ["", " 1", "1 ", "1_000", "0x10", "one", "1e", "１"])
def test_what_is_no_number(text: str) -> None:
    with pytest.raises(ValueError, match="invalid number"):
        quantities.number(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (0.1, "0.1"),
        (1e21, "1000000000000000000000"),
        (1e-7, "0.0000001"),
        (-0.0, "-0"),
        (math.nan, "NaN"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (166.66666666666666, "166.66666666666666"),
        (12345678901234567890.0, "12345678901234567000"),
    ],
)
def test_numbers_as_text(value: float, text: str) -> None:
    assert quantities.number_text(value) == text


@pytest.mark.parametrize("text", ["5m", "1d30m", "1s500ms", "250µs", "1h1ns", "-5m", "0s", "365d"])
def test_durations_as_text_read_back(text: str) -> None:
    assert quantities.span_text(quantities.span(text)) == text
