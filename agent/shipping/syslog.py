"""Syslog: RFC 5424 messages with octet counting, over TCP (RFC 6587) or TLS (RFC 5425).

Syslog knows no acknowledgement. A batch counts as delivered once the peer's kernel has acknowledged every byte and
the connection still stands: a peer that dies between its kernel and its disk loses what it had. A batch whose
connection broke is sent again as a whole, so lines may come twice: their `uid` tells.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import msgspec

from agent.shipping.sink import Context, Delivered, Verdict
from agent.shipping.syslog_message import FACILITIES, Messages
from agent.shipping.tcp import Connection, TcpClient, TcpSettings
from collectors.logs.batch import LogBatch

Facility = Literal[
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp",
    "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
]  # fmt: skip
_SD_ID = re.compile(r"(?=.{1,32}\Z)[!#-<>-\\^-~]+@\d+(\.\d+)*")
_LEAST = 2048
_TURN = 256  # records between two turns of the event loop


class SyslogSettings(TcpSettings, frozen=True, kw_only=True):
    """A syslog receiver such as rsyslog or syslog-ng."""

    facility: Facility = "daemon"
    """Facility of all messages; the severity comes from each record's level."""
    structured_data_id: str = "deckwatch@32473"
    """Name of the element that says which container printed the line: a name, `@` and a private enterprise number.
    32473 is the number for documentation (RFC 5612); put your own behind the `@` if you have one."""
    message_bytes: Annotated[int, msgspec.Meta(ge=_LEAST)] = 64 << 10
    """Bytes of a message's text at most; a longer one is cut and says `cut="true"`. It must not be above what the
    receiver takes (rsyslog: `maxMessageSize`, 8 KiB unless set; syslog-ng: `log-msg-size`)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not _SD_ID.fullmatch(self.structured_data_id):
            raise ValueError("structured_data_id must be name@number, at most 32 signs (RFC 5424, 7.2.2)")


class SyslogSink:
    """Sends to one receiver."""

    def __init__(self, settings: SyslogSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = TcpClient(settings, Connection.settled)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """Write everything and wait until the peer's kernel has it."""
        frames: list[bytes] = []
        for batch in batches:
            async for frame in self._frames(batch):
                frames.append(frame)

        async def exchange(connection: Connection) -> Verdict:
            for part in frames:
                await connection.write(part)
            await connection.acknowledged()
            return Delivered()

        return await self._client.attempt(exchange)

    async def close(self) -> None:
        """Close the connection."""
        await self._client.close()

    async def _frames(self, batch: LogBatch) -> AsyncIterator[bytes]:
        settings, context = self._settings, self._context
        messages = Messages(
            batch.target, context.node, context.external_labels, FACILITIES[settings.facility],
            settings.structured_data_id, settings.message_bytes,
        )  # fmt: skip
        for start in range(0, len(batch.records), _TURN):
            parts: list[bytes] = []
            for record in batch.records[start : start + _TURN]:
                message = messages.message(record)
                parts += (b"%d " % len(message), message)
            yield b"".join(parts)
            await asyncio.sleep(0)


async def opened(settings: SyslogSettings, context: Context) -> SyslogSink:
    """The sink; nothing is connected before the first batch."""
    return SyslogSink(settings, context)
