"""A query's text to its words, or what is wrong with it and where."""

from __future__ import annotations

from functools import lru_cache

from lark import Lark, Token, UnexpectedToken
from lark.exceptions import VisitError

from collectors.logs.logql import ast, lexer
from collectors.logs.logql.builder import Builder
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.grammar import GRAMMAR
from collectors.logs.logql.matchers import selector

_MAX_PATTERNS = 100
_NAMES = {kind: symbol for symbol, kind in lexer.SYMBOLS.items() if kind != "REFUSED"} | {
    "$END": "$end",
    "RANGE_OP": "range aggregation",
    "VECTOR_OP": "vector aggregation",
}


def parse(query: str) -> ast.Query:
    """Raises LogQLError, with the place of the first thing that is not understood."""
    if len(query) > lexer.MAX_QUERY:
        raise LogQLError(f"the query is longer than {lexer.MAX_QUERY} characters", 1, lexer.MAX_QUERY + 1)
    if not query.isascii():
        _refuse_surrogates(query)
    try:
        parsed: ast.Query = _parser().parse(query)  # type: ignore[assignment]
    except UnexpectedToken as error:
        raise _unexpected(query, error) from None
    except VisitError as error:
        if isinstance(error.orig_exc, LogQLError):
            raise error.orig_exc from None
        raise
    _refuse_what_is_too_much(parsed)
    return parsed


@lru_cache(maxsize=1)
def _parser() -> Lark:
    return Lark(
        GRAMMAR, parser="lalr", lexer=lexer.QueryLexer, transformer=Builder(), maybe_placeholders=True
    )


def _refuse_surrogates(query: str) -> None:
    try:
        query.encode()
    except UnicodeEncodeError as error:
        line, column = lexer.place(query, error.start)
        raise LogQLError("invalid UTF-8", line, column) from error


def _unexpected(query: str, error: UnexpectedToken) -> LogQLError:
    token: Token = error.token
    at_end = token.type == "$END"
    line, column = lexer.place(query, len(query)) if at_end else (token.line or 0, token.column or 0)
    text = "" if at_end else str(token)
    if token.type == "REFUSED":
        return LogQLError(lexer.REFUSED[text.lower()], line, column, text)
    expected = sorted(_name(kind) for kind in error.accepts or ())
    hint = f", expecting {' or '.join(expected)}" if 0 < len(expected) <= 4 else ""
    return LogQLError(f"syntax error: unexpected {_shown(token)}{hint}", line, column, text)


def _name(kind: str) -> str:
    return _NAMES.get(kind) or (kind.lstrip("_").lower() if kind not in _CLASSES else kind)


_CLASSES = frozenset(("IDENTIFIER", "STRING", "NUMBER", "DURATION", "BYTES", "RANGE", "FLAG"))


def _shown(token: Token) -> str:
    return str(token).lower() if token.type not in _CLASSES and token.type != "$END" else _name(token.type)


def _refuse_what_is_too_much(parsed: ast.Query) -> None:
    if ast.depth(parsed) > lexer.MAX_DEPTH:
        raise LogQLError(f"the query nests deeper than {lexer.MAX_DEPTH}", 1, 1)
    patterns = 0
    for node in ast.parts(parsed):
        if isinstance(node, ast.Matcher):
            patterns += "~" in node.op
        elif isinstance(node, ast.LineFilter):
            patterns += len(node.texts) if "~" in node.op else 0
        elif isinstance(node, ast.LogQuery):
            _refuse_all_streams(node)
    if patterns > _MAX_PATTERNS:
        raise LogQLError(f"the query has more than {_MAX_PATTERNS} regular expressions", 1, 1)


def _refuse_all_streams(query: ast.LogQuery) -> None:
    if selector(query.matchers)({}):
        raise LogQLError(
            "queries require at least one matcher that an empty value does not meet:"
            ' app=~".*" is not enough, app=~".+" is',
            1,
            1,
            "{",
        )
