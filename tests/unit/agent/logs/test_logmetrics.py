"""Metrics from messages as a scrape has them."""

from __future__ import annotations

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as text_families

from agent.exposition.render import render
from agent.logs.logmetrics import LogMetrics
from collectors.logs.metrics.measured import Exemplar, Measured, Series

TRACE = "0af7651916cd43dd8448eb211c80319c"
BASE = 'id="/a",name="web",image=""'
CODES = Measured("codes", "counter", "By code.\n", ("code", "image"), (), [Series(("200", 'a"b'), 3.0)])
TOOK = Measured(
    "took", "histogram", "", (), (0.1, 1.0), [Series((), 2.5, [2, 1, 1], {0: Exemplar(0.05, TRACE, 2.5)})]
)


def exposed(*measured: tuple[str, Measured], openmetrics: bool, told: list[str] | None = None) -> str:
    metrics = LogMetrics((told if told is not None else []).append)
    sections = metrics.sections(measured)
    return b"".join(render([], sections, openmetrics=openmetrics)).decode()


@pytest.mark.parametrize("openmetrics", [False, True])
def test_both_formats_say_the_same(openmetrics: bool) -> None:
    text = exposed((BASE, CODES), (BASE, TOOK), openmetrics=openmetrics)
    families = openmetrics_families(text) if openmetrics else text_families(text)
    samples = {
        (sample.name, sample.labels.get("le")): (sample.labels, sample.value)
        for family in families
        for sample in family.samples
    }
    prefix = "container_log_metric_"
    labels = {"id": "/a", "name": "web", "image": ""}
    assert samples[f"{prefix}codes_total", None] == (labels | {"code": "200", "log_image": 'a"b'}, 3)
    assert [samples[f"{prefix}took_bucket", bound][1] for bound in ("0.1", "1.0", "+Inf")] == [2, 3, 4]
    assert samples[f"{prefix}took_sum", None] == (labels, 2.5)
    assert samples[f"{prefix}took_count", None] == (labels, 4)


def test_exemplars_are_in_openmetrics_alone() -> None:
    assert "trace_id" not in exposed((BASE, TOOK), openmetrics=False)
    line = f'_bucket{{{BASE},le="0.1"}} 2 # {{trace_id="{TRACE}"}} 0.05 2.500\n'
    assert line in exposed((BASE, TOOK), openmetrics=True)


def test_an_empty_value_is_no_label() -> None:
    one = Measured("codes", "counter", "", ("code",), (), [Series(("",), 1.0)])
    assert f"codes_total{{{BASE}}} 1\n" in exposed((BASE, one), openmetrics=False)


def test_many_containers_are_one_family_and_the_first_means_what_it_is() -> None:
    told: list[str] = []
    other = 'id="/b",name="db",image=""'
    clash = Measured("took", "counter", "", (), (), [Series((), 9.0)])
    text = exposed((BASE, TOOK), (other, clash), (other, CODES), openmetrics=False, told=told)
    assert text.count("# TYPE") == 2
    assert "took_total" not in text
    assert len(told) == 1 and "took of" in told[0] and "/b" in told[0]


def test_a_clash_is_told_once() -> None:
    told: list[str] = []
    metrics = LogMetrics(told.append)
    clash = Measured("took", "histogram", "", (), (5.0,), [Series((), 0.0, [0, 0])])
    for _ in range(3):
        metrics.sections([(BASE, TOOK), (BASE, clash)])
    assert len(told) == 1


def test_what_has_no_series_is_no_family() -> None:
    assert exposed((BASE, Measured("codes", labels=("code",))), openmetrics=False) == ""


def test_texts_that_are_no_unicode_spoil_nothing() -> None:
    one = Measured("codes", "counter", "\ud800", ("code",), (), [Series(("\ud800",), 1.0)])
    assert 'code="\ufffd"' in exposed((BASE, one), openmetrics=False)


def test_great_numbers_are_numbers() -> None:
    one = Measured("sent", "counter", "", (), (), [Series((), float("inf"))])
    assert "} +Inf\n" in exposed((BASE, one), openmetrics=False)
    one = Measured("sent", "counter", "", (), (), [Series((), 1e300)])
    assert "} 1e+300\n" in exposed((BASE, one), openmetrics=True)
