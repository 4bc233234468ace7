"""An OTLP/HTTP receiver of logs that decodes with OpenTelemetry's own generated code."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import web
from google.protobuf import json_format
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)

from tests.peers.web import Peer, Request, serving


class OtlpPeer(Peer):
    """`records` is what it took: the resource's and the record's attributes, and the record. `refuses` are bodies
    of records that it never takes: told by partial success."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[tuple[dict[str, Any], dict[str, Any], Any]] = []
        self.scopes: set[tuple[str, str]] = set()
        self.refuses: frozenset[str] = frozenset()

    async def answer(self, request: Request) -> web.StreamResponse:
        """Take all but what it refuses."""
        if request.method != "POST" or request.path != "/v1/logs":
            return web.Response(status=404)
        kind = request.headers["Content-Type"]
        export = ExportLogsServiceRequest()
        try:
            if kind == "application/json":
                json_format.Parse(_ids_as_base64(request.body), export)
            elif kind == "application/x-protobuf":
                export.ParseFromString(request.body)
            else:
                return web.Response(status=415)
        except (DecodeError, json_format.ParseError) as error:
            return web.Response(status=400, text=str(error))
        rejected = self._take(export)
        response = ExportLogsServiceResponse()
        if rejected:
            response.partial_success.rejected_log_records = rejected
            response.partial_success.error_message = "not these"
        if kind == "application/json":
            return web.Response(text=json_format.MessageToJson(response), content_type=kind)
        return web.Response(body=response.SerializeToString(), content_type=kind)

    def _take(self, export: Any) -> int:
        rejected = 0
        for resource in export.resource_logs:
            about = _attributes(resource.resource.attributes)
            for scope in resource.scope_logs:
                self.scopes.add((scope.scope.name, scope.scope.version))
                for record in scope.log_records:
                    if record.body.string_value in self.refuses:
                        rejected += 1
                    else:
                        self.records.append((about, _attributes(record.attributes), record))
        return rejected


def _attributes(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def _ids_as_base64(body: bytes) -> str:
    """OTLP's JSON has ids in hexadecimal where protobuf's own JSON has base64."""
    request = json.loads(body)
    for resource in request.get("resourceLogs", ()):
        for scope in resource["scopeLogs"]:
            for record in scope["logRecords"]:
                for name in ("traceId", "spanId"):
                    if name in record:
                        record[name] = base64.b64encode(bytes.fromhex(record[name])).decode()
    return json.dumps(request)


@contextlib.asynccontextmanager
async def otlp_peer() -> AsyncIterator[OtlpPeer]:
    """A receiver on a port of its own."""
    peer = OtlpPeer()
    async with serving(peer):
        yield peer
