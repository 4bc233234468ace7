"""Which rights a request has: by the listener it came to, the peer of the socket, its token, password or certificate."""

from __future__ import annotations

import grp
import ipaddress
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from agent.http.basicauth import Busy, Passwords, credentials
from agent.http.problem import HttpProblem
from agent.http.webconfig import WEB
from agent.rights import LOOPBACK, OPEN, Right, Tokens

if TYPE_CHECKING:
    from asyncio.trsock import TransportSocket

_UCRED = struct.Struct("3i")
_SO_PEERGROUPS = 59
_GROUPS = 4096
# Of `NAME`, `NAME:PORT`, `[ADDRESS]`, `[ADDRESS]:PORT` the name or address; no other form is anybody's name.
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+))(?::[0-9]{1,5})?")


class _Way(NamedTuple):
    """One way to say who asks, in the words of a 401."""

    what: str
    how: str
    challenge: str


_TOKEN = _Way("a bearer token", "Bearer TOKEN with one of server.tokens_file", 'Bearer realm="deckwatch"')
_PASSWORD = _Way(
    "a user with password",
    "Basic with one of basic_auth_users in server.web_config_file",
    'Basic realm="deckwatch", charset="UTF-8"',
)


class Listener(StrEnum):
    """Where a request came in."""

    SOCKET = "socket"
    LOOPBACK = "loopback"
    OPEN = "open"


class Guard:
    """Grants rights on one kind of listener; `tokens` None when there is no tokens file.

    Users and client certificates are those of the application's web configuration. Where any of the three is
    asked for, it decides instead of the kind of listener.
    """

    def __init__(self, listener: Listener, *, tokens: Tokens | None = None, group: str | None = None) -> None:
        self._listener = listener
        self._tokens = tokens
        self._group = group

    async def check(self, request: web.Request, needed: Right | None) -> None:
        """Raises HttpProblem when the request may not have what it asks for."""
        if self._listener is Listener.SOCKET:
            self._check_peer(request)
            return
        config = request.app.get(WEB)
        passwords = config.passwords if config is not None else None
        certified = config is not None and config.file.requires_certificates
        asks_who = self._tokens is not None or bool(passwords)
        if self._listener is Listener.LOOPBACK and not asks_who and not certified:
            _check_host(request)
        if needed is None:
            return
        if asks_who:
            await self._check_who(request, needed, passwords)
        elif needed not in (LOOPBACK if certified or self._listener is Listener.LOOPBACK else OPEN):
            raise HttpProblem(403, _refusal(needed))

    async def _check_who(self, request: web.Request, needed: Right, passwords: Passwords | None) -> None:
        header = request.headers.get("Authorization", "")
        scheme, _, token = header.partition(" ")
        if scheme.lower() == "bearer" and self._tokens is not None:
            rights = self._tokens.rights_of(token.strip())
            if rights is not None and needed not in rights:
                raise HttpProblem(403, f"this token lacks the right {needed}; add it in server.tokens_file")
        else:
            rights = await _rights_of_user(header, passwords) if passwords else None
        if rights is None:
            raise self._unknown(bool(scheme), bool(passwords))
        if needed not in rights:
            raise HttpProblem(403, _refusal(needed))

    def _unknown(self, tried: bool, users: bool) -> HttpProblem:
        ways = [way for way, asked in ((_PASSWORD, users), (_TOKEN, self._tokens is not None)) if asked]
        what = " or ".join(way.what for way in ways)
        return HttpProblem(
            401,
            f"{what} {'that was sent is not known' if tried else 'is needed'}; "
            f"send Authorization: {' or '.join(way.how for way in ways)}",
            headers={"WWW-Authenticate": ", ".join(way.challenge for way in ways)},
        )

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


async def _rights_of_user(header: str, passwords: Passwords) -> frozenset[Right] | None:
    """What the user of a basic header may do, which is all but control; None when the user is unknown."""
    given = credentials(header)
    if given is None:
        return None
    try:
        return LOOPBACK if await passwords.knows(*given) else None
    except Busy:
        raise HttpProblem(
            429, "too many passwords are being checked; ask again in a moment", headers={"Retry-After": "1"}
        ) from None


def _refusal(needed: Right) -> str:
    if needed is Right.CONTROL:
        return "control is over the unix socket or with a token only; set server.tokens_file for a token"
    return (
        f"this address serves /metrics, /sd and the health paths only; ask a loopback address, or set "
        f"server.tokens_file and use a token with the right {needed}, or basic_auth_users in "
        "server.web_config_file"
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
        await guard.check(request, needed)
        return await handler(request)

    return checked
