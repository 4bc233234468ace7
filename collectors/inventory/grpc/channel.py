"""One gRPC connection over a unix socket: calls that are limited in time, and streams.

Importing this module imports grpclib: whoever may run where no such socket is imports it when there is one.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import Any, TypeVar

import grpclib.client
from grpclib.const import Cardinality, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError, ProtocolError, StreamTerminatedError

from collectors.inventory.grpc.wire import Message, decode, encode
from runtime.linux.errors import DeckwatchError

TIMEOUT = 10.0
# Larger answers take some milliseconds to decode: lists.
INLINE = 32 << 10

M = TypeVar("M", bound=Message)


class NoAnswer(DeckwatchError):
    """The engine does not answer; the text names the socket and the remedy."""


class NotFound(DeckwatchError):
    """The engine has nothing of that name (any more)."""


class NotOffered(DeckwatchError):
    """The engine does not offer this call: an older version of it, or a part that is switched off."""


_CLASSES = {Status.NOT_FOUND: NotFound, Status.UNIMPLEMENTED: NotOffered}


class _Codec(CodecBase):
    """Answers stay bytes here: how they are decoded depends on their size."""

    __content_subtype__ = "proto"

    def encode(self, message: Message, message_type: Any) -> bytes:
        return encode(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class Channel:
    """A connection to the engine at a socket; `async with` opens it, which costs no more than a look at the file.

    Every call raises NoAnswer when the engine does not answer in time or not at all, NotFound and NotOffered
    when it says so, and wire.Malformed when it answers with something else. `setting` names the socket's key in
    the configuration.
    """

    def __init__(self, socket: str, setting: str, *, timeout: float = TIMEOUT) -> None:
        self._socket = socket
        self._setting = setting
        self._timeout = timeout
        self._channel: grpclib.client.Channel | None = None

    async def __aenter__(self) -> Channel:
        try:
            os.stat(self._socket)
        except OSError as error:
            raise self._away(error) from error
        self._channel = grpclib.client.Channel(path=self._socket, codec=_Codec())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._channel is not None
        self._channel.close()

    async def call(self, method: str, request: Message, shape: type[M], namespace: str = "") -> M:
        """One call: a request, an answer. `namespace` is containerd's."""
        async with (
            self._named(method),
            asyncio.timeout(self._timeout),
            self._request(Cardinality.UNARY_UNARY, method, request, namespace) as stream,
        ):
            answer = await stream.recv_message()
            await stream.recv_trailing_metadata()
        return await _decoded(answer or b"", shape)

    async def stream(
        self, method: str, request: Message, shape: type[M], namespace: str = ""
    ) -> AsyncGenerator[M, None]:
        """A request and the messages that answer it, until the engine ends them."""
        async with (
            self._named(method),
            self._request(Cardinality.UNARY_STREAM, method, request, namespace) as stream,
        ):
            while (message := await stream.recv_message()) is not None:
                yield await _decoded(message, shape)
                # Thousands may have arrived already: others get their turn between them.
                await asyncio.sleep(0)

    @contextlib.asynccontextmanager
    async def _request(
        self, cardinality: Cardinality, method: str, request: Message, namespace: str
    ) -> AsyncIterator[grpclib.client.Stream[Message, bytes]]:
        assert self._channel is not None
        metadata = {"containerd-namespace": namespace} if namespace else None
        async with self._channel.request(
            method, cardinality, type(request), bytes, metadata=metadata
        ) as stream:
            # Only the beginning of a stream is limited here: what it brings may be an event a day.
            async with asyncio.timeout(self._timeout):
                await stream.send_message(request, end=True)
            yield stream

    @contextlib.asynccontextmanager
    async def _named(self, method: str) -> AsyncIterator[None]:
        """Errors of the library and of the system as the project's own."""
        try:
            yield
        except TimeoutError as error:
            raise NoAnswer(f"{self._socket} does not answer {method} within {self._timeout:g} s") from error
        except GRPCError as error:
            kind = _CLASSES.get(error.status, NoAnswer)
            raise kind(
                f"{self._socket} answers {method} with {error.status.name}: {error.message}"
            ) from error
        except (StreamTerminatedError, ProtocolError) as error:
            raise NoAnswer(f"{self._socket} closed the connection; start the engine") from error
        except OSError as error:
            raise self._away(error) from error

    def _away(self, error: OSError) -> NoAnswer:
        remedies = {
            errno.ENOENT: f"start the engine, or set {self._setting}",
            errno.ECONNREFUSED: "start the engine",
            errno.EACCES: "run as root",
        }
        remedy = remedies.get(error.errno or 0, "start the engine")
        reason = os.strerror(error.errno) if error.errno else str(error) or type(error).__name__
        return NoAnswer(f"cannot reach {self._socket}: {reason}; {remedy}")


async def _decoded(content: bytes, shape: type[M]) -> M:
    """A message; a large one is decoded beside the event loop."""
    if len(content) <= INLINE:
        return decode(content, shape)
    return await asyncio.to_thread(decode, content, shape)
