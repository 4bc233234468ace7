from __future__ import annotations

import pytest

from collectors.logs.logql import ahead, ast
from collectors.logs.logql.line import Line
from collectors.logs.logql.parser import parse
from tests.unit.collectors.logs.logql.entries import entry


def stages(text: str) -> tuple[ast.Stage, ...]:
    query = parse(f'{{a="b"}} {text}')
    assert isinstance(query, ast.LogQuery)
    return query.stages


@pytest.mark.parametrize(
    ("text", "texts", "rest"),
    [
        ('|= "a" | json != "b" | x="1" |~ "c"', ["a", "b", "c"], ["JsonParser", "LabelFilter"]),
        ('| json |= "a" | line_format "x" |= "b"', ["a"], ["JsonParser", "LineFormat", "LineFilter"]),
        ('| decolorize |= "b"', [], ["Decolorize", "LineFilter"]),
    ],
)
def test_filters_of_the_written_line_come_first(text: str, texts: list[str], rest: list[str]) -> None:
    filters, others = ahead.split(stages(text))
    assert [each.texts[0] for each in filters] == texts
    assert [type(each).__name__ for each in others] == rest


@pytest.mark.parametrize(
    ("text", "line_labels", "passes"),
    [
        ('| json | level="error"', {"level": "error"}, True),
        ('| json | level="error"', {"level": "info"}, False),
        ('| json | level="error"', {}, True),
        ('| json | level="error" and x="1"', {"level": "info"}, True),
        ('| json | logfmt | x="1" | level="error"', {"level": "info"}, False),
        ('| json | level="error" or level="warn"', {"level": "info"}, False),
    ],
)
def test_a_label_that_the_entry_has_is_judged_before_its_line_is_parsed(
    text: str, line_labels: dict[str, str], passes: bool
) -> None:
    under_way = Line(entry("x", metadata=line_labels))
    assert all(judge(under_way) for judge in ahead.label_filters(stages(text))) == passes


@pytest.mark.parametrize(
    "text",
    [
        '| level="error"',
        '| json | drop level | level="error"',
        '| json | label_format level="x" | level="error"',
        "| json | level > 1",
    ],
)
def test_what_could_change_the_answer_is_not_judged_ahead(text: str) -> None:
    assert ahead.label_filters(stages(text)) == []
