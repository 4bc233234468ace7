"""What was counted of a metric."""

from __future__ import annotations

import msgspec
import pytest

from collectors.logs.metrics.measured import Exemplar, Measured, Series, stem
from collectors.logs.rule import LogMetric


def test_only_a_counter_has_no_total_of_its_own() -> None:
    assert stem(LogMetric(name="hits_total")) == "hits"
    assert stem(LogMetric(name="hits")) == "hits"
    assert stem(LogMetric(name="hits_total", kind="histogram")) == "hits_total"


def test_a_counter_has_no_buckets() -> None:
    assert Measured.of(LogMetric(name="hits_total", labels=(("code", "status"),))) == Measured(
        "hits", "counter", "", ("code",), ()
    )
    assert Measured.of(LogMetric(name="took", kind="histogram", buckets=(1.0,))).buckets == (1.0,)


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({"grep": "other", "help": "words"}, True),
        ({"name": "other"}, False),
        ({"buckets": (1.0, 3.0)}, False),
        ({"labels": (("code", "status"),)}, False),
        ({"kind": "counter"}, False),
    ],
)
def test_what_is_named_counted_and_labelled_alike_goes_on(changed: dict[str, object], same: bool) -> None:
    metric = LogMetric(name="took", kind="histogram", value="s", buckets=(1.0, 2.0))
    other = msgspec.structs.replace(metric, **changed)
    assert Measured.of(other).goes_on(Measured.of(metric)) is same


def test_it_survives_being_saved() -> None:
    series = Series(("a", ""), 2.5, [0, 1], {1: Exemplar(2.5, "0af7651916cd43dd8448eb211c80319c", 12.5)})
    one = Measured("took", "histogram", "words", ("x", "y"), (1.0,), [series])
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(one), type=Measured) == one
