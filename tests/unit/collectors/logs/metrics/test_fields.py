"""What a metric takes from a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.logs.entry import Entry
from collectors.logs.metrics.fields import LONGEST, label_in, number_in
from collectors.logs.parse import Understood, understand


def told(**fields: Any) -> Understood:
    return understand(json.dumps(fields).encode())


def entry(stream: str = "stdout") -> Entry:
    return Entry(1, stream, b"", b"", 0, 1)


@pytest.mark.parametrize(
    ("value", "text"),
    [("GET", "GET"), (200, "200"), (1.5, "1.5"), (True, "true"), (None, ""), ([1], ""), ({"a": 1}, "")],
)
def test_the_text_of_a_label(value: Any, text: str) -> None:
    assert label_in("x", entry(), told(x=value)) == text


def test_a_long_text_is_cut() -> None:
    text = label_in("x", entry(), told(x="a" * 1000))
    assert (len(text), text[-1]) == (LONGEST, "…")


def test_inner_members_are_found_by_a_path_and_a_member_of_that_name_first() -> None:
    assert label_in("http.status", entry(), told(http={"status": 200})) == "200"
    assert label_in("http.status", entry(), told(**{"http": {"status": 200}, "http.status": 404})) == "404"
    assert label_in("http.status.code", entry(), told(http={"status": 200})) == ""


def test_level_and_stream_are_always_there_unless_the_message_has_its_own() -> None:
    plain = understand(b"ERROR no")
    assert label_in("level", entry(), plain) == "error"
    assert label_in("stream", entry("stderr"), plain) == "stderr"
    assert label_in("stream", entry("stderr"), told(stream="inner")) == "inner"
    assert label_in("level", entry(), understand(b"hello")) == ""


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (3, 3.0),
        (0.25, 0.25),
        ("7", 7.0),
        (" 0.5 ", 0.5),
        ("12ms", 0.012),
        ("1m30s", 90.0),
        (-1, None),
        ("-1s", None),
        ("NaN", None),
        ("+Inf", None),
        ("1e999", None),
        ("9" * 1000, None),
        ("much", None),
        ("", None),
        (True, None),
        (None, None),
        ([1], None),
    ],
)
def test_the_number_of_an_observation(value: Any, number: float | None) -> None:
    assert number_in("x", told(x=value)) == number


def test_a_field_that_is_not_there_has_no_number() -> None:
    assert number_in("y", told(x=1)) is None
