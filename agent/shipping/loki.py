"""Grafana Loki: the push API, as JSON (which packs better here than protobuf in snappy, and in half the time).

Protocol: Loki's HTTP API, `POST /loki/api/v1/push`. An entry that Loki has already, with equal time and text in the
same stream, is dropped there, so a batch may be sent again; records that are twins in their file are told apart by
their `shift`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal

import orjson
from orjson import Fragment

from agent.shipping.http_client import BUSY, MENDABLE, Answer, HttpClient
from agent.shipping.http_settings import HttpSettings
from agent.shipping.loki_refusals import Sent, refusals
from agent.shipping.sink import Again, Context, Delivered, Refused, TooLarge, Verdict
from collectors.logs.batch import LogBatch, Record
from collectors.logs.loki_labels import cut, stream_labels, stream_metadata

PATH = "/loki/api/v1/push"
MAX_LINE = 256 * 1024
BLOCKED = 260
"""Loki's own status for a tenant whose ingestion is switched off for a time."""
_SAFE = MAX_LINE // 4  # so many characters are in no case more bytes than the limit
_Entry = tuple[str, str, Fragment]
_Alike = tuple[str, str | None, int | None]
_HEADERS = {"Content-Type": "application/json"}
# Errors of status 400 or 500 that tell of the size of the whole request.
_TOO_LARGE = ("request body too large", "message larger than max")
# Errors of status 400 that tell of the tenant's configuration and nothing of the records.
_MENDABLE = ("this feature is disallowed", "missing required labels")


class LokiSettings(HttpSettings, frozen=True, kw_only=True):
    """Grafana Loki 3 and newer."""

    url: str
    """Where Loki is, such as `http://loki:3100`; `/loki/api/v1/push` is put behind it."""
    tenant: str = ""
    """The tenant, sent as `X-Scope-OrgID`."""
    compression: Literal["gzip", "none"] = "gzip"
    """How bodies are compressed; Loki's push API takes no zstd."""


class LokiSink:
    """Pushes to one Loki."""

    def __init__(self, settings: LokiSettings, context: Context) -> None:
        self._url = settings.at(PATH)
        self._headers = {**_HEADERS, "X-Scope-OrgID": settings.tenant} if settings.tenant else _HEADERS
        self._context = context
        self._client = HttpClient(settings, context.version)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """One push of everything; what several batches have of one stream is one stream of it."""
        values: dict[bytes, list[bytes]] = {}
        for batch in batches:
            for labels, entries in streams(batch, self._context.node, self._context.external_labels):
                values.setdefault(labels, []).append(entries)
            await asyncio.sleep(0)
        pushed = [
            b'{"stream":' + labels + b',"values":[' + b",".join(each) + b"]}"
            for labels, each in values.items()
        ]
        parts = [b'{"streams":[', b",".join(pushed), b"]}"]
        answer = await self._client.post(self._url, parts, self._headers)
        return answer if isinstance(answer, Again) else self._verdict(answer, batches)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _verdict(self, answer: Answer, batches: Sequence[LogBatch]) -> Verdict:
        """What an answer means; source: Loki's troubleshooting guide for ingestion."""
        status, text = answer.status, answer.text
        if status == 413 or (status in (400, 500) and any(words in text for words in _TOO_LARGE)):
            return TooLarge(answer.why)
        if status != BLOCKED and 200 <= status < 300:
            return Delivered()
        if status == 400 and not any(words in text for words in _MENDABLE):
            return self._refused(answer, batches)
        if status in MENDABLE or status in BUSY or status == 400 or status < 400 or status >= 500:
            return answer.again()
        return Refused(answer.why)

    def _refused(self, answer: Answer, batches: Sequence[LogBatch]) -> Verdict:
        """Some of it may be stored: it is not sent again as a whole. Where Loki tells of one stream alone, the
        others are asked for by sending them once more: of what it has already it makes no second copy."""
        found = refusals(answer.text, self._sent(batches))
        if found is None:
            return Refused(answer.why)
        if found.open:
            return Again(answer.why, only=found.open, refused=found.refused)
        return Delivered(found.refused, found.lost, answer.why)

    def _sent(self, batches: Sequence[LogBatch]) -> Iterator[Sent]:
        number = 0
        context = self._context
        for batch in batches:
            labels: dict[str, str] = {}
            for record in batch.records:
                stream = record.stream
                if stream not in labels:
                    labels[stream] = selector(
                        stream_labels(batch.target, stream, context.node, context.external_labels)
                    )
                yield Sent(number, labels[stream], record.time + record.shift, record.message)
                number += 1


async def opened(settings: LokiSettings, context: Context) -> LokiSink:
    """The sink; nothing is connected before the first batch."""
    return LokiSink(settings, context)


def selector(labels: dict[str, str]) -> str:
    """Labels as Loki writes them in its messages."""
    return "{" + ", ".join(f"{name}={_quoted(value)}" for name, value in sorted(labels.items())) + "}"


def _quoted(value: str) -> str:
    return orjson.dumps(value).decode()


def streams(batch: LogBatch, node: str, external: dict[str, str]) -> Iterator[tuple[bytes, bytes]]:
    """The batch as JSON of the push API: for each of the container's streams the labels, and the entries with a
    comma between them."""
    values: dict[str, list[_Entry]] = {}
    alike: dict[_Alike, tuple[Callable[[_Entry], None], str]] = {}
    constant = stream_metadata(batch.target)
    for record in batch.records:
        message, trace = record.message, record.trace_id
        key = (record.stream, record.level, record.run)
        if key not in alike:
            alike[key] = values.setdefault(record.stream, []).append, _head(constant, record)
        append, head = alike[key]
        if len(message) > _SAFE:
            message = cut(message, MAX_LINE)
        if trace is None:
            metadata = f'{head}"uid":"{record.uid}"}}'
        elif record.span_id is None and trace.encode().isalnum():
            metadata = f'{head}"uid":"{record.uid}","trace_id":"{trace}"}}'
        else:
            more = {"uid": record.uid, "trace_id": trace, "span_id": record.span_id or ""}
            metadata = head + orjson.dumps(more).decode()[1:]
        append((str(record.time + record.shift), message, Fragment(metadata)))
    for stream, entries in values.items():
        labels = stream_labels(batch.target, stream, node, external)
        yield orjson.dumps(labels), orjson.dumps(entries)[1:-1]


def _head(constant: Mapping[str, str], record: Record) -> str:
    """The beginning of the structured metadata, as JSON, of records of the same level and run."""
    some = dict(constant)
    if record.level:
        some["level"] = record.level
    if record.run is not None:
        some["run"] = str(record.run)
    head = orjson.dumps(some).decode()[:-1]
    return f"{head}," if some else head
