"""Answers a question of Loki's read API, in the pieces of one JSON document.

Nothing is given out before the evaluation is over: an error is always told instead of an answer, never within it.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import orjson

from collectors.logs.logql import ast
from collectors.logs.logql.errors import LogQLError
from collectors.logs.logql.logs import LogLine
from collectors.logs.logql.parser import parse
from collectors.logs.logql.printer import format_query
from collectors.logs.logql.results import Result, streams
from collectors.logs.loki import fields, labels, volume
from collectors.logs.loki.evaluator import Evaluator
from collectors.logs.loki.query import MAX_LIMIT, LokiQuery
from collectors.logs.loki.stats import stats
from collectors.logs.segment import Budget

MAX_ANSWER = 64 << 20
"""Bytes of all lines of an answer: they are held until the last is found."""
CATEGORIZE = "categorize-labels"
_Whole = Callable[[Evaluator], Any]


def answer(query: LokiQuery, scratch: str, budget: Budget) -> Iterator[bytes]:
    """The answer's JSON; raises LogQLError, TooManyBytes, TooLarge."""
    evaluator = Evaluator(query, scratch, budget)
    if query.kind in ("query", "query_range"):
        began = time.monotonic()
        result = _evaluated(evaluator)
        yield from _result(result, evaluator, time.monotonic() - began)
    else:
        yield orjson.dumps(_WHOLE[query.kind](evaluator))


def _evaluated(evaluator: Evaluator) -> Result:
    query = parse(evaluator.asked.query)
    if evaluator.asked.kind == "query":
        return evaluator.at_end(query)
    if not isinstance(query, ast.LogQuery):
        return evaluator.over_range(query)
    asked = evaluator.asked
    if asked.limit > MAX_LIMIT:
        raise LogQLError(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query"
            f" ({asked.limit} > {MAX_LIMIT})"
        )
    lines = itertools.islice(evaluator.lines(query, forward=asked.forward), asked.limit)
    return streams(_bounded(lines), categorize=asked.categorize)


def _bounded(lines: Iterator[LogLine]) -> Iterator[LogLine]:
    size = 0
    for line in lines:
        size += len(line.line)
        if size > MAX_ANSWER:
            raise LogQLError(f"the answer would hold more than {MAX_ANSWER} bytes of lines; lower the limit")
        yield line


def _result(result: Result, evaluator: Evaluator, seconds: float) -> Iterator[bytes]:
    """`{"status":…,"data":{…}}`, one stream or series at a time."""
    asked = evaluator.asked
    yield b'{"status":"success","data":{"resultType":' + orjson.dumps(result.kind)
    if result.kind == "streams" and asked.categorize:
        yield b',"encodingFlags":' + orjson.dumps([CATEGORIZE])
    if result.kind == "scalar":
        yield b',"result":' + orjson.dumps(result.value)
    else:
        yield b',"result":['
        for number, item in enumerate(result.value):
            yield (b"," if number else b"") + orjson.dumps(item)
        yield b"]"
    returned = sum(len(one["values"]) for one in result.value) if result.kind == "streams" else 0
    told = stats(evaluator.budget.spent, evaluator.tally.lines, returned, seconds)
    yield b',"stats":' + orjson.dumps(told) + b"}"
    if evaluator.skipped:
        yield b',"warnings":' + orjson.dumps(evaluator.skipped)
    yield b"}"


def _formatted(evaluator: Evaluator) -> Any:
    return {"status": "success", "data": format_query(evaluator.asked.query)}


_WHOLE: dict[str, _Whole] = {
    "labels": labels.names,
    "label_values": labels.values,
    "series": labels.series,
    "detected_labels": labels.detected,
    "index_stats": volume.index_stats,
    "index_volume": volume.volume,
    "index_volume_range": volume.volume_range,
    "detected_fields": fields.detected,
    "detected_field_values": fields.values,
    "format_query": _formatted,
}
