from __future__ import annotations

import re

from collectors.logs.logql import lexer
from collectors.logs.logql.grammar import GRAMMAR


def test_each_kind_of_token_is_declared() -> None:
    declared = set(re.findall(r"\b_?[A-Z]\w*", " ".join(re.findall(r"%declare (.*)", GRAMMAR))))
    told = set(lexer.SYMBOLS.values())
    assert told <= declared


def test_nothing_is_declared_that_no_rule_uses_but_what_is_refused() -> None:
    rules = GRAMMAR[: GRAMMAR.index("%declare")]
    declared = re.findall(r"\b_?[A-Z]\w*", " ".join(re.findall(r"%declare (.*)", GRAMMAR)))
    unused = [name for name in declared if not re.search(rf"\b{name}\b", rules)]
    assert unused == ["REFUSED"]
