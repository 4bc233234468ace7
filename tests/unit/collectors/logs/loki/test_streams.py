"""Streams, and which of them selectors choose."""

from __future__ import annotations

import os

import pytest

from collectors.logs.logql.errors import LogQLError
from collectors.logs.loki.streams import chosen, label_sets, matchers_of
from tests.unit.collectors.logs.loki.asking import Asking


@pytest.mark.parametrize(
    ("selector", "streams"),
    [
        ('{name="web"}', ["stderr", "stdout"]),
        ('{name=~"w.b",stream="stderr"}', ["stderr"]),
        ('{name!="web",stream=~".+"}', []),
        ('{service_name="web",node="n1"} |= "x" | json', ["stderr", "stdout"]),
        ('{team="shop"}', ["stderr", "stdout"]),
        ('{team="other"}', []),
    ],
)
def test_streams_are_chosen_by_their_labels(asking: Asking, selector: str, streams: list[str]) -> None:
    question = asking.question("series", external_labels={"team": "shop"})
    found = list(chosen(question, [matchers_of(selector)], 0))
    assert sorted(stream for one in found for stream in one.labels) == streams


def test_what_ended_before_is_left_out(asking: Asking) -> None:
    asking.targets.append(asking.target("old", asking.log.path, finished=True))
    os.utime(asking.log.path, ns=(asking.start, asking.start))
    names = {labels["name"] for labels in label_sets(asking.question("series", start=asking.end))}
    assert names == {"web"}
    names = {labels["name"] for labels in label_sets(asking.question("series"))}
    assert names == {"old", "web"}


def test_several_selectors_choose_each_stream_once(asking: Asking) -> None:
    selectors = ['{name="web"}', '{name="web", stream="stdout"}']
    assert len(label_sets(asking.question("series", selectors=selectors))) == 2
    assert len(label_sets(asking.question("series", selectors=["{}"]))) == 2


def test_a_metric_query_is_no_selector() -> None:
    with pytest.raises(LogQLError, match="only a selector"):
        matchers_of('rate({name="web"}[1m])')
