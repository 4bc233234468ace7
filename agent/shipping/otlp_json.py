"""Batches as JSON of OTLP: names in lowerCamelCase, 64-bit numbers as strings, ids in hexadecimal.

Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson

from agent.shipping.otlp_names import IOSTREAM, RUN, SCOPE, SEVERITIES, UID, resource, trace_of
from collectors.logs.batch import LogBatch, Record

CONTENT_TYPE = "application/json"


def resource_logs(
    batch: LogBatch, node: str, external: Mapping[str, str], version: str, observed: int
) -> bytes:
    """One container's records as a member of `resourceLogs`; `observed` is the time now in ns."""
    about = [_attribute(name, value) for name, value in resource(batch.target, node, external).items()]
    scope = {"name": SCOPE, "version": version}
    records = [_record(record, observed) for record in batch.records]
    return orjson.dumps(
        {"resource": {"attributes": about}, "scopeLogs": [{"scope": scope, "logRecords": records}]}
    )


def rejected(body: bytes) -> tuple[int, str]:
    """How many records a response says were not taken, and why. Raises ValueError."""
    answer = orjson.loads(body or b"{}")
    partial = answer.get("partialSuccess") if isinstance(answer, dict) else None
    if not isinstance(partial, dict):
        return 0, ""
    try:
        return int(partial.get("rejectedLogRecords") or 0), str(partial.get("errorMessage") or "")
    except TypeError:
        raise ValueError("partialSuccess.rejectedLogRecords is no number") from None


def _record(record: Record, observed: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "timeUnixNano": str(record.time),
        "observedTimeUnixNano": str(observed),
        "body": {"stringValue": record.message},
        "attributes": [*_constant(record.stream, record.run), _attribute(UID, record.uid)],
    }
    if record.level:
        found["severityNumber"] = SEVERITIES.get(record.level, 0)
        found["severityText"] = record.level
    if record.trace_id:
        found["traceId"] = trace_of(record.trace_id)
        if record.span_id:
            found["spanId"] = record.span_id
    return found


@lru_cache(maxsize=1024)
def _constant(stream: str, run: int | None) -> list[orjson.Fragment]:
    found: list[dict[str, Any]] = [_attribute(IOSTREAM, stream)]
    if run is not None:
        found.append({"key": RUN, "value": {"intValue": str(run)}})
    return [orjson.Fragment(orjson.dumps(one)) for one in found]


def _attribute(name: str, value: str) -> dict[str, Any]:
    return {"key": name, "value": {"stringValue": value}}
