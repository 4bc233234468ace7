from __future__ import annotations

from typing import Any

import orjson
import pytest

from collectors.logs.parsers.bounds import (
    DEEPEST,
    LONGEST,
    MOST_FIELDS,
    TOO_DEEP,
    TOO_LONG,
    TOO_MANY,
    flaw,
    surely_within,
)


def nested(depth: int) -> dict[str, Any]:
    return {"a": nested(depth - 1)} if depth > 1 else {"a": 1}


def listed(depth: int) -> Any:
    return [listed(depth - 1)] if depth else 1


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({f"k{i}": i for i in range(MOST_FIELDS + 1)}, TOO_MANY),
    ({"a": {f"k{i}": i for i in range(MOST_FIELDS)}}, TOO_MANY),
    ({"a": [{"b": 1} for _ in range(MOST_FIELDS)]}, TOO_MANY),
    (nested(DEEPEST + 1), TOO_DEEP),
    ({"a": listed(DEEPEST)}, TOO_DEEP),
    ({"a": "x" * LONGEST}, TOO_LONG),
    ({"a": "é" * (LONGEST // 2)}, TOO_LONG),
    ({"x" * LONGEST: "a"}, TOO_LONG),
    ({"a": [1] * LONGEST}, TOO_LONG),
]
WITHIN: list[dict[str, Any]] = [
    {},
    {f"k{i}": i for i in range(MOST_FIELDS)},
    nested(DEEPEST),
    {"a": listed(DEEPEST - 1)},
    {"a": "x" * (LONGEST - 1)},
    {"a": "é" * (LONGEST // 2 - 1)},
]


@pytest.mark.parametrize(("fields", "reason"), BEYOND)
def test_each_bound_is_told_by_its_reason(fields: dict[str, Any], reason: str) -> None:
    assert flaw(fields) == reason


@pytest.mark.parametrize("fields", WITHIN)
def test_what_is_just_within_has_no_flaw(fields: dict[str, Any]) -> None:
    assert flaw(fields) == ""


@pytest.mark.parametrize("fields", [fields for fields, _ in BEYOND])
def test_the_glance_never_lets_a_flaw_pass(fields: dict[str, Any]) -> None:
    assert not surely_within(orjson.dumps(fields).decode())


def test_the_glance_sees_that_usual_objects_are_within() -> None:
    assert surely_within('{"level":"info","msg":"x","n":1}')
    assert surely_within('{"a":{"b":[1,2]}}')
    assert surely_within(orjson.dumps({f"key{i}": "x" * 40 for i in range(60)}).decode())
