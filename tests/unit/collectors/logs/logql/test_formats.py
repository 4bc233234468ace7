from __future__ import annotations

from collections.abc import Mapping

import pytest

from collectors.logs.logql import formats
from collectors.logs.logql.ast import LogQuery
from collectors.logs.logql.line import Line
from collectors.logs.logql.parser import parse
from collectors.logs.logql.pipeline import Pipeline
from tests.unit.collectors.logs.logql.entries import entry, line


def through(stages: str, text: str = "a=1 b=2") -> Line:
    query = parse(f'{{app="web"}} {stages}')
    assert isinstance(query, LogQuery)
    found = Pipeline(query).run(entry(text, at=1.5, metadata={"pod": "p"}))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{.app}}/{{.pod}}/{{.a}}/{{.none}}", "web/p/1/"),
        ("{{__line__}}!", "a=1 b=2!"),
        ("{{__timestamp__}}", "1500000000"),
    ],
)
def test_a_line_made_anew(template: str, text: str) -> None:
    assert through(f"| logfmt | line_format `{template}`").text == text


def test_a_line_on_which_a_template_fails_stays() -> None:
    found = through("| logfmt | line_format `{{ trunc .a .b }}`")
    assert (found.text, found.error) == ("a=1 b=2", "TemplateFormatErr")


@pytest.mark.parametrize(
    ("stages", "labels"),
    [
        ("label_format x=a", {"x": "1", "b": "2"}),
        ("label_format a=b, b=a", {"b": "2"}),
        ("label_format a=none", {"a": "1", "b": "2"}),
        ('label_format x="{{.a}}{{.b}}", a="{{.x}}"', {"x": "12", "a": "", "b": "2"}),
        ('label_format a="{{.b}}", b="{{.a}}"', {"a": "2", "b": "1"}),
        ("label_format x=app | drop app", {"x": "web", "a": "1", "b": "2"}),
        ("drop a", {"b": "2"}),
        ('drop a="2", b=~"2|3", none', {"a": "1"}),
        ("keep b", {"b": "2"}),
        ('keep a="1", b="1"', {"a": "1"}),
    ],
)
def test_labels_made_anew(stages: str, labels: Mapping[str, str]) -> None:
    assert through(f"| logfmt | {stages}").parsed == labels


def test_labels_of_stream_and_metadata_can_go_too() -> None:
    assert through("| drop app, pod").labels() == {"stream": "stdout"}
    assert through("| keep pod").labels() == {"pod": "p"}
    assert through("| label_format pod=app").labels() == {"pod": "web", "stream": "stdout"}


def test_errors_can_be_dropped_and_are_always_kept() -> None:
    assert through("| json").error == "JSONParserErr"
    assert through("| json | keep app").error == "JSONParserErr"
    assert through("| json | drop __error__").labels(("app", "stream", "pod")) == {}
    assert through('| json | drop __error__="JSONParserErr", __error_details__').details == ""
    assert through('| json | drop __error__="other"').error == "JSONParserErr"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b[1;38;5;200mx\x1b[K", "x"),
        ("plain [0m", "plain [0m"),
        ("\x1b]0;title\x07x", "x"),
    ],
)
def test_colours_go(text: str, plain: str) -> None:
    coloured = line(text)
    assert formats.decolorize(coloured)
    assert coloured.text == plain
