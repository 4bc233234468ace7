"""The agent's side of one monitor: its events, and what it is told to do."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from runtime.container.protocol import decode, encode, short_path


class MonitorLink:
    """A connection to a monitor. Losing it means that the monitor is gone."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, channel: socket.socket) -> MonitorLink:
        """Over the socket that a monitor was forked with: it tells its events unasked."""
        return cls(*await asyncio.open_connection(sock=channel))

    @classmethod
    async def to(cls, path: str) -> MonitorLink | None:
        """To a monitor that runs already; None when nobody listens."""
        try:
            with short_path(path) as address:
                link = cls(*await asyncio.open_unix_connection(address))
        except OSError:
            return None
        link.send({"op": "watch"})
        return link

    def send(self, message: dict[str, Any]) -> None:
        """Tell the monitor something; a monitor that is gone is noticed by `next`."""
        self._writer.write(encode(message))

    async def next(self) -> dict[str, Any] | None:
        """The next event or answer; None when the monitor is gone."""
        try:
            line = await self._reader.readline()
        except OSError:
            return None
        try:
            return decode(line) if line else None
        except ValueError:
            return None

    def close(self) -> None:
        """Hang up; the monitor goes on."""
        self._writer.close()
