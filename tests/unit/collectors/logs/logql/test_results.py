from __future__ import annotations

import math

from collectors.logs.logql import ast
from collectors.logs.logql.logs import LogLine
from collectors.logs.logql.parser import parse
from collectors.logs.logql.results import instant, matrix, streams
from collectors.logs.logql.vector import NONE, labels_of


def metric(text: str) -> ast.Metric:
    parsed = parse(text)
    assert not isinstance(parsed, ast.LogQuery)
    return parsed


def test_a_number_is_a_scalar() -> None:
    assert instant(metric("2"), {NONE: 2.0}, 1_500_000_000) == ("scalar", [1.5, "2"])


def test_a_vector_is_ordered_by_labels_or_as_the_query_sorts() -> None:
    vector = {labels_of({"b": "1"}): 2.0, labels_of({"a": "1", "c": "2"}): math.nan}
    assert instant(metric("vector(1)"), vector, 10**18).value == [
        {"metric": {"a": "1", "c": "2"}, "value": [1_000_000_000, "NaN"]},
        {"metric": {"b": "1"}, "value": [1_000_000_000, "2"]},
    ]
    first = instant(metric("sort(vector(1))"), vector, 0).value[0]
    assert first == {"metric": {"b": "1"}, "value": [0, "2"]}


def test_a_matrix_has_points_of_seconds_and_text() -> None:
    found = matrix({labels_of({"b": "1"}): [(1_000_000_000, 1.0), (1_250_999_999, 0.5)], NONE: [(0, 1e21)]})
    assert found == (
        "matrix",
        [
            {"metric": {}, "values": [[0, "1000000000000000000000"]]},
            {"metric": {"b": "1"}, "values": [[1, "1"], [1.25, "0.5"]]},
        ],
    )


LINES = [
    LogLine(3, {"app": "b"}, {"pod": "p"}, {"x": "1"}, "third"),
    LogLine(2, {"app": "a"}, {}, {}, "second"),
    LogLine(1, {"app": "b"}, {}, {}, "first"),
]


def test_streams_are_named_by_all_labels() -> None:
    assert streams(LINES) == (
        "streams",
        [
            {"stream": {"app": "a"}, "values": [["2", "second"]]},
            {"stream": {"app": "b"}, "values": [["1", "first"]]},
            {"stream": {"app": "b", "pod": "p", "x": "1"}, "values": [["3", "third"]]},
        ],
    )


def test_categories_are_told_apart() -> None:
    assert streams(LINES, categorize=True).value[1] == {
        "stream": {"app": "b"},
        "values": [
            ["3", "third", {"structuredMetadata": {"pod": "p"}, "parsed": {"x": "1"}}],
            ["1", "first", {}],
        ],
    }
