from __future__ import annotations

import time

import pytest

from collectors.logs.logql.ast import Extraction, LogfmtParser
from collectors.logs.logql.logfmt import Broken, logfmt_stage, pairs
from tests.unit.collectors.logs.logql.entries import line


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('a=1 b="x y"  c', [("a", "1"), ("b", "x y"), ("c", "")]),
        (r'a="q\"x\n" b=2', [("a", 'q"x\n'), ("b", "2")]),
        ("a= b=1", [("a", ""), ("b", "1")]),
        ('a=""b=1', [("a", ""), ("b", "1")]),
        ("=x a=1", [("a", "1")]),
        ('a=x"y b=1', [("b", "1")]),
        ("a=b=c d=1", [("d", "1")]),
        ('a="open b=1', []),
        (r'a="\q" b=1', [("b", "1")]),
        ("\ta=1\n", [("a", "1")]),
        ("", []),
    ],
)
def test_pairs(text: str, found: list[tuple[str, str]]) -> None:
    assert list(pairs(text)) == found


@pytest.mark.parametrize("text", ["a=1 =x", 'a="open', r'a="\q"', "a=b=c"])
def test_strict_reading_ends_at_what_is_no_pair(text: str) -> None:
    with pytest.raises(Broken, match="logfmt syntax error"):
        list(pairs(text, strict=True))


def parsed(text: str, stage: LogfmtParser) -> dict[str, str]:
    under_way = line(text)
    assert logfmt_stage(stage)(under_way)
    return under_way.parsed | ({"__error__": under_way.error} if under_way.error else {})


def test_labels() -> None:
    text = "a=1 b-c=2 app=x empty= flag =bad d=3"
    assert parsed(text, LogfmtParser()) == {"a": "1", "b_c": "2", "app_extracted": "x", "d": "3"}
    assert parsed(text, LogfmtParser(keep_empty=True)) == {
        "a": "1",
        "b_c": "2",
        "app_extracted": "x",
        "empty": "",
        "flag": "",
        "d": "3",
    }
    assert parsed(text, LogfmtParser(strict=True)) == {
        "a": "1",
        "b_c": "2",
        "app_extracted": "x",
        "__error__": "LogfmtParserErr",
    }
    named = (Extraction("x", "a"), Extraction("y", "none"), Extraction("d", "d"))
    assert parsed(text, LogfmtParser(extractions=named)) == {"x": "1", "y": "", "d": "3"}


@pytest.mark.parametrize("text", ['a="' * 50_000, '"' * 200_000, "=" * 200_000, 'a="\\' * 50_000])
def test_no_line_takes_long(text: str) -> None:
    began = time.process_time()
    assert len(list(pairs(text))) <= len(text)
    assert time.process_time() - began < 2
