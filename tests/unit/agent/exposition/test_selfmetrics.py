"""What the agent says about itself is valid in both formats, and never about a thing that is gone."""

from __future__ import annotations

from importlib.metadata import version

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from agent.exposition.escaping import labels_text
from agent.exposition.render import render
from agent.exposition.selfmetrics import (
    CONTAINERS,
    FAMILIES,
    FINAL_SAMPLE_MISSED,
    HTTP_REQUESTS,
    LABELS_CUT,
    LIVE_STREAMS,
    SCRAPE_DURATION,
    SERIES_DROPPED,
    SelfMetrics,
)
from collectors.metrics import catalogue
from collectors.metrics.rows import Reading


def samples(own: SelfMetrics, *, openmetrics: bool = False) -> dict[tuple[str, ...], float]:
    """Values by name and label values, as a parser reads the exposition back."""
    text = b"".join(render([], [], openmetrics=openmetrics, registry=own.registry)).decode()
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in (parse_openmetrics if openmetrics else parse_text)(text)
        for sample in family.samples
    }


@pytest.mark.parametrize("openmetrics", [False, True])
def test_what_is_known_from_the_start(openmetrics: bool) -> None:
    found = samples(SelfMetrics("1.2.3"), openmetrics=openmetrics)
    (build,) = [key for key in found if key[0] == "deckwatch_build_info"]
    assert "1.2.3" in build
    assert found[("deckwatch_final_sample_missed_total",)] == 0
    assert found[("deckwatch_series_dropped_total",)] == 0
    assert found[("process_open_fds",)] > 0
    assert any(key[0] == "python_info" for key in found)
    assert not any(key[0].endswith("_created") for key in found)


def test_without_a_version_it_tells_the_installed_one() -> None:
    assert any(
        "deckwatch_build_info" in key and version("deckwatch") in key for key in samples(SelfMetrics())
    )


def test_counters_add_up() -> None:
    own = SelfMetrics("1")
    own.final_sample_missed()
    own.series_dropped(41)
    own.add(SERIES_DROPPED)
    own.rescanned("overflow")
    own.add(HTTP_REQUESTS, "/metrics", "200", amount=3)
    found = samples(own)
    assert found[("deckwatch_final_sample_missed_total",)] == 1
    assert found[("deckwatch_series_dropped_total",)] == 42
    assert found[("deckwatch_cgroup_rescans_total", "overflow")] == 1
    assert found[("deckwatch_http_requests_total", "200", "/metrics")] == 3


def test_labels_are_bounded() -> None:
    own = SelfMetrics("1")
    for number in range(10_000):
        own.add(HTTP_REQUESTS, f"/{number}", "404")
    found = {key: value for key, value in samples(own).items() if key[0] == "deckwatch_http_requests_total"}
    assert len(found) <= 501
    assert sum(found.values()) == 10_000


def test_a_reading_leaves_its_cost_and_errors() -> None:
    own = SelfMetrics("1")
    own.observe(Reading(1.0, [], {"cpu": 0.5, "old": 0.1}, {"cpu": 2}, vanished=3))
    own.observe(Reading(2.0, [], {"cpu": 0.25}, {"cpu": 1}))
    found = samples(own)
    assert found[("deckwatch_collector_duration_seconds", "cpu")] == 0.25
    assert ("deckwatch_collector_duration_seconds", "old") not in found
    assert found[("deckwatch_collector_errors_total", "cpu")] == 3
    assert found[("deckwatch_collector_errors_total", "old")] == 0
    assert found[("deckwatch_vanished_total",)] == 3


def test_support_is_replaced_as_a_whole() -> None:
    own = SelfMetrics("1")
    own.support({"pressure": "no PSI in this kernel", "cpu": ""})
    own.support({"pressure": "", "cpu": ""})
    found = {key: value for key, value in samples(own).items() if "supported" in key[0]}
    assert found == {
        ("deckwatch_collector_supported", "cpu", ""): 1,
        ("deckwatch_collector_supported", "pressure", ""): 1,
    }


def test_gauges_are_read_at_the_scrape() -> None:
    own, now = SelfMetrics("1"), {("docker", "container", "running"): 2}
    own.read(CONTAINERS, lambda: now)
    own.read(LIVE_STREAMS, lambda: len(now))
    own.put(SCRAPE_DURATION, 0.125)
    assert samples(own)[("deckwatch_containers", "docker", "container", "running")] == 2
    now.clear()
    found = samples(own)
    assert ("deckwatch_containers", "docker", "container", "running") not in found
    assert found[("deckwatch_live_streams",)] == 0
    assert found[("deckwatch_scrape_duration_seconds",)] == 0.125


def test_cut_labels_are_counted() -> None:
    own = SelfMetrics("1")
    before = samples(own)[(LABELS_CUT.name,)]
    labels_text([("name", "x" * 100_000)])
    assert samples(own)[(LABELS_CUT.name,)] == before + 1


def test_two_agents_in_one_process_share_nothing() -> None:
    one, two = SelfMetrics("1"), SelfMetrics("1")
    one.add(FINAL_SAMPLE_MISSED)
    assert samples(two)[("deckwatch_final_sample_missed_total",)] == 0


def test_every_family_has_one_meaning() -> None:
    names = [family.name for family in (*FAMILIES, *catalogue.ROW, *catalogue.HOST)]
    assert len(names) == len(set(names))
