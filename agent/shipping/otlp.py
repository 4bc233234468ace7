"""OpenTelemetry logs over OTLP/HTTP: a collector, Loki's `/otlp`, or whatever else takes them.

Protocol: https://opentelemetry.io/docs/specs/otlp/#otlphttp. Each record carries `log.record.uid`, by which a
receiver can drop one that comes again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Literal

from agent.shipping import otlp_json, otlp_protobuf
from agent.shipping.http_client import MENDABLE, Answer, HttpClient
from agent.shipping.http_settings import HttpSettings
from agent.shipping.sink import Again, Context, Delivered, Refused, TooLarge, Verdict
from collectors.logs.batch import LogBatch

PATH = "/v1/logs"
RETRYABLE = frozenset((429, 502, 503, 504))
"""The statuses that the specification lets a client try again."""


class OtlpSettings(HttpSettings, frozen=True, kw_only=True):
    """OpenTelemetry logs over HTTP."""

    url: str
    """Where the receiver is, such as `http://collector:4318`; `/v1/logs` is put behind it."""
    encoding: Literal["protobuf", "json"] = "protobuf"
    """How requests are written: `protobuf` or `json`."""
    tenant: str = ""
    """The tenant, sent as `X-Scope-OrgID`, for Loki."""


class OtlpSink:
    """Exports to one receiver."""

    def __init__(
        self, settings: OtlpSettings, context: Context, *, clock: Callable[[], int] = time.time_ns
    ) -> None:
        self._url = settings.at(PATH)
        self._form = otlp_json if settings.encoding == "json" else otlp_protobuf
        self._headers = {"Content-Type": self._form.CONTENT_TYPE}
        if settings.tenant:
            self._headers["X-Scope-OrgID"] = settings.tenant
        self._context = context
        self._clock = clock
        self._client = HttpClient(settings, context.version)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """One export of everything."""
        node, external, _, version = self._context
        observed = self._clock()
        parts: list[bytes] = []
        for batch in batches:
            parts.append(self._form.resource_logs(batch, node, external, version, observed))
            await asyncio.sleep(0)
        if self._form is otlp_json:
            parts = [b'{"resourceLogs":[', b",".join(parts), b"]}"]
        answer = await self._client.post(self._url, parts, self._headers)
        return answer if isinstance(answer, Again) else self._verdict(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _verdict(self, answer: Answer) -> Verdict:
        """What an answer means: the specification's rules. That credentials or address are wrong says nothing of
        the records, so it is waited until they are mended."""
        status = answer.status
        if 200 <= status < 300:
            return self._delivered(answer)
        if status == 413:
            return TooLarge(answer.why)
        if status in RETRYABLE or status in MENDABLE or status < 400:
            return answer.again()
        return Refused(answer.why, split=status == 400)

    def _delivered(self, answer: Answer) -> Delivered:
        try:
            count, why = self._form.rejected(answer.body)
        except ValueError:
            return Delivered()  # a success whose body says nothing to us
        return Delivered(lost=max(0, count), why=why)


async def opened(settings: OtlpSettings, context: Context) -> OtlpSink:
    """The sink; nothing is connected before the first batch."""
    return OtlpSink(settings, context)
