"""An engine over gRPC that does on demand what no real one can be made to do: hang, lie, and go away."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable
from typing import Any

import grpclib.server
from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError

from collectors.inventory.grpc.wire import Message, encode


class _Raw(CodecBase):
    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return message if isinstance(message, bytes) else encode(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class Engine:
    """Answers by method; a test sets and changes them as it goes.

    `calls` maps a method to what takes (request, namespace) and gives a message or bytes, or raises; `streams`
    maps one to a queue of messages, ended by None. `hanging` methods never answer.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.calls: dict[str, Callable[[bytes, str], Message | bytes]] = {}
        self.streams: dict[str, Callable[[bytes, str], asyncio.Queue[Message | None]]] = {}
        self.hanging: set[str] = set()
        self.asked: list[str] = []
        self._server: grpclib.server.Server | None = None
        self._connections: set[Any] = set()

    async def start(self) -> None:
        """Listen on the socket."""
        self._server = grpclib.server.Server([self], codec=_Raw())
        await self._server.start(path=self.path)

    async def stop(self) -> None:
        """Close all connections and leave the socket."""
        if self._server is not None:
            self._server.close()
            for connection in self._connections:
                connection.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._server.wait_closed()
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.path)
        self._server = None

    def __mapping__(self) -> dict[str, Handler]:
        handlers = {
            method: Handler(self._call, Cardinality.UNARY_UNARY, bytes, bytes) for method in self.calls
        }
        for method in self.streams:
            handlers[method] = Handler(self._stream, Cardinality.UNARY_STREAM, bytes, bytes)
        return handlers

    async def _call(self, stream: Any) -> None:
        method, namespace, request = await self._request(stream)
        if method in self.hanging:
            await asyncio.Event().wait()
        await stream.send_message(self.calls[method](request, namespace))

    async def _stream(self, stream: Any) -> None:
        method, namespace, request = await self._request(stream)
        messages = self.streams[method](request, namespace)
        await stream.send_initial_metadata()
        while (message := await messages.get()) is not None:
            await stream.send_message(message)

    async def _request(self, stream: Any) -> tuple[str, str, bytes]:
        headers = dict(stream.metadata)
        method: str = stream._method_name
        self.asked.append(method)
        self._connections.add(stream._stream.connection)
        return method, headers.get("containerd-namespace", ""), await stream.recv_message()


def not_found(_request: bytes, _namespace: str) -> Message:
    """An answer that there is nothing of that name."""
    raise GRPCError(Status.NOT_FOUND, "no such thing")


def not_offered(_request: bytes, _namespace: str) -> Message:
    """An answer that this call is unknown."""
    raise GRPCError(Status.UNIMPLEMENTED, "unknown service")


def failing(_request: bytes, _namespace: str) -> Message:
    """An answer that something inside the engine went wrong."""
    raise GRPCError(Status.INTERNAL, "something broke")
