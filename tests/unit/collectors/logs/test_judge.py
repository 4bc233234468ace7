from __future__ import annotations

import pytest

from collectors.logs.entry import Entry
from collectors.logs.judge import BadQuery, Judge


def entry(message: bytes, stream: str = "stdout") -> Entry:
    return Entry(0, stream, message, b"", 0, 0)


@pytest.mark.parametrize(
    ("judge", "message", "wanted"),
    [
        (Judge(), b"anything", True),
        (Judge(grep="b.d"), b"abxxd", False),
        (Judge(grep="b.d"), b"a bad one", True),
        (Judge(grep="^a.*z$"), b"a to z", True),
        (Judge(grep="^to"), b"a to z", False),
        (Judge(grep="h\u00e9"), "h\u00e9".encode(), True),
        (Judge(grep="ok"), b"\xff ok", True),
        (Judge(level="error,fatal"), b"ERROR x", True),
        (Judge(level="error,fatal"), b"WARN x", False),
        (Judge(level="unknown"), b"no level", True),
        (Judge(stream="stderr"), b"x", False),
        (Judge(stream="stdout, stderr"), b"x", True),
    ],
)
def test_an_entry_is_judged_by_text_level_and_stream(judge: Judge, message: bytes, wanted: bool) -> None:
    assert judge.wants(entry(message)) is wanted


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ({"grep": "("}, r"'\('"),
        ({"grep": "(?=a)"}, "RE2"),
        ({"level": "loud"}, "loud"),
        ({"stream": "stdin"}, "stdin"),
    ],
)
def test_what_cannot_be_meant_is_named(words: dict[str, str], named: str) -> None:
    with pytest.raises(BadQuery, match=named):
        Judge(**words)


def test_a_pattern_takes_linear_time() -> None:
    assert not Judge(grep="(a*)*b").wants(entry(b"a" * 100_000))
