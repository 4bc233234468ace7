"""Lets connections in by the web configuration: each is shaken hands with by the version then in force.

`loop.create_server` has one SSLContext for its life and counts no connection before its handshake ended; here
both the context and the bound are looked at when a connection comes.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from typing import Any

import structlog

from agent.http.clientnames import is_allowed, names_of
from agent.http.handshake import ON_FAILURE
from agent.http.webconfig import WebConfig

log = structlog.get_logger()
TURNED_AWAY = "connections_turned_away"
CONNECTION_FAILED = "connection_failed"

HANDSHAKE_LIMIT = 10.0
SHUTDOWN_LIMIT = 1.0
TELL_EVERY = 60.0
_PAUSE = 1.0
# Errors of one connection, not of this process or host (accept(2), "Error handling").
_OF_THE_CLIENT = (errno.ECONNABORTED, errno.EPROTO, errno.EPERM, errno.ENETDOWN, errno.EHOSTUNREACH)


class Acceptor:
    """Accepts on one bound socket until `stop`; `factory` makes the protocol of each connection that is let in.

    `room` says whether one more may begin. Those that are turned away are closed; why stands in the log once a
    minute, with their count.
    """

    def __init__(
        self,
        listening: socket.socket,
        factory: Callable[[], asyncio.BaseProtocol],
        config: WebConfig,
        room: Callable[[], bool],
        *,
        handshake_limit: float = HANDSHAKE_LIMIT,
    ) -> None:
        self._listening = listening
        self._factory = factory
        self._config = config
        self._room = room
        self._handshake_limit = handshake_limit
        self._told = -TELL_EVERY
        self._turned_away = 0
        self.handshakes = 0
        self._task = asyncio.ensure_future(self._run())

    async def stop(self) -> None:
        """Accept no more; those that are still shaking hands are closed."""
        self._task.cancel()
        await asyncio.wait((self._task,))
        self._listening.close()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            while True:
                connection = await self._accept()
                if self._room():
                    self.handshakes += 1
                    group.create_task(self._let_in(connection))
                else:
                    connection.close()
                    self._tell("too many connections are open; close some or raise server.max_connections")

    async def _accept(self) -> socket.socket:
        loop = asyncio.get_running_loop()
        while True:
            try:
                return (await loop.sock_accept(self._listening))[0]
            except OSError as error:
                self._tell(f"cannot accept: {error.strerror}")
                if error.errno not in _OF_THE_CLIENT:
                    await asyncio.sleep(_PAUSE)

    async def _let_in(self, connection: socket.socket) -> None:
        failures: list[str] = []
        try:
            await self._config.refresh()
            async with asyncio.timeout(None) as limit:

                def failed(reason: str) -> None:
                    failures.append(reason)
                    limit.reschedule(0)  # as soon as the alert is sent

                ON_FAILURE.set(failed)
                await self._shake_hands(connection)
        except OSError as error:
            connection.close()
            self._tell(f"no handshake: {failures[0] if failures else error}")
            _let_go(error)
        except Exception:
            connection.close()
            log.exception(CONNECTION_FAILED)  # a fault of this program must not end the others' way in
        except BaseException:
            connection.close()
            raise
        finally:
            self.handshakes -= 1

    async def _shake_hands(self, connection: socket.socket) -> None:
        context = self._config.context
        await asyncio.get_running_loop().connect_accepted_socket(
            lambda: _Entrance(self._protocol_for),
            connection,
            ssl=context,
            ssl_handshake_timeout=self._handshake_limit if context else None,
            ssl_shutdown_timeout=SHUTDOWN_LIMIT if context else None,
        )

    def _protocol_for(self, certificate: Mapping[str, Any]) -> asyncio.BaseProtocol | None:
        tls = self._config.file.tls
        if tls is None or tls.client_allowed_sans is None or is_allowed(certificate, tls.client_allowed_sans):
            return self._factory()
        names = ", ".join(names_of(certificate)) or "none"
        self._tell(f"a client's certificate has no name of client_allowed_sans; it has {names[:200]!r}")
        return None

    def _tell(self, reason: str) -> None:
        self._turned_away += 1
        now = time.monotonic()
        if now - self._told >= TELL_EVERY:
            log.info(TURNED_AWAY, count=self._turned_away, last=reason)
            self._told, self._turned_away = now, 0


def _let_go(error: BaseException) -> None:
    """Empty the frames of a failed handshake: they hold a buffer of 256 KiB in a cycle, until some collection."""
    link: BaseException | None = error
    while link is not None:
        traceback.clear_frames(link.__traceback__)
        link = link.__context__


class _Entrance(asyncio.Protocol):
    """Stands at a connection until its handshake ended, and gives way to the protocol it is let in with."""

    def __init__(self, protocol_for: Callable[[Mapping[str, Any]], asyncio.BaseProtocol | None]) -> None:
        self._protocol_for = protocol_for

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        protocol = self._protocol_for(transport.get_extra_info("peercert") or {})
        if protocol is None:
            transport.abort()
        else:
            transport.set_protocol(protocol)
            protocol.connection_made(transport)
