from __future__ import annotations

from collections.abc import Mapping

import pytest

from collectors.logs.logql.ast import LogQuery
from collectors.logs.logql.line import Line
from collectors.logs.logql.parser import parse
from collectors.logs.logql.pipeline import Pipeline, needed
from tests.unit.collectors.logs.logql.entries import DB, entry


def read(query: str) -> LogQuery:
    parsed = parse(query)
    assert isinstance(parsed, LogQuery)
    return parsed


def run(query: str, text: str, labels: Mapping[str, str] | None = None) -> Line | None:
    return Pipeline(read(query)).run(entry(text, labels=labels) if labels else entry(text))


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        ('|= "GET"', True),
        ('|= "get"', False),
        ('|= ""', True),
        ('|= "x" or "GET"', True),
        ('|= "x" or "y"', False),
        ('!= "x"', True),
        ('!= "x" or "GET"', False),
        ('!= "x" != "GET"', False),
        ("|~ `\\d{3}$`", True),
        ('|~ "(?i)get"', True),
        ('!~ "^GET"', False),
        ('!~ "^POST" or "^PUT"', True),
        ('|= "GET" != "500" |~ "2.0"', True),
    ],
)
def test_line_filters(filters: str, passes: bool) -> None:
    assert (run(f'{{app="web"}} {filters}', "GET /a 200") is not None) == passes


def test_other_streams_are_not_wanted() -> None:
    assert run('{app="web"}', "x", DB) is None
    assert run('{app=~"web|db", stream!="stderr"}', "x", DB) is not None


def test_streams_are_told_apart_also_when_their_mappings_are_made_anew_each_time() -> None:
    pipeline = Pipeline(read('{app="web"}'))
    for number in range(10_000):
        app = "web" if number % 3 else "db"
        assert (pipeline.run(entry("x", labels={"app": app})) is not None) == (app == "web")


@pytest.mark.parametrize(
    ("stages", "text", "parsed"),
    [
        (
            "| regexp `(?P<method>\\w+) (?P<path>\\S+)( (?P<none>x))?`",
            "GET /a",
            {"method": "GET", "path": "/a", "none": ""},
        ),
        ('| regexp "(?P<app>.)"', "z", {"app_extracted": "z"}),
        ('| regexp "(?P<a>y)"', "z", {}),
        ('| pattern "<method> <_> <app>"', "GET /a é", {"method": "GET", "app_extracted": "é"}),
        ("| json | logfmt", "a=1", {"a": "1"}),
        ('| json | line_format "{{.m}}" | logfmt', '{"m":"b=2"}', {"m": "b=2", "b": "2"}),
    ],
)
def test_parsers(stages: str, text: str, parsed: Mapping[str, str]) -> None:
    found = run(f'{{app="web"}} {stages}', text)
    assert found is not None
    assert found.parsed == parsed


def test_a_filter_behind_a_format_sees_the_new_line() -> None:
    query = '{app="web"} | json | line_format "{{.m}}" |= "a"'
    assert run(query, '{"m":"a"}') is not None
    assert run(query, '{"m":"b"}') is None


def test_whether_lines_change() -> None:
    assert Pipeline(read('{a="b"} | line_format "x"')).changes_lines
    assert not Pipeline(read('{a="b"} | json | drop x')).changes_lines


def test_the_labels_that_stages_look_at() -> None:
    query = read(
        '{a="b"} | json | c="1" or d>2 and e>1s | line_format "{{.f}}" | label_format g=h, i="{{.j}}" | drop k="l"'
    )
    assert needed(query.stages) == {"c", "d", "e", "f", "h", "j", "k"}
    assert needed(()) == frozenset()


def test_only_wanted_labels_are_extracted() -> None:
    found = Pipeline(read('{app="web"} | json'), frozenset(("b",))).run(entry('{"a":"1","b":"2"}'))
    assert found is not None
    assert found.parsed == {"b": "2"}
