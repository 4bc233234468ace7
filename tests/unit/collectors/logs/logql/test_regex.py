from __future__ import annotations

import pytest

from collectors.logs.logql import regex


def test_search_is_anywhere_and_full_match_is_anchored() -> None:
    assert regex.searcher("b+")("abbc")
    assert not regex.full_matcher("b+")("abbc")
    assert regex.full_matcher("a.*c")("a\nc")
    assert not regex.searcher("a.c")("a\nc")
    assert regex.searcher("é")("café")


@pytest.mark.parametrize("pattern", ["(", "a{1000}{1000}", r"(?=a)", r"(a)\1", "*"])
def test_what_is_no_pattern(pattern: str) -> None:
    with pytest.raises(ValueError, match="error parsing regexp"):
        regex.searcher(pattern)


def test_a_pattern_that_others_choke_on_takes_no_time() -> None:
    assert not regex.searcher("(a*)*(a*)*b$")("a" * 100_000)


def test_group_names() -> None:
    assert regex.group_names(r"(?P<a>x)(y)(?P<b>z)") == {1: "a", 3: "b"}


@pytest.mark.parametrize(
    ("replacement", "result"),
    [
        ("$1", "x-b"),
        ("${n}!", "x-b!"),
        ("$2", "x-"),
        ("$n1", "x-"),
        ("$$", "x-$"),
        ("$", "x-$"),
        ("a$9b${", "x-a${"),
        ("${1", "x-${1"),
    ],
)
def test_replacements_of_go(replacement: str, result: str) -> None:
    assert regex.replacer("a(?P<n>b)(c)?", replacement)("x-ab") == result


def test_a_literal_replacement_has_no_references() -> None:
    assert regex.replacer("a(b)", "$1", literal=True)("ab") == "$1"
