from __future__ import annotations

from collections.abc import Mapping

import pytest

from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import Entry
from collectors.logs.logql.parser import parse
from collectors.logs.logql.samples import Sampler
from tests.unit.collectors.logs.logql.entries import DB, entry

METADATA = {"pod": "p", "uid": "u1", "trace_id": "t1"}


def sample(
    query: str, one: Entry, by: tuple[str, ...] | None = None
) -> tuple[Mapping[str, str], float] | None:
    node = parse(query)
    assert isinstance(node, ast.RangeAggregation)
    grouping = node.grouping if by is None else ast.Grouping(False, by)
    found = Sampler(node, grouping, ("uid", "trace_id")).sample(one)
    return found and (dict(found[0]), found[1])


def test_a_series_has_all_labels_but_those_that_name_one_entry() -> None:
    found = sample('count_over_time({app="web"} | logfmt [1m])', entry("a=1", metadata=METADATA))
    assert found == ({"app": "web", "stream": "stdout", "pod": "p", "a": "1"}, 1)
    assert sample('rate({app="web"}[1m])', entry("x", metadata=METADATA)) == (
        {"app": "web", "stream": "stdout", "pod": "p"},
        1,
    )


def test_a_grouping_names_what_it_wants() -> None:
    one = entry("a=1 b=2", metadata=METADATA)
    assert sample('rate({app="web"} | logfmt [1m])', one, ("a", "uid", "none")) == (
        {"a": "1", "uid": "u1"},
        1,
    )
    assert sample('rate({app="web"} | logfmt [1m])', one, ()) == ({}, 1)
    without = 'max_over_time({app="web"} | logfmt | unwrap b [1m]) without (stream, a)'
    assert sample(without, one) == ({"app": "web", "pod": "p"}, 2)


def test_other_lines_give_none() -> None:
    assert sample('rate({app="web"}[1m])', entry("x", labels=DB)) is None
    assert sample('rate({app="web"} |= "y" [1m])', entry("x")) is None
    assert sample('sum_over_time({app="web"} | logfmt | unwrap none [1m])', entry("a=1")) is None


@pytest.mark.parametrize(
    ("unwrap", "value"),
    [
        ("n", 1.5),
        ("duration(d)", 0.25),
        ("duration_seconds(d)", 0.25),
        ("bytes(z)", 2000.0),
        ('n | n="1.5"', 1.5),
        ('n | d="0"', None),
    ],
)
def test_unwrapped_values(unwrap: str, value: float | None) -> None:
    query = f'sum_over_time({{app="web"}} | logfmt | unwrap {unwrap} [1m]) '
    found = sample(query, entry("n=1.5 d=250ms z=2KB"))
    assert (found and found[1]) == value


def test_bytes_are_those_of_the_entry_or_of_a_line_made_anew() -> None:
    one = Entry(0, {"app": "web"}, {}, "a=é", 100)
    assert sample('bytes_over_time({app="web"}[1m])', one) == ({"app": "web"}, 100)
    found = sample('bytes_over_time({app="web"} | logfmt | line_format "{{.a}}" [1m])', one)
    assert found == ({"app": "web", "a": "é"}, 2)


@pytest.mark.parametrize(
    "query",
    [
        'rate({app="web"} | json [1m])',
        'sum_over_time({app="web"} | logfmt | unwrap a [1m])',
        'rate({app="web"} | logfmt | a > 1 [1m])',
        'rate({app="web"} | line_format `{{ div 1 0 }}` [1m])',
    ],
)
def test_a_line_that_failed_in_a_stage_fails_the_query(query: str) -> None:
    with pytest.raises(LogQLError, match=r"pipeline error: '\w+Err' for series: '{.*app=\"web\""):
        sample(query, entry("a=text"))


@pytest.mark.parametrize(
    "query",
    [
        'rate({app="web"} | json | __error__="" [1m])',
        'sum_over_time({app="web"} | logfmt | unwrap a | __error__="" [1m])',
    ],
)
def test_such_lines_can_be_left_out(query: str) -> None:
    assert sample(query, entry("a=text")) is None


def test_what_no_label_is_wanted_of_is_not_parsed() -> None:
    assert sample('rate({app="web"} | json [1m])', entry("text"), ()) == ({}, 1)
    with pytest.raises(LogQLError, match="JSONParserErr"):
        sample('rate({app="web"} | json [1m])', entry("text"), ("level",))


def test_series_are_told_apart_also_when_mappings_are_made_anew_each_time() -> None:
    node = parse('rate({app=~".+"}[1m])')
    assert isinstance(node, ast.RangeAggregation)
    sampler = Sampler(node, None, ())
    for number in range(10_000):
        app = f"a{number % 7}"
        assert sampler.sample(entry("x", labels={"app": app})) == (frozenset({("app", app)}), 1)
