from __future__ import annotations

import pytest

from collectors.logs.logql.ast import Extraction, JsonParser
from collectors.logs.logql.jsonstage import json_stage
from collectors.logs.logql.line import Line
from tests.unit.collectors.logs.logql.entries import entry, line


def found(text: str, *extractions: tuple[str, str]) -> dict[str, str]:
    under_way = line(text)
    assert json_stage(JsonParser(tuple(Extraction(*each) for each in extractions)))(under_way)
    return under_way.parsed | ({"__error__": under_way.error} if under_way.error else {})


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ('{"a":"b","c":1,"d":true,"e":false}', {"a": "b", "c": "1", "d": "true", "e": "false"}),
        ('{"a":{"b":{"c":"d"}},"x-y":"1"}', {"a_b_c": "d", "x_y": "1"}),
        ('{"a":null,"b":[1],"c":"1"}', {"c": "1"}),
        (
            '{"a":1.50,"b":1e3,"c":123456789012345678901234567890}',
            {"a": "1.50", "b": "1e3", "c": "123456789012345678901234567890"},
        ),
        ('{"a":{"1":"x"},"1":"y","":"z"}', {"a_1": "x", "_1": "y"}),
        ('{"app":"x"}', {"app_extracted": "x"}),
        ('{"a":"\\u00e9\\n"}', {"a": "é\n"}),
        ("{}", {}),
        ("text", {"__error__": "JSONParserErr"}),
        ('["a"]', {"__error__": "JSONParserErr"}),
        ('{"a":"b"', {"__error__": "JSONParserErr"}),
    ],
)
def test_all_members_become_labels(text: str, labels: dict[str, str]) -> None:
    assert found(text) == labels


def test_named_members() -> None:
    text = '{"a":{"b":[{"c":1.0},"x"]},"n":null,"o":{"p":[true]}}'
    named = [("c", "a.b[0].c"), ("x", "a.b[1]"), ("n", "n"), ("o", "o"), ("none", "q.r"), ("app", "n")]
    assert found(text, *named) == {
        "c": "1.0",
        "x": "x",
        "n": "",
        "o": '{"p":[true]}',
        "none": "",
        "app_extracted": "",
    }
    assert found("text", ("a", "a")) == {"__error__": "JSONParserErr"}
    assert found("", ("a", "a")) == {}


@pytest.mark.parametrize("depth", [90, 500, 100_000])
def test_a_document_may_nest_as_it_likes(depth: int) -> None:
    labels = found('{"a":' * depth + "1.5" + "}" * depth)
    assert labels in ({"_".join("a" * depth): "1.5"}, {}, {"__error__": "JSONParserErr"})


def test_members_count_down_to_a_depth() -> None:
    text = '{"a":' * 100 + '{"last":"x","b":{"too":"deep"}}' + "}" * 100
    assert found(text) == {"_".join("a" * 100) + "_last": "x"}


def test_nothing_is_parsed_when_no_label_is_wanted() -> None:
    under_way = Line(entry("text"), frozenset())
    assert json_stage(JsonParser())(under_way)
    assert not under_way.error
