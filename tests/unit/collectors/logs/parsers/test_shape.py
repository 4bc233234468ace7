from __future__ import annotations

from collectors.logs.parsers import shape
from collectors.logs.parsers.shape import shape_of


def test_the_surest_key_comes_first_wherever_it_stands() -> None:
    levels, usual, traces, spans = shape_of({"severity": 1, "traceId": 1, "x": 1, "level": 1, "trace_id": 1})
    assert levels == ("level", "severity")
    assert [key for key, _ in traces] == ["trace_id", "traceId"]
    assert spans == ()
    assert usual is None


def test_the_usual_pair_is_named() -> None:
    assert shape_of({"span_id": 1, "trace_id": 1})[1] == ("trace_id", "span_id")
    assert shape_of({"dd.span_id": 1, "trace_id": 1})[1] is None


def test_the_same_keys_give_the_same_shape() -> None:
    assert shape_of({"a": 1, "level": 2}) is shape_of({"a": 3, "level": 4})


def test_keys_that_never_come_again_do_not_fill_the_memory() -> None:
    for number in range(5000):
        shape_of({f"key{number}": 1, "level": 1})
    assert len(shape._shapes) <= 1024
    long = {"x" * 1000: 1, "level": 1}
    many = {f"k{number}": 1 for number in range(100)}
    assert shape_of(long)[0] == ("level",)
    assert shape_of(many)[0] == ()
    assert tuple(long) not in shape._shapes
    assert tuple(many) not in shape._shapes
