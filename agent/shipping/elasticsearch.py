"""Elasticsearch and OpenSearch: the bulk API, `create` with the record's uid, so that each is indexed once.

Protocol: `POST /_bulk`, newline-delimited JSON; the answer has a status for each record.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Literal
from urllib.parse import quote

import msgspec

from agent.config.types import Path
from agent.shipping.ecs import Documents
from agent.shipping.http_client import BUSY, MENDABLE, MOST, Answer, HttpClient
from agent.shipping.http_secrets import Authorization
from agent.shipping.http_settings import HttpSettings
from agent.shipping.sink import Again, Context, Delivered, Refused, TooLarge, Verdict
from collectors.logs.batch import LogBatch

_HEADERS = {"Content-Type": "application/x-ndjson", "Accept": "application/json"}
_FILTER = "filter_path=errors,items.*.status,items.*.error.type"
_PER_RECORD = 512  # bytes of an answer
_INDEX = re.compile(r"(?![-_+.])(?:[^\\/*?\"<>|\x00-\x20,#:%A-Z]|%[YmdH])+")
# Errors of a record that tell of the cluster or of rights, and nothing of the record.
_PASSING = frozenset((
    "cluster_block_exception", "es_rejected_execution_exception", "rejected_execution_exception",
    "security_exception", "index_not_found_exception", "unavailable_shards_exception", "circuit_breaking_exception",
))  # fmt: skip


class ElasticsearchSettings(HttpSettings, frozen=True, kw_only=True):
    """Elasticsearch 8 and newer, OpenSearch 2 and newer."""

    url: str
    """Where it is, such as `https://elastic:9200`; `/_bulk` is put behind it."""
    index: str = "logs-deckwatch-default"
    """Data stream or index. `%Y`, `%m`, `%d` and `%H` stand for the time of the record (UTC)."""
    pipeline: str = ""
    """Ingest pipeline that records go through."""
    api_key_file: Path = ""
    """File that holds an encoded API key, sent as `Authorization: ApiKey`; read again when it changes."""
    compression: Literal["gzip", "none"] = "gzip"
    """How bodies are compressed; the bulk API takes no zstd."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _INDEX.fullmatch(self.index) or len(self.index) > 200:
            raise ValueError(
                f'index {self.index!r} is no name of an index: lower case, none of \\/*?"<>| ,#:, '
                "not beginning with - _ + or ."
            )
        if self.api_key_file and (self.basic_auth or self.bearer_token_file):
            raise ValueError("api_key_file excludes basic_auth and bearer_token_file")


class _Error(msgspec.Struct, frozen=True):
    type: str = ""


class _Result(msgspec.Struct):
    status: int
    error: _Error = _Error()

    @property
    def taken(self) -> bool:
        """Whether it is there: 409 came with an earlier try."""
        return self.status < 300 or self.status == 409

    @property
    def passes(self) -> bool:
        """Whether it may be taken later."""
        return self.status == 429 or self.status >= 500 or self.error.type in _PASSING

    @property
    def why(self) -> str:
        """The reason, which for records refused alike is the same text."""
        return self.error.type or f"status {self.status}"


class _Bulk(msgspec.Struct):
    errors: bool
    items: list[dict[str, _Result]] = []


_decode = msgspec.json.Decoder(_Bulk).decode


class ElasticsearchSink:
    """Indexes into one cluster."""

    def __init__(self, settings: ElasticsearchSettings, context: Context) -> None:
        pipeline = f"&pipeline={quote(settings.pipeline, safe='')}" if settings.pipeline else ""
        self._url = f"{settings.at('/_bulk')}?{_FILTER}{pipeline}"
        self._index = settings.index
        self._context = context
        own = Authorization(None, settings.api_key_file, "ApiKey") if settings.api_key_file else None
        self._client = HttpClient(settings, context.version, authorization=own)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """One bulk request of everything."""
        parts: list[bytes] = []
        for batch in batches:
            documents = Documents(
                batch.target, self._context.node, self._context.external_labels, self._index
            )
            parts.append(b"".join(map(documents.lines, batch.records)))
            await asyncio.sleep(0)
        count = sum(len(batch.records) for batch in batches)
        answer = await self._client.post(self._url, parts, _HEADERS, most=MOST + count * _PER_RECORD)
        return answer if isinstance(answer, Again) else self._verdict(answer, count)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _verdict(self, answer: Answer, count: int) -> Verdict:
        status = answer.status
        if status == 200:
            return self._judged(answer, count)
        if status == 413:
            return TooLarge(answer.why)
        if status in MENDABLE or status in BUSY or status < 400 or status >= 500:
            return answer.again()
        return Refused(answer.why, split=True)  # a request that was not understood indexed nothing

    @staticmethod
    def _judged(answer: Answer, count: int) -> Verdict:
        """Each record's own status."""
        try:
            bulk = _decode(answer.body)
        except msgspec.MsgspecError as error:
            return Again(f"the answer is none of the bulk API: {error}")
        if not bulk.errors:
            return Delivered()
        if len(bulk.items) != count:
            return Again(f"{len(bulk.items)} results for {count} records")
        results = [next(iter(item.values()), _Result(500)) for item in bulk.items]
        failed = [(number, result) for number, result in enumerate(results) if not result.taken]
        refused = tuple((number, result.why) for number, result in failed if not result.passes)
        only = [number for number, result in failed if result.passes]
        if only:
            return Again(results[only[0]].why, only=only, refused=refused)
        return Delivered(refused, why=refused[0][1] if refused else "")


async def opened(settings: ElasticsearchSettings, context: Context) -> ElasticsearchSink:
    """The sink; nothing is connected before the first batch."""
    return ElasticsearchSink(settings, context)
