"""A batch as OpenTelemetry's own code reads it."""

from __future__ import annotations

import json

import pytest

from agent.shipping.otlp_json import rejected, resource_logs
from collectors.logs.batch import LogBatch
from tests.unit.agent.shipping.sinks import TIME, pod_target, record


def test_numbers_are_texts_and_ids_hexadecimal() -> None:
    made = record("hello", trace_id="ab" * 8, span_id="cd" * 8)
    bare = record("", level=None, run=None)
    logs = json.loads(resource_logs(LogBatch(pod_target(), [made, bare]), "n", {}, "1", 77))
    (scope,) = logs["scopeLogs"]
    assert scope["scope"] == {"name": "deckwatch", "version": "1"}
    uid = {"key": "log.record.uid", "value": {"stringValue": made.uid}}
    stream = {"key": "log.iostream", "value": {"stringValue": "stdout"}}
    assert scope["logRecords"] == [
        {
            "timeUnixNano": str(TIME),
            "observedTimeUnixNano": "77",
            "severityNumber": 9,
            "severityText": "info",
            "body": {"stringValue": "hello"},
            "attributes": [stream, {"key": "deckwatch.run", "value": {"intValue": "1"}}, uid],
            "traceId": "0" * 16 + "ab" * 8,
            "spanId": "cd" * 8,
        },
        {
            "timeUnixNano": str(TIME),
            "observedTimeUnixNano": "77",
            "body": {"stringValue": ""},
            "attributes": [stream, uid],
        },
    ]


def test_partial_success_is_understood() -> None:
    assert rejected(b"") == (0, "")
    assert rejected(b"{}") == (0, "")
    assert rejected(b'{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}') == (3, "no")


@pytest.mark.parametrize("body", [b"<html>", b'{"partialSuccess":{"rejectedLogRecords":[1]}}'])
def test_another_answer_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        rejected(body)
