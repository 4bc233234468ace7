"""Metrics from what a container prints."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import msgspec

from collectors.logs.entry import Entry
from collectors.logs.metrics.measured import Exemplar, Measured
from collectors.logs.metrics.meter import MOST_SAMPLES, OTHER, Meter, meter_of
from collectors.logs.rule import LogMetric, Redaction, Rule

TRACE = "0af7651916cd43dd8448eb211c80319c"
CODES = LogMetric(name="codes", labels=(("code", "status"),))
TOOK = LogMetric(name="took", kind="histogram", value="s", buckets=(0.1, 1.0))


def entries(*messages: bytes | dict[str, Any]) -> Sequence[Entry]:
    return [
        Entry(
            2_500_000_000, "stdout", one if isinstance(one, bytes) else json.dumps(one).encode(), b"k", at, 1
        )
        for at, one in enumerate(messages)
    ]


def metered(metric: LogMetric, *messages: bytes | dict[str, Any], **rule: Any) -> Measured:
    measured: list[Measured] = []
    Meter(Rule(metrics=(metric,), **rule), measured).take(entries(*messages))
    (one,) = measured
    return one


def totals(one: Measured) -> dict[tuple[str, ...], float]:
    return {series.values: series.total for series in one.series}


def test_a_counter_without_labels_is_there_at_zero_and_counts_what_matches() -> None:
    metric = LogMetric(name="gets", grep="^GET ")
    assert totals(metered(metric)) == {(): 0}
    assert totals(metered(metric, b"GET /", b"PUT / GET ", b"GET /a")) == {(): 2}


def test_a_counter_counts_levels_by_the_parser_of_the_rule() -> None:
    metric = LogMetric(name="bad", level="error,unknown")
    assert totals(metered(metric, b"ERROR a", b"INFO b", b"hello")) == {(): 2}
    assert totals(metered(metric, b"a=1 oops=ERROR", parser="regex:oops=(?P<level>\\w+)")) == {(): 1}


def test_a_counter_adds_up_a_value_and_leaves_out_what_has_none() -> None:
    metric = LogMetric(name="sent", value="bytes")
    assert totals(metered(metric, {"bytes": 10}, {"bytes": "5"}, {"bytes": -7}, {"other": 1})) == {(): 15}


def test_labels_come_from_fields_and_an_absent_one_is_empty() -> None:
    assert totals(metered(CODES, {"status": 200}, {"status": "200"}, {"status": 500}, {})) == {
        ("200",): 2,
        ("500",): 1,
        ("",): 1,
    }


def test_further_values_are_counted_as_other_also_after_a_restart() -> None:
    metric = msgspec.structs.replace(CODES, max_values=2)
    measured: list[Measured] = []
    rule = Rule(metrics=(metric,))
    Meter(rule, measured).take(entries(*({"status": status} for status in (1, 2, 3, 4, 1))))
    assert totals(measured[0]) == {("1",): 2, ("2",): 1, (OTHER,): 2}
    again = msgspec.msgpack.decode(msgspec.msgpack.encode(measured), type=list[Measured])
    Meter(rule, again).take(entries({"status": 1}, {"status": 5}, {}))
    assert totals(again[0]) == {("1",): 3, ("2",): 1, (OTHER,): 3, ("",): 1}


def test_a_container_has_so_many_samples_and_no_more() -> None:
    metric = LogMetric(name="ids", labels=(("a", "a"), ("b", "b")), max_values=1000)
    one = metered(metric, *({"a": n % 100, "b": n} for n in range(MOST_SAMPLES // 2)))
    assert len(one.series) == MOST_SAMPLES // 2
    some = ({"a": n % 1000, "b": (n * 7) % 997} for n in range(3 * MOST_SAMPLES))
    one = metered(metric, *some)
    assert len(one.series) == MOST_SAMPLES + 1
    assert totals(one)[OTHER, OTHER] > 0
    assert sum(totals(one).values()) == 3 * MOST_SAMPLES


def test_a_histogram_observes_and_keeps_the_newest_trace_of_a_bucket() -> None:
    one = metered(TOOK, {"s": 0.1}, {"s": "50ms", "trace_id": TRACE}, {"s": 0.5}, {"s": 3}, {"t": 1})
    (series,) = one.series
    assert series.buckets == [2, 1, 1]
    assert series.total == 0.1 + 0.05 + 0.5 + 3
    assert series.exemplars == {0: Exemplar(0.05, TRACE, 2.5)}


def test_what_is_redacted_is_in_no_label() -> None:
    metric = LogMetric(name="who", labels=(("user", "user"),))
    redact = Redaction(defaults=False, patterns=(("user", "alice"),))
    assert totals(metered(metric, {"user": "alice"}, redact=redact)) == {("[redacted:user]",): 1}


def test_another_metric_begins_anew_and_one_that_is_gone_is_forgotten() -> None:
    measured: list[Measured] = []
    Meter(Rule(metrics=(CODES, TOOK)), measured).take(entries({"status": 200, "s": 1}))
    changed = msgspec.structs.replace(TOOK, buckets=(5.0,))
    Meter(Rule(metrics=(changed, CODES)), measured)
    assert [one.name for one in measured] == ["took", "codes"]
    assert [series.buckets for series in measured[0].series] == [[0, 0]]
    assert totals(measured[1]) == {("200",): 1}
    assert meter_of(Rule(), measured) is None
    assert measured == []


def test_of_two_metrics_of_one_name_the_first_counts() -> None:
    measured: list[Measured] = []
    rule = Rule(metrics=(LogMetric(name="a", grep="x"), LogMetric(name="a", grep="y")))
    Meter(rule, measured).take(entries(b"x", b"y", b"y"))
    assert [totals(one) for one in measured] == [{(): 1}]
