from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.metrics import (
    DEFAULTS,
    Options,
    default_step,
    evaluate_instant,
    evaluate_range,
    steps_of,
)
from collectors.logs.logql.parser import parse
from collectors.logs.logql.results import Result
from tests.unit.collectors.logs.logql.entries import DB, SECOND, WEB, each_second, entry

# One line a second from each of two streams: 1 s to 20 s.
ENTRIES = sorted(
    each_second(
        [
            f"level={'error' if number % 5 == 0 else 'info'} took={number}ms size={number}KB n={number}"
            for number in range(1, 21)
        ]
    )
    + each_second(["level=info"] * 20, DB),
    key=lambda each: each.time,
)


def metric(text: str) -> ast.Metric:
    parsed = parse(text)
    assert not isinstance(parsed, ast.LogQuery)
    return parsed


def at(query: str, seconds: float = 20, entries: list[Entry] = ENTRIES) -> dict[str, str]:
    """The instant vector, its series by the values of their labels."""
    found = evaluate_instant(metric(query), entries, round(seconds * SECOND))
    assert found.kind == "vector"
    return {",".join(each["metric"].values()): each["value"][1] for each in found.value}


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ('count_over_time({app="web"}[10s])', {"web,stdout": "10"}),
        ('count_over_time({app=~".+"}[10s])', {"web,stdout": "10", "db,stdout": "10"}),
        ('rate({app="web"}[10s])', {"web,stdout": "1"}),
        ('bytes_over_time({app="db"}[2s])', {"db,stdout": "22"}),
        ('bytes_rate({app="db"}[2s])', {"db,stdout": "11"}),
        ('count_over_time({app="none"}[10s])', {}),
        ('absent_over_time({app="none"}[10s])', {"none": "1"}),
        ('absent_over_time({app="web"}[10s])', {}),
        ('count_over_time({app="web"}[10s] offset 15s)', {"web,stdout": "5"}),
        ('sum by (level) (count_over_time({app="web"} | logfmt [20s]))', {"error": "4", "info": "16"}),
        ('sum(count_over_time({app=~".+"} | logfmt [20s])) by (level)', {"error": "4", "info": "36"}),
        ('sum(count_over_time({app=~".+"} | logfmt [20s]))', {"": "40"}),
        ('sum without (stream) (count_over_time({app=~".+"}[20s]))', {"web": "20", "db": "20"}),
        ('count(count_over_time({app=~".+"} | logfmt | drop took, size, n [20s]))', {"": "3"}),
        ('sum by (app) (sum_over_time({app="web"} | logfmt | unwrap n [4s]))', {"web": "74"}),
        ('avg_over_time({app="web"} | logfmt | unwrap n [4s]) by (app)', {"web": "18.5"}),
        ('max_over_time({app="web"} | logfmt | unwrap bytes(size) [4s]) by (app)', {"web": "20000"}),
        ('min_over_time({app="web"} | logfmt | unwrap duration(took) [4s]) by (app)', {"web": "0.017"}),
        ('first_over_time({app="web"} | logfmt | unwrap n [4s]) by (app)', {"web": "17"}),
        ('last_over_time({app="web"} | logfmt | unwrap n [4s]) by (app)', {"web": "20"}),
        ('stdvar_over_time({app="web"} | logfmt | unwrap n [4s]) by (app)', {"web": "1.25"}),
        ('quantile_over_time(0.5, {app="web"} | logfmt | unwrap n [5s]) by (app)', {"web": "18"}),
        ('sum(rate({app="web"} | logfmt | unwrap n [4s]))', {"": "18.5"}),
        ('sum by (app) (rate_counter({app="web"} | logfmt | keep app, n | unwrap n [4s]))', {"web": "1"}),
        ('topk(1, sum by (level) (count_over_time({app="web"} | logfmt [20s])))', {"info": "16"}),
        ('bottomk(1, sum by (level) (count_over_time({app="web"} | logfmt [20s])))', {"error": "4"}),
        (
            'sum(count_over_time({app="web"} |= "error" [20s])) / sum(count_over_time({app="web"}[20s]))',
            {"": "0.2"},
        ),
        ('sum by (app) (count_over_time({app=~".+"}[20s])) > 20', {}),
        ('sum by (app) (count_over_time({app=~".+"}[20s])) >= bool 20', {"web": "1", "db": "1"}),
        ('2 * sum by (app) (count_over_time({app="web"}[20s])) - 1', {"web": "39"}),
        (
            'count_over_time({app="web"}[5s]) or count_over_time({app="db"}[6s])',
            {"web,stdout": "5", "db,stdout": "6"},
        ),
        ('count_over_time({app="web"}[5s]) or vector(0)', {"web,stdout": "5", "": "0"}),
        ('sum(count_over_time({app="none"}[5s])) or vector(0)', {"": "0"}),
        (
            'label_replace(sum by (app) (count_over_time({app="web"}[5s])), "x", "${1}!", "app", "(w).*")',
            {"web,w!": "5"},
        ),
        ('label_replace(sum by (app) (count_over_time({app="web"}[5s])), "app", "", "app", ".*")', {"": "5"}),
        (
            'label_replace(sum by (app) (count_over_time({app="web"}[5s])), "x", "y", "app", "we")',
            {"web": "5"},
        ),
        ("vector(1)+vector(1)", {"": "2"}),
    ],
)
def test_instant_queries(query: str, result: dict[str, str]) -> None:
    assert at(query) == result


def test_a_sorted_vector_keeps_its_order() -> None:
    query = 'sort_desc(sum by (level) (count_over_time({app="web"} | logfmt [20s])))'
    assert list(at(query)) == ["info", "error"]
    assert list(at(query.replace("sort_desc", "sort"))) == ["error", "info"]


def test_a_number_is_a_scalar_at_one_time_and_a_matrix_over_a_range() -> None:
    assert evaluate_instant(metric("1 + 1"), [], 1_500_000_000) == Result("scalar", [1.5, "2"])
    assert evaluate_range(metric("1 + 1"), [], 0, 2 * SECOND, SECOND).value == [
        {"metric": {}, "values": [[0, "2"], [1, "2"], [2, "2"]]}
    ]


def over(query: str, start: int, end: int, step: int, options: Options = DEFAULTS) -> list[Any]:
    found = evaluate_range(metric(query), ENTRIES, start * SECOND, end * SECOND, step * SECOND, options)
    assert found.kind == "matrix"
    return found.value


def test_range_queries() -> None:
    assert over('count_over_time({app="web"}[5s])', 0, 25, 5) == [
        {"metric": dict(WEB), "values": [[5, "5"], [10, "5"], [15, "5"], [20, "5"]]}
    ]
    assert over('sum(count_over_time({app=~".+"}[10s]))', 10, 30, 5) == [
        {"metric": {}, "values": [[10, "20"], [15, "20"], [20, "20"], [25, "10"]]}
    ]


def test_start_and_end_move_outwards_to_whole_steps() -> None:
    assert steps_of(7, 23, 5) == (5, 5, 5)
    assert steps_of(5, 25, 5) == (5, 5, 5)
    assert steps_of(5, 5, 5) == (5, 5, 1)
    (series,) = over('count_over_time({app="web"}[5s])', 7, 13, 5)
    assert [time for time, _ in series["values"]] == [5, 10, 15]


def test_operands_with_different_windows_meet_at_each_step() -> None:
    query = 'sum(count_over_time({app="web"}[5s] offset 10s)) + sum(count_over_time({app="db"}[5s]))'
    (series,) = over(query, 0, 40, 5)
    assert series["values"] == [[15, "10"], [20, "10"]]
    either = query.replace("+", "or")
    (series,) = over(either, 0, 40, 5)
    assert [time for time, _ in series["values"]] == [5, 10, 15, 20, 25, 30]


@pytest.mark.parametrize(
    ("start", "end", "step", "message"),
    [(0, 10, 0, "resolution step"), (10, 0, 1, "end timestamp"), (0, 12_000, 1, "at most 11000")],
)
def test_ranges_that_make_no_sense(start: int, end: int, step: int, message: str) -> None:
    with pytest.raises(LogQLError, match=message):
        over("vector(1)", start, end, step)


def test_series_of_a_result_are_bounded() -> None:
    query = 'count_over_time({app="web"} | logfmt | keep n [20s])'
    assert len(over(query, 0, 20, 20, Options(max_series=20))) == 20
    with pytest.raises(LogQLError, match=r"maximum of series \(19\) reached"):
        over(query, 0, 20, 20, Options(max_series=19))
    with pytest.raises(LogQLError, match=r"maximum of series \(19\) reached"):
        over('count_over_time({app="web"} | logfmt | keep n [1s])', 0, 20, 1, Options(max_series=19))
    with pytest.raises(LogQLError, match=r"maximum of series \(500\) reached"):
        lines = [entry(f"n={number}", at=1) for number in range(501)]
        at('count_over_time({app="web"} | logfmt [20s])', entries=lines)


def test_metadata_that_name_an_entry_make_no_series() -> None:
    lines = [entry("x", at=number, metadata={"uid": str(number), "pod": "p"}) for number in range(1, 6)]
    assert at('count_over_time({app="web"}[20s])', entries=lines) == {"web,p,stdout": "5"}
    assert len(at('sum by (uid) (count_over_time({app="web"}[20s]))', entries=lines)) == 5


def test_labels_that_become_the_same_are_refused() -> None:
    query = 'label_replace(sum by (app) (count_over_time({app=~".+"}[5s])), "app", "x", "app", ".*")'
    with pytest.raises(LogQLError, match="the same labels"):
        at(query)


def test_no_more_is_read_than_is_needed() -> None:
    def endless() -> Iterator[Entry]:
        number = 0
        while True:
            number += 1
            yield entry("x", at=number)

    found = evaluate_range(metric('count_over_time({app="web"}[1s])'), endless(), 0, 5 * SECOND, SECOND)
    assert len(found.value[0]["values"]) == 5
    assert evaluate_instant(metric("vector(1)"), endless(), 0).value[0]["value"] == [0, "1"]


def test_the_step_when_none_is_given() -> None:
    assert default_step(0, 10 * SECOND) == SECOND
    assert default_step(10_000 * SECOND, 13_600 * SECOND) == 14 * SECOND


@pytest.mark.parametrize("seed", range(100))
def test_no_line_makes_a_query_fail_otherwise_than_it_may(seed: int) -> None:
    chance = random.Random(seed)
    stages = [
        "| json",
        '| json x="a[0].b", y',
        "| logfmt",
        "| logfmt --strict z",
        '| regexp "(?P<r>.)"',
        '| pattern "<a> <b>"',
        "| x > 5",
        "| a > 1s or b > 1KB",
        '| line_format "{{ div .a .b }}{{ .x | trunc 3 }}"',
        "| label_format q=a, a=`{{ regexReplaceAll .a .b .c }}`",
        "| drop a, app",
        '| keep b, x=~"."',
        "| decolorize",
    ]
    pieces = [
        '{"a":',
        '"b"',
        "1.5",
        "}",
        "[",
        "]",
        " ",
        "a=",
        '"',
        "\\",
        "b=1",
        "\x00",
        "\x1b[1m",
        "é",
        "\U0001f600",
        "=",
        "[(",
        ",",
    ]
    lines = ["".join(chance.choices(pieces, k=chance.randrange(12))) for _ in range(50)]
    chosen = " ".join(chance.choices(stages, k=chance.randrange(1, 5)))
    entries = each_second(lines)
    for query in (
        f'sum_over_time({{app="web"}} {chosen} | unwrap a [9s])',
        f'rate({{app="web"}} {chosen} [9s])',
    ):
        try:
            evaluate_range(metric(query), entries, 0, 60 * SECOND, 7 * SECOND)
        except LogQLError as error:
            assert "pipeline error" in str(error)
