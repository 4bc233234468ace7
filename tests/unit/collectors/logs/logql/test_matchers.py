from __future__ import annotations

import pytest

from collectors.logs.logql.ast import Matcher, MatchOp
from collectors.logs.logql.matchers import judge, selector


@pytest.mark.parametrize(
    ("op", "value", "met", "unmet"),
    [
        ("=", "a", "a", "b"),
        ("!=", "a", "b", "a"),
        ("=~", "a|b", "b", "ab"),
        ("!~", "a.*", "ba", "a\nb"),
        ("=", "", "", "a"),
    ],
)
def test_each_kind(op: MatchOp, value: str, met: str, unmet: str) -> None:
    meets = judge(Matcher("x", op, value))
    assert meets(met)
    assert not meets(unmet)


def test_a_selector_takes_an_absent_label_for_an_empty_one() -> None:
    selects = selector((Matcher("a", "=", "b"), Matcher("c", "!=", "d")))
    assert selects({"a": "b"})
    assert not selects({"a": "b", "c": "d"})
    assert not selects({})
