"""A batch as OpenTelemetry's own code reads it."""

from __future__ import annotations

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from agent.shipping.otlp_protobuf import rejected, resource_logs
from collectors.logs.batch import LogBatch
from tests.unit.agent.shipping.sinks import TIME, batch, pod_target, record


def test_every_field_is_where_the_generated_code_looks_for_it() -> None:
    made = record(
        "mess\x00age \u00e9", stream="stderr", level="error", run=3, trace_id="ab" * 8, span_id="cd" * 8
    )
    data = resource_logs(LogBatch(pod_target(), [made]), "n", {}, "1.2", 77)
    request = ExportLogsServiceRequest.FromString(data)
    assert request.SerializeToString(deterministic=True)  # nothing unknown was dropped on the way
    (scope,) = request.resource_logs[0].scope_logs
    (found,) = scope.log_records
    assert (scope.scope.name, scope.scope.version) == ("deckwatch", "1.2")
    assert (found.time_unix_nano, found.observed_time_unix_nano) == (TIME, 77)
    assert (found.severity_number, found.severity_text) == (17, "error")
    assert found.body.string_value == "mess\x00age \u00e9"
    assert found.trace_id.hex() == "0" * 16 + "ab" * 8
    assert found.span_id.hex() == "cd" * 8
    assert [(one.key, one.value.WhichOneof("value")) for one in found.attributes] == [
        ("log.iostream", "string_value"),
        ("deckwatch.run", "int_value"),
        ("log.record.uid", "string_value"),
    ]
    assert [found.attributes[1].value.int_value, found.attributes[2].value.string_value] == [3, made.uid]


def test_what_is_not_known_is_not_there() -> None:
    bare = record("", level=None, run=None)
    data = resource_logs(LogBatch(pod_target(), [bare]), "n", {}, "1", 1)
    (found,) = ExportLogsServiceRequest.FromString(data).resource_logs[0].scope_logs[0].log_records
    assert (found.severity_number, found.severity_text, found.trace_id, found.span_id) == (0, "", b"", b"")
    assert [one.key for one in found.attributes] == ["log.iostream", "log.record.uid"]
    assert found.body.WhichOneof("value") == "string_value"


def test_messages_of_every_size_and_several_batches() -> None:
    texts = ["x" * size for size in (0, 1, 127, 128, 16_383, 16_384, 300_000)]
    data = b"".join(resource_logs(batch(texts), "n", {}, "1", 1) for _ in range(2))
    request = ExportLogsServiceRequest.FromString(data)
    assert [
        [one.body.string_value for one in logs.scope_logs[0].log_records] for logs in request.resource_logs
    ] == [texts, texts]


def test_partial_success_is_understood() -> None:
    response = ExportLogsServiceResponse()
    assert rejected(response.SerializeToString()) == (0, "")
    response.partial_success.rejected_log_records = 300
    response.partial_success.error_message = "too old"
    assert rejected(response.SerializeToString()) == (300, "too old")
    with pytest.raises(ValueError, match="protobuf"):
        rejected(b"<html>")
