"""Fields that the newest lines hold: what Grafana offers to filter by."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import orjson

from collectors.logs.logql import ast, quantities
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.line import ERROR, label_name
from collectors.logs.logql.logfmt import pairs
from collectors.logs.logql.logs import LogLine
from collectors.logs.logql.parser import parse
from collectors.logs.loki.evaluator import Evaluator

MAX_FIELDS = 1000
_DEPTH = 10
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_FLOAT = re.compile(r"[+-]?(\d+\.\d*|\.\d+|\d+)([eE][+-]?\d+)?")
_PARSERS: dict[type, str] = {
    ast.JsonParser: "json",
    ast.LogfmtParser: "logfmt",
    ast.RegexpParser: "regexp",
    ast.PatternParser: "pattern",
}


class Found(NamedTuple):
    """One field of one line; `parser` is empty for metadata, `path` its keys in a JSON document."""

    name: str
    value: str
    parser: str
    path: tuple[str, ...]


class Field:
    """All that is known of one field."""

    def __init__(self) -> None:
        self.values: dict[str, None] = {}
        self.parsers: dict[str, None] = {}
        self.path: tuple[str, ...] = ()

    def add(self, one: Found) -> None:
        """Take in one more value."""
        self.values[one.value] = None
        if one.parser:
            self.parsers[one.parser] = None
        self.path = self.path or one.path

    def told(self, name: str) -> dict[str, Any]:
        """The field as Loki tells it."""
        told: dict[str, Any] = {
            "label": name,
            "type": type_of(next(iter(self.values), "")),
            "cardinality": len(self.values),
            "parsers": list(self.parsers) or None,
        }
        return {**told, "jsonPath": list(self.path)} if self.path else told


def detected(evaluator: Evaluator) -> dict[str, Any]:
    """`/detected_fields`: each field with its type, how many values it has, and the parser that finds it."""
    limit = evaluator.asked.limit
    fields = _fields(evaluator)
    return {"fields": [fields[name].told(name) for name in sorted(fields)[:limit]], "limit": limit}


def values(evaluator: Evaluator) -> dict[str, Any]:
    """`/detected_field/NAME/values`."""
    asked = evaluator.asked
    field = _fields(evaluator).get(asked.name, Field())
    return {"values": list(field.values)[: asked.limit], "limit": asked.limit}


def type_of(value: str) -> str:
    """What a value looks like, in Loki's words."""
    if _INTEGER.fullmatch(value):
        return "int"
    if _FLOAT.fullmatch(value):
        return "float"
    if value in ("true", "false"):
        return "boolean"
    for kind, reads in (("duration", quantities.duration), ("bytes", quantities.size)):
        try:
            reads(value)
        except ValueError:
            continue
        return kind
    return "string"


def _fields(evaluator: Evaluator) -> dict[str, Field]:
    query = parse(evaluator.asked.query)
    if not isinstance(query, ast.LogQuery):
        raise LogQLError("fields are looked for in lines: only a log query is accepted here")
    parsers = [_PARSERS[type(stage)] for stage in query.stages if type(stage) in _PARSERS]
    fields: dict[str, Field] = {}
    for line in itertools.islice(evaluator.lines(query, forward=False), evaluator.asked.lines):
        for one in _of_line(line, parsers):
            if one.name in fields or len(fields) < MAX_FIELDS:
                fields.setdefault(one.name, Field()).add(one)
    return fields


def _of_line(line: LogLine, parsers: list[str]) -> Iterator[Found]:
    for name, value in line.metadata.items():
        yield Found(name, value, "", ())
    taken = {*line.labels, *line.metadata}
    if parsers:
        for name, value in line.parsed.items():
            if not name.startswith(ERROR[:2]):
                yield Found(name, value, parsers[-1], ())
        return
    for one in _parsed(line.line):
        yield one._replace(name=f"{one.name}_extracted") if one.name in taken else one


def _parsed(text: str) -> Iterator[Found]:
    if text.lstrip()[:1] == "{":
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            return
        yield from _members(document, ())
        return
    for key, value in pairs(text):
        if value:
            yield Found(label_name(key), value, "logfmt", ())


def _members(document: dict[str, Any], above: tuple[str, ...]) -> Iterator[Found]:
    for key, value in document.items():
        path = (*above, key)
        if isinstance(value, dict):
            if len(path) < _DEPTH:
                yield from _members(value, path)
        elif isinstance(value, str):
            yield Found(label_name("_".join(path)), value, "json", path)
        elif value is not None and not isinstance(value, list):
            yield Found(label_name("_".join(path)), orjson.dumps(value).decode(), "json", path)
