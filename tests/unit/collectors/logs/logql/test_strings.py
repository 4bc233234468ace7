from __future__ import annotations

import pytest

from collectors.logs.logql.strings import quote, quote_pattern, unquote


@pytest.mark.parametrize(
    ("literal", "text"),
    [
        (r'"a"', "a"),
        (r'"\a\b\f\n\r\t\v\\\""', '\a\b\f\n\r\t\v\\"'),
        (r'"\x41\101\u00e9\U0001F600"', "AAé\U0001f600"),
        (r'"\xc3\xa9"', "é"),
        ('`a\\n"b`', 'a\\n"b'),
        ("`a\r\nb`", "a\nb"),
        ('"é"', "é"),
    ],
)
def test_literals(literal: str, text: str) -> None:
    assert unquote(literal) == text


@pytest.mark.parametrize(
    "literal", [r'"\q"', r'"\x4"', r'"\400"', r'"\ud800"', r'"\U00110000"', r'"\xff"', r'"\`"', r'"\d+"']
)
def test_escapes_that_mean_nothing(literal: str) -> None:
    with pytest.raises(ValueError, match="escape"):
        unquote(literal)


@pytest.mark.parametrize("text", ["", 'a"b', "a\\b", "\n\t\x00\x7f", "é\U0001f600\u2028", "`", "\ufeff"])
def test_quoted_text_reads_back(text: str) -> None:
    assert unquote(quote(text)) == text
    assert unquote(quote_pattern(text)) == text


def test_patterns_stay_readable() -> None:
    assert quote_pattern(r"\d+") == r"`\d+`"
    assert quote_pattern("a.*b") == '"a.*b"'
