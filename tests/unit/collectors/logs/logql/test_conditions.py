from __future__ import annotations

import pytest

from collectors.logs.logql.ast import LabelFilter, LogQuery
from collectors.logs.logql.conditions import condition
from collectors.logs.logql.parser import parse
from tests.unit.collectors.logs.logql.entries import line


def judged(text: str, **labels: str) -> tuple[bool, str]:
    query = parse(f'{{a="b"}} | {text}')
    assert isinstance(query, LogQuery)
    (stage,) = query.stages
    assert isinstance(stage, LabelFilter)
    under_way = line("x", **labels)
    return condition(stage.condition)(under_way), under_way.error


@pytest.mark.parametrize(
    ("text", "met"),
    [
        ('s="200"', True),
        ('s!="200"', False),
        ('s=~"2.."', True),
        ('s=~"2"', False),
        ('s!~"5.."', True),
        ("s=200", True),
        ("s==200.0", True),
        ("s!=200", False),
        ("s>199", True),
        ("s>=201", False),
        ("s<200", False),
        ("s<=200", True),
        ("d>1s", True),
        ("d<=1500ms", True),
        ("z>1KB", True),
        ("z<1KiB", True),
        ('none=""', True),
        ('none="x"', False),
        ("none<1", False),
        ("none>0s or s=200", True),
        ("s=200 and (d>2s or z=1001B)", True),
        ('app="web"', True),
        ('__error__=""', True),
    ],
)
def test_filters(text: str, met: bool) -> None:
    assert judged(text, s="200", d="1.5s", z="1.001KB") == (met, "")


@pytest.mark.parametrize("text", ["s>1", "s>1s", "s>1KB"])
def test_a_value_of_another_kind_is_kept_and_marked(text: str) -> None:
    assert judged(text, s="text") == (True, "LabelFilterErr")


def test_an_earlier_error_stays() -> None:
    under_way = line("x", s="text")
    under_way.fail("JSONParserErr", "no")
    query = parse('{a="b"} | s>1')
    assert isinstance(query, LogQuery) and isinstance(query.stages[0], LabelFilter)
    assert condition(query.stages[0].condition)(under_way)
    assert under_way.error == "JSONParserErr"
