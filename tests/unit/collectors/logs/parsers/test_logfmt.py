from __future__ import annotations

from typing import Any

import pytest

from collectors.logs.parsers.logfmt import pairs_of, read, sure

LINES: list[tuple[str, dict[str, Any], str | None]] = [
    ("level=info msg=hi", {"level": "info", "msg": "hi"}, "info"),
    (
        'time="2026-11-24T02:16:17Z" level=error msg="say \\"no\\" \\u00e9" n=12 ratio=0.5 took=12ms ok=true',
        {
            "time": "2026-11-24T02:16:17Z",
            "level": "error",
            "msg": 'say "no" é',
            "n": 12,
            "ratio": 0.5,
            "took": "12ms",
            "ok": True,
        },
        "error",
    ),
    ('at=info method=GET path=/a?b=c "dyno"="x"'.replace('"dyno"="x"', "dyno=web.1"), {"at": "info", "method": "GET", "path": "/a?b=c", "dyno": "web.1"}, None),
    ("a=1 a=2", {"a": 2}, None),
    ('n="12" t="true"', {"n": "12", "t": "true"}, None),
    ("debug a=1", {"debug": True, "a": 1}, None),
    ('e= q=""', {"e": "", "q": ""}, None),
    ('bad="\\x41" more="a\\tb"', {"bad": "x41", "more": "a\tb"}, None),
    ("a=1\tb=2\n", {"a": 1, "b": 2}, None),
    ("a a=1", {"a": 1}, None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "fields", "level"), LINES)
def test_pairs_are_fields_with_types(text: str, fields: dict[str, Any], level: str | None) -> None:
    found = read(text)
    assert found is not None
    assert found.fields == fields
    assert found.level == level


@pytest.mark.parametrize(
    "text", ["", " ", "only words here", "=x", 'a="open', 'a=b"c', 'a="x"y', 'say "hi"', "a\\b=1"]
)
def test_any_other_text_is_refused(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    "text", ["level=info x=1", 'ts=1.5 msg="a b"', "time=x caller=main.go:1", "_a=1 level=x", "@level=1 ts=2"]
)
def test_sure_is_what_has_two_pairs_and_a_telling_one(text: str) -> None:
    assert sure(text) == pairs_of(text, flags=False) != {}


@pytest.mark.parametrize(
    "text",
    [
        "level=info",
        "a=1 b=2",
        "level=info and words",
        " level=info a=1",
        "the level=info a=1",
        "1=2 ts=3",
        "",
    ],
)
def test_not_sure_is_the_rest(text: str) -> None:
    assert sure(text) == {}
