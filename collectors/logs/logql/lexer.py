"""A query's text as tokens, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lark import Token
from lark.lexer import Lexer

from collectors.logs.logql import quantities
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.strings import unquote

MAX_QUERY = 128 * 1024
MAX_TOKENS = 2000
MAX_DEPTH = 100

RANGE_OPS = [
    "count_over_time",
    "rate",
    "rate_counter",
    "bytes_over_time",
    "bytes_rate",
    "absent_over_time",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "first_over_time",
    "last_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "quantile_over_time",
]
VECTOR_OPS = ["sum", "avg", "min", "max", "count", "stddev", "stdvar", "topk", "bottomk", "sort", "sort_desc"]
CONVERSIONS = ["duration", "duration_seconds", "bytes"]
REFUSED = {
    "unpack": "unpack is not understood; use json",
    "ip": "ip() is not understood; use a regular expression",
    "approx_topk": "approx_topk is not understood; use topk",
    "|>": "pattern filters are not understood; use |~ with a regular expression",
    "!>": "pattern filters are not understood; use !~ with a regular expression",
}
_FUNCTIONS = (
    dict.fromkeys(RANGE_OPS, "RANGE_OP")
    | dict.fromkeys(VECTOR_OPS, "VECTOR_OP")
    | dict.fromkeys(CONVERSIONS, "CONVERSION")
    | {"vector": "_VECTOR", "label_replace": "LABEL_REPLACE", "ip": "REFUSED", "approx_topk": "REFUSED"}
)
_KEYWORDS = (
    {
        word: word.upper()
        for word in [
            "by",
            "without",
            "bool",
            "on",
            "ignoring",
            "group_left",
            "group_right",
            "and",
            "or",
            "unless",
        ]
    }
    | {
        word: f"_{word.upper()}"
        for word in [
            "offset",
            "json",
            "logfmt",
            "regexp",
            "pattern",
            "line_format",
            "label_format",
            "decolorize",
            "drop",
            "keep",
            "unwrap",
        ]
    }
    | {"unpack": "REFUSED"}
)
SYMBOLS = {
    "{": "_LBRACE",
    "}": "_RBRACE",
    "(": "_LPAR",
    ")": "_RPAR",
    ",": "_COMMA",
    "=": "EQ",
    "!=": "NEQ",
    "=~": "RE",
    "!~": "NRE",
    "|=": "PIPE_EXACT",
    "|~": "PIPE_MATCH",
    "|": "_PIPE",
    "==": "CMP_EQ",
    ">=": "GTE",
    ">": "GT",
    "<=": "LTE",
    "<": "LT",
    "+": "ADD",
    "-": "SUB",
    "*": "MUL",
    "/": "DIV",
    "%": "MOD",
    "^": "POW",
    "|>": "REFUSED",
    "!>": "REFUSED",
}
_TOKEN = re.compile(
    r"""(?P<skip>(?:\s+|\#[^\n]*)+)
    |(?P<string>"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`)
    |(?P<open>["`])
    |\[(?P<range>[^\]]*)(?P<close>\]?)
    |(?P<quantity>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[A-Za-zµμ0-9.]*)
    |(?P<flag>--(?:strict|keep-empty)(?![\w-]))
    |(?P<word>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<symbol>\|[=~>]|!=|!~|!>|=~|==|>=|<=|[{}(),=|><+\-*/%^])
    """,
    re.VERBOSE,
)
_CALL = re.compile(r"\s*(?:\(|(?:by|without)\s*\()", re.IGNORECASE)


class QueryLexer(Lexer):
    """The tokens of a query for the grammar; raises LogQLError for what is none."""

    def __init__(self, _configuration: Any) -> None:
        pass

    def lex(self, text: str) -> Iterator[Token]:  # type: ignore[override]
        """Tokens in order. The value of a STRING is what it means, of a DURATION, BYTES or RANGE an int's text."""
        return _tokens(text)


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _tokens(text: str) -> Iterator[Token]:
    offset = count = depth = 0
    previous = ""
    while offset < len(text):
        found = _TOKEN.match(text, offset)
        if found is None:
            raise _wrong(text, offset, f"unexpected character {text[offset]!r}", text[offset])
        kind, value, end = _classified(text, found, previous)
        offset = end
        if not kind:
            continue
        count += 1
        depth += (kind == "_LPAR") - (kind == "_RPAR")
        if depth > MAX_DEPTH:
            raise _wrong(text, found.start(), f"parentheses nest deeper than {MAX_DEPTH}", value)
        if count > MAX_TOKENS:
            raise _wrong(text, found.start(), f"the query has more than {MAX_TOKENS} words", value)
        previous = kind
        line, column = place(text, found.start())
        yield Token(kind, value, found.start(), line, column, end_pos=end)


def _classified(text: str, found: re.Match[str], previous: str) -> tuple[str, str, int]:
    """Kind, value and end of a token; no kind for what is only space."""
    group = found.lastgroup
    raw, end = found[0], found.end()
    if group == "skip":
        return "", "", end
    if group == "string":
        try:
            return "STRING", unquote(raw), end
        except ValueError as error:
            raise _wrong(text, found.start(), str(error), raw) from error
    if group == "open":
        raise _wrong(text, found.start(), "literal not terminated", raw)
    if group == "close":
        return "RANGE", _range(text, found), end
    if group == "quantity":
        return _quantity(text, found, previous)
    if group == "flag":
        return "FLAG", raw, end
    if group == "word":
        return _word(text, raw, end), raw, end
    return SYMBOLS[raw], raw, end


def _word(text: str, word: str, end: int) -> str:
    lower = word.lower()
    if lower in _FUNCTIONS and _CALL.match(text, end):
        return _FUNCTIONS[lower]
    return _KEYWORDS.get(lower, "IDENTIFIER")


def _range(text: str, found: re.Match[str]) -> str:
    if not found["close"]:
        raise _wrong(text, found.start(), "missing closing ']' in duration", found[0])
    try:
        value = quantities.span(found["range"])
    except ValueError as error:
        raise _wrong(text, found.start() + 1, str(error), found["range"]) from error
    if value <= 0:
        raise _wrong(text, found.start() + 1, "a range has to be longer than 0", found["range"])
    return str(value)


def _quantity(text: str, found: re.Match[str], previous: str) -> tuple[str, str, int]:
    """A number, duration or size. A minus belongs to a duration alone; before a number it is an operator."""
    raw, end = found[0], found.end()
    plain = raw.lstrip("-")
    for kind, read in (("DURATION", quantities.span), ("BYTES", quantities.size)):
        if plain[-1].isdigit() or plain[-1] == "." or (kind == "BYTES" and raw[0] == "-"):
            continue
        try:
            return kind, str(read(raw)), end
        except ValueError:
            continue
    if raw[0] == "-":
        return "SUB", "-", found.start() + 1
    try:
        quantities.number(raw)
    except ValueError as error:
        raise _wrong(text, found.start(), str(error), raw) from error
    return "NUMBER", raw, end


def _wrong(text: str, offset: int, message: str, token: str) -> LogQLError:
    line, column = place(text, offset)
    return LogQLError(message, line, column, token)
