"""Whether a metric can be made."""

from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.judge import BadQuery
from collectors.logs.metrics.check import MOST_METRICS, BadMetric, check, distinct, exposed
from collectors.logs.rule import LogMetric


@pytest.mark.parametrize(
    "members",
    [
        {"name": "requests"},
        {"name": "requests_total", "grep": "GET", "level": "info,warn"},
        {"name": "took", "kind": "histogram", "value": "s", "buckets": ()},
        {"name": "a", "labels": (("image", "image"), ("code", "status"))},
    ],
)
def test_what_can_be_made(members: dict[str, Any]) -> None:
    check(LogMetric(**members))


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"name": ""}, "the metric's name"),
        ({"name": "2xx"}, "without a digit first"),
        ({"name": "a-b"}, "the metric's name"),
        ({"name": "a\n"}, "the metric's name"),
        ({"name": "é"}, "the metric's name"),
        ({"name": "a" * 101}, "the metric's name"),
        ({"name": "took_bucket"}, "at its end"),
        ({"name": "took_total", "kind": "histogram", "value": "s"}, "at its end"),
        ({"name": "took_total_total"}, "at its end"),
        ({"name": "a", "help": "x" * 501}, "its help has 501"),
        ({"name": "a", "kind": "histogram"}, "name the field"),
        ({"name": "a", "max_values": 0}, "max_values"),
        ({"name": "a", "max_values": 1001}, "max_values"),
        ({"name": "a", "labels": (("le", "x"),)}, "'le' is no name"),
        ({"name": "a", "labels": (("__name__", "x"),)}, "is no name"),
        ({"name": "a", "labels": (("a b", "x"),)}, "is no name"),
        ({"name": "a", "labels": tuple((f"l{n}", "x") for n in range(6))}, "the most are 5"),
        ({"name": "a", "labels": (("image", "x"), ("log_image", "y"))}, "two labels of one name"),
        ({"name": "a", "buckets": (1.0, 1.0)}, "bounds of buckets"),
        ({"name": "a", "buckets": (1.0, float("inf"))}, "bounds of buckets"),
        ({"name": "a", "buckets": (float("nan"),)}, "bounds of buckets"),
        ({"name": "a", "buckets": tuple(map(float, range(33)))}, "the most are 32"),
    ],
)
def test_what_cannot(members: dict[str, Any], words: str) -> None:
    with pytest.raises(BadMetric, match=words):
        check(LogMetric(**members))


def test_patterns_and_levels_are_read() -> None:
    with pytest.raises(BadQuery):
        check(LogMetric(name="a", grep="("))
    with pytest.raises(BadQuery):
        check(LogMetric(name="a", level="loud"))


def test_of_one_name_the_first_is_made() -> None:
    first = LogMetric(name="hits", grep="a")
    again = LogMetric(name="hits_total", grep="b")
    other = LogMetric(name="other")
    kept, told = distinct([first, again, other, first])
    assert kept == [first, other]
    assert len(told) == 1 and "hits_total is there twice" in told[0]


def test_a_container_has_so_many_and_no_more() -> None:
    kept, told = distinct([LogMetric(name=f"m{n}") for n in range(MOST_METRICS + 2)])
    assert [one.name for one in kept] == [f"m{n}" for n in range(MOST_METRICS)]
    assert len(told) == 2


def test_labels_that_each_series_has_already_are_told_apart() -> None:
    assert [exposed(label) for label in ("image", "container_label_app", "code")] == [
        "log_image",
        "log_container_label_app",
        "code",
    ]
