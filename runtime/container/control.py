"""A monitor's ears and mouth: its listening socket, and connections that ask and watch."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Callable
from typing import Any

from runtime.container.protocol import decode, encode, short_path, trusted

LINE = 4096
CONNECTIONS = 16

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class Control:
    """Sockets of a monitor, registered with the pollers it is given. `answer` is called for each request."""

    def __init__(self, path: str, pollers: list[select.poll], answer: Answer) -> None:
        self._path = path
        self._pollers = pollers
        self._answer = answer
        self._connections: dict[int, socket.socket] = {}
        self._buffers: dict[int, bytes] = {}
        self._watchers: set[int] = set()
        if os.path.exists(path):
            os.unlink(path)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.setblocking(False)
        mask = os.umask(0o177)
        with short_path(path) as address:
            self._listener.bind(address)
        os.umask(mask)
        self._listener.listen(CONNECTIONS)
        self._register(self._listener.fileno())

    def _register(self, descriptor: int) -> None:
        for poller in self._pollers:
            poller.register(descriptor, select.POLLIN)

    def add(self, connection: socket.socket, *, watch: bool) -> None:
        """Serve a connection; with `watch` it hears of events."""
        connection.setblocking(False)
        descriptor = connection.fileno()
        self._connections[descriptor] = connection
        self._buffers[descriptor] = b""
        if watch:
            self._watchers.add(descriptor)
        self._register(descriptor)

    def handle(self, descriptor: int) -> bool:
        """Take what arrived on a descriptor; False when it is none of these sockets."""
        if descriptor == self._listener.fileno():
            self._accept()
        elif descriptor in self._connections:
            self._serve(descriptor)
        else:
            return False
        return True

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        if len(self._connections) >= CONNECTIONS or not trusted(connection):
            connection.close()
            return
        self.add(connection, watch=False)

    def _serve(self, descriptor: int) -> None:
        try:
            received = self._connections[descriptor].recv(LINE)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        *lines, rest = (self._buffers[descriptor] + received).split(b"\n")
        if not received or len(rest) > LINE:
            self._drop(descriptor)
            return
        self._buffers[descriptor] = rest
        for line in lines:
            self._reply(descriptor, line)

    def _reply(self, descriptor: int, line: bytes) -> None:
        try:
            message = decode(line)
        except ValueError as error:
            self._send(descriptor, {"error": f"not understood: {error}"})
            return
        if message.get("op") == "watch":
            self._watchers.add(descriptor)
        self._send(descriptor, self._answer(message))

    def _send(self, descriptor: int, message: dict[str, Any]) -> None:
        try:
            self._connections[descriptor].send(encode(message), socket.MSG_NOSIGNAL)
        except (OSError, KeyError):
            # Whoever does not read is not waited for: what is told stands on disk as well.
            self._drop(descriptor)

    def tell(self, event: dict[str, Any]) -> None:
        """Send an event to everyone who watches."""
        for descriptor in tuple(self._watchers):
            self._send(descriptor, event)

    def _drop(self, descriptor: int) -> None:
        connection = self._connections.pop(descriptor, None)
        if connection is None:
            return
        self._watchers.discard(descriptor)
        self._buffers.pop(descriptor, None)
        for poller in self._pollers:
            poller.unregister(descriptor)
        connection.close()

    def close(self) -> None:
        """Close everything and remove the socket from the file system."""
        for descriptor in tuple(self._connections):
            self._drop(descriptor)
        self._listener.close()
        os.unlink(self._path)
