from __future__ import annotations

import pytest

from collectors.logs.logql.pattern import Pattern


@pytest.mark.parametrize(
    ("pattern", "line", "found"),
    [
        ("<ip> - <_> <path>", "1.2.3.4 - x /a b", {"ip": "1.2.3.4", "path": "/a b"}),
        ("[<level>] <rest>", "[warn] no", {"level": "warn", "rest": "no"}),
        ("[<level>]", "x [warn]", {}),
        ("<a>=<b>;", "x=y", {"a": "x", "b": "y"}),
        ("<a>;<b>", "xy", {"a": "xy"}),
        ("<a>;<b>;<c>", ";x;", {"a": "", "b": "x", "c": ""}),
        ("<a> <b", "x <by", {"a": "x"}),
        ("<a>", "", {}),
        ("é<a>", "éx", {"a": "x"}),
    ],
)
def test_captures(pattern: str, line: str, found: dict[str, str]) -> None:
    assert Pattern(pattern).captures(line) == found


@pytest.mark.parametrize("pattern", ["", "text", "<_>", "<a><b>", "<a> <a>", "<1>"])
def test_patterns_that_take_nothing(pattern: str) -> None:
    with pytest.raises(ValueError, match="capture"):
        Pattern(pattern)
