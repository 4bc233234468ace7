from __future__ import annotations

import pytest

from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.lexer import QueryLexer, place


def kinds(text: str) -> list[tuple[str, str]]:
    return [(token.type.lstrip("_"), str(token)) for token in QueryLexer(None).lex(text)]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("5m", [("DURATION", "300000000000")]),
        ("1.5KB", [("BYTES", "1500")]),
        ("-5m", [("DURATION", "-300000000000")]),
        ("-5", [("SUB", "-"), ("NUMBER", "5")]),
        ("1e3", [("NUMBER", "1e3")]),
        ("[1h]", [("RANGE", "3600000000000")]),
        ("sum", [("IDENTIFIER", "sum")]),
        ("sum (", [("VECTOR_OP", "sum"), ("LPAR", "(")]),
        ("SUM by(", [("VECTOR_OP", "SUM"), ("BY", "by"), ("LPAR", "(")]),
        ("by", [("BY", "by")]),
        ("duration > 1", [("IDENTIFIER", "duration"), ("GT", ">"), ("NUMBER", "1")]),
        ("json # all\n| x", [("JSON", "json"), ("PIPE", "|"), ("IDENTIFIER", "x")]),
        ("--strict --keep-empty", [("FLAG", "--strict"), ("FLAG", "--keep-empty")]),
        ('"a\\"b" `c`', [("STRING", 'a"b'), ("STRING", "c")]),
        (
            "|= |~ != !~ =~ == >= |",
            [
                ("PIPE_EXACT", "|="),
                ("PIPE_MATCH", "|~"),
                ("NEQ", "!="),
                ("NRE", "!~"),
                ("RE", "=~"),
                ("CMP_EQ", "=="),
                ("GTE", ">="),
                ("PIPE", "|"),
            ],
        ),
    ],
)
def test_tokens(text: str, tokens: list[tuple[str, str]]) -> None:
    assert kinds(text) == tokens


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ('{a="b', "literal not terminated", 1, 4),
        ("a\n  `b", "literal not terminated", 2, 3),
        ("x[5m", "missing closing", 1, 2),
        ("x[5minutes]", "invalid duration", 1, 3),
        ("x[0s]", "longer than 0", 1, 3),
        ("x[-5m]", "longer than 0", 1, 3),
        ("0x10", "invalid number", 1, 1),
        ("a ; b", "unexpected character ';'", 1, 3),
        (r'"\q"', "invalid escape", 1, 1),
        ("(" * 101, "nest deeper than 100", 1, 101),
        ("a " * 2001, "more than 2000 words", 1, 4001),
    ],
)
def test_what_is_no_token(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(LogQLError, match=message) as raised:
        kinds(text)
    assert (raised.value.line, raised.value.column) == (line, column)


def test_places_count_from_one() -> None:
    assert place("ab\ncd", 0) == (1, 1)
    assert place("ab\ncd", 4) == (2, 2)
