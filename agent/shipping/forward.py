"""The Forward protocol of Fluentd and Fluent Bit, with acknowledgements.

Specification: Fluentd's Forward Protocol Specification v1. Each container's batch is one PackedForward or
CompressedPackedForward message with an option `chunk`; it is delivered once the peer has sent that back. What was not
acknowledged is sent again, under another `chunk`: the records' `uid` tells what came twice.
"""

from __future__ import annotations

import asyncio
import base64
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from agent.config.types import Path
from agent.shipping.compress import compressed
from agent.shipping.forward_handshake import Credentials, shake_hands
from agent.shipping.msgpack_stream import read_value
from agent.shipping.naming import Naming
from agent.shipping.password import password_of
from agent.shipping.sink import Again, Context, Delivered, Verdict
from agent.shipping.tcp import Connection, TcpClient, TcpSettings
from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines
from collectors.logs.times import SECOND

_MAX_TAG = 512
_EVENT_TIME = struct.Struct(">II")
_MAX_SECONDS = (1 << 32) - 1
_CHUNK = 16
_TURN = 256  # records between two turns of the event loop
_encoder = msgspec.msgpack.Encoder()


class ForwardSettings(TcpSettings, frozen=True, kw_only=True):
    """Fluentd 0.14 and newer, Fluent Bit, and others that speak the Forward protocol v1."""

    tag: str = "deckwatch.{container}"
    """Tag of the records. `{node}`, `{engine}`, `{namespace}`, `{workload}`, `{container}` and `{name}` stand for the
    container's; one that it has not is `none`, and signs other than letters, digits, `-` and `_` become `_`."""
    compression: Literal["gzip", "none"] = "gzip"
    """`gzip` or `none`."""
    shared_key_file: Path = ""
    """File that holds the key shared with the peer. Without it there is no handshake."""
    username: str = ""
    """User, if the peer asks for one."""
    password_file: Path = ""
    """File that holds the user's password."""

    def __post_init__(self) -> None:
        super().__post_init__()
        Naming(self.tag, _MAX_TAG)
        if self.username and not (self.password_file and self.shared_key_file):
            raise ValueError("username needs password_file and shared_key_file")


class ForwardSink:
    """Sends to one peer."""

    def __init__(self, settings: ForwardSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._naming = Naming(settings.tag, _MAX_TAG)
        self._client = TcpClient(settings, self._greet)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """One message for each batch, and the peer's word on each."""
        messages: list[bytes] = []
        waiting: dict[bytes, range] = {}
        number = 0
        for batch in batches:
            chunk = base64.b64encode(os.urandom(_CHUNK))
            messages.append(await self._message(batch, chunk))
            waiting[chunk] = range(number, number + len(batch.records))
            number += len(batch.records)

        async def exchange(connection: Connection) -> Verdict:
            for message in messages:
                await connection.write(message)
            while waiting:
                waiting.pop(_acknowledged(await read_value(connection.reader), waiting))
            return Delivered()

        verdict = await self._client.attempt(exchange)
        if isinstance(verdict, Again) and len(waiting) < len(messages):
            return verdict._replace(only=[one for numbers in waiting.values() for one in numbers])
        return verdict

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _greet(self, connection: Connection) -> None:
        settings = self._settings
        if settings.shared_key_file:
            key, password = password_of(settings.shared_key_file), password_of(settings.password_file)
            await shake_hands(connection, Credentials(self._context.node, key, settings.username, password))

    async def _message(self, batch: LogBatch, chunk: bytes) -> bytes:
        option: dict[str, Any] = {"size": len(batch.records), "chunk": chunk.decode()}
        if self._settings.compression != "none":
            option["compressed"] = self._settings.compression
        packed: list[bytes] = []
        for start in range(0, len(batch.records), _TURN):
            some = LogBatch(batch.target, batch.records[start : start + _TURN])
            packed.append(entries(some, self._context.node, self._context.external_labels))
            await asyncio.sleep(0)
        body = await compressed(packed, self._settings.compression)
        return _encoder.encode((self._naming.of(batch.target, self._context.node), body, option))


async def opened(settings: ForwardSettings, context: Context) -> ForwardSink:
    """The sink; nothing is connected before the first batch."""
    return ForwardSink(settings, context)


def entries(batch: LogBatch, node: str, external: Mapping[str, str]) -> bytes:
    """The records as entries behind each other: EventTime, then the members of a record as the API gives them,
    without `time` but with `node` and, as `labels`, what is added to everything shipped."""
    json = JsonLines(batch.target)
    common = {"container": msgspec.Raw(_encoder.encode(batch.target.container)), "node": node}
    if external:
        common["labels"] = msgspec.Raw(_encoder.encode(external))
    parts: list[bytes] = []
    for record in batch.records:
        members = json.mapping(record)
        del members["time"]
        members.update(common)
        parts.append(_encoder.encode((_event_time(record.time), members)))
    return b"".join(parts)


def _event_time(time: int) -> msgspec.msgpack.Ext:
    """Extension type 0: seconds and nanoseconds of 32 bits each; what does not fit is the nearest that does."""
    seconds, rest = divmod(time, SECOND)
    if not 0 <= seconds <= _MAX_SECONDS:
        seconds, rest = (0, 0) if seconds < 0 else (_MAX_SECONDS, SECOND - 1)
    return msgspec.msgpack.Ext(0, _EVENT_TIME.pack(seconds, rest))


def _acknowledged(answer: Any, waiting: Mapping[bytes, range]) -> bytes:
    """The chunk of an answer. Raises ValueError for what is none of those awaited."""
    chunk = answer.get(b"ack") if isinstance(answer, dict) else None
    if not isinstance(chunk, bytes) or chunk not in waiting:
        raise ValueError("the peer acknowledged what it was not sent")
    return chunk
