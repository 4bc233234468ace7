"""`| json`: the members of a line that is one JSON object, as labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson

from collectors.logs.logql import jsonpath
from collectors.logs.logql.ast import JsonParser
from collectors.logs.logql.line import Line, clean, label_name

ERROR = "JSONParserErr"
_MAX_DEPTH = 100


def json_stage(stage: JsonParser) -> Callable[[Line], bool]:
    """A stage that never drops a line; one that is no JSON object gets `__error__`."""
    if not stage.extractions:
        return _all
    paths = [(each.name, jsonpath.path(each.source)) for each in stage.extractions]

    def some(line: Line) -> bool:
        if line.text and not (line.wanted is not None and not line.wanted):
            _some(line, paths)
        return True

    return some


def _all(line: Line) -> bool:
    if line.wanted is not None and not line.wanted:
        return True
    document = _document(line)
    if document is None:
        return True
    if not _flat(line, document):
        exact = _exact(line)
        if isinstance(exact, dict):
            _flat(line, exact)
    return True


def _exact(line: Line) -> Any:
    """The document with its numbers as they were written; None when it nests too deep for that."""
    try:
        return json.loads(line.text, parse_float=_Number, parse_int=_Number)
    except RecursionError:
        line.fail(ERROR, "the document nests too deep")
        return None


class _Number(str):
    """A number as it was written."""

    __slots__ = ()


def _document(line: Line) -> dict[str, Any] | None:
    try:
        document = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        line.fail(ERROR, str(error))
        return None
    if not isinstance(document, dict):
        line.fail(ERROR, "a JSON object is expected")
        return None
    return document


def _flat(line: Line, document: dict[str, Any]) -> bool:
    """Set a label for each member, those of inner objects too. Arrays and null give none.

    False as soon as a number is met whose text is not known any more: a float as such has lost it.
    """
    extract = line.extract
    waiting: list[tuple[str, dict[str, Any], int]] = [("", document, 0)]
    while waiting:
        prefix, members, depth = waiting.pop()
        for key, value in members.items():
            kind = type(value)
            if kind is str:
                text = clean(value)
            elif kind is float:
                return False
            elif kind is dict:
                if depth < _MAX_DEPTH:
                    waiting.append((_joined(prefix, key), value, depth + 1))
                continue
            elif value is None or kind is list:
                continue
            else:
                text = ("true" if value else "false") if kind is bool else str(value)
            if name := _joined(prefix, key) if prefix else label_name(key):
                extract(name, text)
    return True


def _joined(prefix: str, key: str) -> str:
    if not prefix:
        return label_name(key)
    name = label_name(f"x{key.strip()}")[1:] if key.strip() else ""
    return f"{prefix}_{name}" if name else prefix


def _some(line: Line, paths: list[tuple[str, jsonpath.Path]]) -> None:
    try:
        document = orjson.loads(line.text)
    except orjson.JSONDecodeError as error:
        line.fail(ERROR, str(error))
        return
    values = [(name, jsonpath.value_at(document, path)) for name, path in paths]
    if any(isinstance(value, float) for _, value in values):
        exact = _exact(line)
        values = [(name, jsonpath.value_at(exact, path)) for name, path in paths]
    for name, value in values:
        if value is not jsonpath.ABSENT:
            line.extract(name, _text(value))
        elif line.find(name) is None:
            line.parsed[name] = ""


def _text(value: Any) -> str:
    if isinstance(value, str):
        return clean(value)
    return "" if value is None else orjson.dumps(value).decode()
