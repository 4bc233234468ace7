"""Any HTTP endpoint that takes JSON lines: one record a line, as the API gives them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from agent.shipping.http_client import BUSY, MENDABLE, Answer, HttpClient
from agent.shipping.http_settings import HttpSettings
from agent.shipping.sink import Again, Context, Delivered, Refused, TooLarge, Verdict
from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines

_HEADERS = {"Content-Type": "application/x-ndjson"}


class LinesSettings(HttpSettings, frozen=True, kw_only=True):
    """JSON lines over HTTP."""

    url: str
    """Where requests go, with its path."""
    method: Literal["POST", "PUT"] = "POST"
    """`POST` or `PUT`."""
    split: bool = False
    """When the peer refuses a request (400, 422 and their like): look for the bad records by halves. Only for a
    peer that takes all of a request or nothing."""


class LinesSink:
    """Sends to one endpoint."""

    def __init__(self, settings: LinesSettings, context: Context) -> None:
        self._settings = settings
        self._client = HttpClient(settings, context.version)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """One request with everything."""
        parts: list[bytes] = []
        for batch in batches:
            json = JsonLines(batch.target)
            parts.append(b"".join([json.line(record) + b"\n" for record in batch.records]))
            await asyncio.sleep(0)
        answer = await self._client.post(self._settings.url, parts, _HEADERS, method=self._settings.method)
        return answer if isinstance(answer, Again) else self._verdict(answer)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _verdict(self, answer: Answer) -> Verdict:
        status = answer.status
        if 200 <= status < 300:
            return Delivered()
        if status == 413:
            return TooLarge(answer.why)
        if status in MENDABLE or status in BUSY or status < 400 or status >= 500:
            return answer.again()
        return Refused(answer.why, split=self._settings.split)


async def opened(settings: LinesSettings, context: Context) -> LinesSink:
    """The sink; nothing is connected before the first batch."""
    return LinesSink(settings, context)
