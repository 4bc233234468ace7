"""Batches as protobuf of OTLP, written by hand: no runtime, no generated code, and as fast as with them.

Source: opentelemetry-proto, `collector/logs/v1/logs_service.proto` and `logs/v1/logs.proto`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

from agent.shipping.otlp_names import IOSTREAM, RUN, SCOPE, SEVERITIES, TRACE_DIGITS, UID, resource, trace_of
from agent.shipping.protobuf import delimited, fields, number, text, varint
from collectors.logs.batch import LogBatch, Record

CONTENT_TYPE = "application/x-protobuf"
_TIMES = Struct("<BQBQ").pack  # fields 1 and 11, both fixed64
_TIME, _OBSERVED = 1 << 3 | 1, 11 << 3 | 1
_SEVERITY_NUMBER, _SEVERITY_TEXT, _ATTRIBUTE = 2, 3, 6
_BODY = varint(5 << 3 | 2)
_STRING = varint(1 << 3 | 2)
_RECORD = varint(2 << 3 | 2)
_TRACE = varint(9 << 3 | 2) + varint(16)
_SPAN = varint(10 << 3 | 2) + varint(8)


def resource_logs(
    batch: LogBatch, node: str, external: Mapping[str, str], version: str, observed: int
) -> bytes:
    """One container's records as field `resource_logs` of a request; `observed` is the time now in ns."""
    about = b"".join(
        _attribute(1, name, value) for name, value in resource(batch.target, node, external).items()
    )
    scope = delimited(1, text(1, SCOPE) + text(2, version))
    records = b"".join([_record(record, observed) for record in batch.records])
    return delimited(1, delimited(1, about) + delimited(2, scope + records))


def rejected(body: bytes) -> tuple[int, str]:
    """How many records a response says were not taken, and why. Raises ValueError."""
    count, why = 0, ""
    for field, partial in fields(body):
        if field == 1 and isinstance(partial, bytes):
            for inner, value in fields(partial):
                if inner == 1 and isinstance(value, int):
                    count = value
                elif inner == 2 and isinstance(value, bytes):
                    why = value.decode("utf-8", "replace")
    return count, why


def _record(record: Record, observed: int) -> bytes:
    message = record.message.encode("utf-8", "replace")
    data = b"".join((
        _TIMES(_TIME, record.time, _OBSERVED, observed),
        _body_head(len(message)), message,
        _constant(record.stream, record.level, record.run, len(record.uid)), record.uid.encode(),
        _ids(record.trace_id, record.span_id) if record.trace_id else b"",
    ))  # fmt: skip
    return _record_head(len(data)) + data


@lru_cache(maxsize=4096)
def _record_head(size: int) -> bytes:
    return _RECORD + varint(size)


@lru_cache(maxsize=4096)
def _body_head(size: int) -> bytes:
    """What stands before a message of `size` bytes."""
    inner = _STRING + varint(size)
    return _BODY + varint(len(inner) + size) + inner


@lru_cache(maxsize=1024)
def _constant(stream: str, level: str | None, run: int | None, uid_size: int) -> bytes:
    """What many records have in common, and at its end what stands before a uid."""
    found = _attribute(_ATTRIBUTE, IOSTREAM, stream)
    if level:
        found += number(_SEVERITY_NUMBER, SEVERITIES.get(level, 0)) + text(_SEVERITY_TEXT, level)
    if run is not None:
        found += delimited(_ATTRIBUTE, text(1, RUN) + delimited(2, number(3, run)))
    return found + _attribute(_ATTRIBUTE, UID, "0" * uid_size)[: -uid_size or None]


def _ids(trace_id: str, span_id: str | None) -> bytes:
    found = _TRACE + bytes.fromhex(trace_id if len(trace_id) == TRACE_DIGITS else trace_of(trace_id))
    return found + _SPAN + bytes.fromhex(span_id) if span_id else found


def _attribute(field: int, name: str, value: str) -> bytes:
    return delimited(field, text(1, name) + delimited(2, text(1, value)))
