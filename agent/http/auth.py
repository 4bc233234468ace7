"""Which rights a request has: by the listener it came to, the peer of the socket, or its bearer token."""

from __future__ import annotations

import grp
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING

from aiohttp import web

from agent.http.problem import HttpProblem
from agent.rights import LOOPBACK, OPEN, Right, Tokens

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

_UCRED = struct.Struct("3i")
_SO_PEERGROUPS = 59
_GROUPS = 4096
# Of `NAME`, `NAME:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT` the name or address; no other form is anybody's name.
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?")


class Listener(StrEnum):
    """Where a request came in."""

    SOCKET = "socket"
    LOOPBACK = "loopback"
    OPEN = "open"


class Guard:
    """Grants rights on one kind of listener; `tokens` None when there is no tokens file."""

    def __init__(self, listener: Listener, *, tokens: Tokens | None = None, group: str | None = None) -> None:
        self._listener = listener
        self._tokens = tokens
        self._group = group

    def check(self, request: web.Request, needed: Right | None) -> None:
        """Raises HttpProblem when the request may not have what it asks for."""
        if self._listener is Listener.SOCKET:
            self._check_peer(request)
            return
        if self._tokens is None and self._listener is Listener.LOOPBACK:
            _check_host(request)
        if needed is None:
            return
        if self._tokens is not None:
            self._check_token(request, needed, self._tokens)
        elif needed not in (LOOPBACK if self._listener is Listener.LOOPBACK else OPEN):
            raise HttpProblem(403, self._refusal(needed))

    def _refusal(self, needed: Right) -> str:
        if needed is Right.CONTROL:
            return "control is over the unix socket or with a token only; set server.tokens_file for a token"
        return (
            f"this address serves /metrics, /sd and the health paths only; "
            f"ask a loopback address, or set server.tokens_file and use a token with the right {needed}"
        )

    def _check_token(self, request: web.Request, needed: Right, tokens: Tokens) -> None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        rights = tokens.rights_of(token.strip()) if scheme.lower() == "bearer" else None
        if rights is None:
            what = "the bearer token is not known" if scheme else "a bearer token is needed"
            raise HttpProblem(
                401,
                f"{what}; send Authorization: Bearer TOKEN with one of server.tokens_file",
                headers={"WWW-Authenticate": 'Bearer realm="deckwatch"'},
            )
        if needed not in rights:
            raise HttpProblem(403, f"this token lacks the right {needed}; add it in server.tokens_file")

    def _check_peer(self, request: web.Request) -> None:
        connection = request.transport.get_extra_info("socket") if request.transport else None
        if connection is None:
            raise HttpProblem(403, "the other end of the socket is gone")
        _, uid, gid = _UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size))
        if uid in (0, os.geteuid()):
            return
        if self._group is not None and group_id(self._group) in (gid, *_peer_groups(connection)):
            return
        raise HttpProblem(
            403,
            f"uid {uid} may not use this socket; run as uid {os.geteuid()} or root, or set server.socket_group",
        )


def group_id(name: str) -> int:
    """The number of a group given by name or number; -1 when there is none."""
    try:
        return int(name) if name.isdigit() else grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def _peer_groups(connection: TransportSocket) -> tuple[int, ...]:
    try:
        data = connection.getsockopt(socket.SOL_SOCKET, _SO_PEERGROUPS, 4 * _GROUPS)
    except OSError:
        return ()
    return struct.unpack(f"{len(data) // 4}I", data)


def _check_host(request: web.Request) -> None:
    """A page that a browser was lured to may name this address as its own: then Host is another name."""
    host = request.headers.get("Host")
    if host is None:
        return  # HTTP/1.0 without the header: no browser
    found = _HOST.fullmatch(host)
    name = (found[1] or found[2]) if found else ""
    if name.lower().rstrip(".") == "localhost":
        return
    try:
        loopback = ipaddress.ip_address(name).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise HttpProblem(
            421, f"the Host header says {host[:80]!r}, this listener answers as localhost or 127.0.0.1 only"
        )


def guarded(
    guard: Guard, needed: Right | None, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler behind its guard."""

    async def checked(request: web.Request) -> web.StreamResponse:
        guard.check(request, needed)
        return await handler(request)

    return checked
