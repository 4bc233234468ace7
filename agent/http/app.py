"""The servers of the agent: every listener opened, followed through reloads, and closed."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from dataclasses import dataclass, field

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from agent.api import AgentApi
from agent.conditions import Conditions
from agent.http import webrules
from agent.http.accept import Acceptor
from agent.http.auth import Listener
from agent.http.limits import Limiter
from agent.http.listeners import ListenError, identity, kind_of, tcp_sockets, unix_socket, url_of
from agent.http.routes import Answered, build_app
from agent.http.sse import Streams
from agent.http.webconfig import WebConfig
from agent.rights import Tokens

__all__ = ["Servers", "build_app"]

log = structlog.get_logger()
LISTENING = "listening"
LISTEN_FAILED = "listen_failed"

SHUTDOWN_TIMEOUT = 1.0
MAX_HEADER = 8190


def concerns_the_agent(record: logging.LogRecord) -> bool:
    """Whether a record is worth the agent's log: a client that speaks no HTTP was answered, and could fill it."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


@dataclass(slots=True)
class _Open:
    """One listener at work."""

    kind: Listener
    runner: web.AppRunner
    servers: list[asyncio.Server] = field(default_factory=list)
    acceptors: list[Acceptor] = field(default_factory=list)
    sockets: list[socket.socket] = field(default_factory=list)
    file: tuple[int, int] | None = None


class Servers:
    """All listeners of the agent. One that fails is reported as a condition; the others go on.

    `answered` is told the path of the route (empty for none) and the status of each answer.
    """

    def __init__(self, api: AgentApi, conditions: Conditions, answered: Answered | None = None) -> None:
        self._api = api
        self._conditions = conditions
        self._answered = answered
        logging.getLogger("aiohttp.server").addFilter(concerns_the_agent)
        self._streams = Streams()
        self._limiter = Limiter(api.config.server.max_connections)
        self._open: dict[str, _Open] = {}
        self._failed: set[str] = set()
        self._access: tuple[str | None, str | None, str | None] = (None, None, None)
        self._tokens: Tokens | None = None
        self._web: WebConfig | None = None

    @property
    def up(self) -> bool:
        """Whether at least one listener answers."""
        return bool(self._open)

    @property
    def urls(self) -> list[str]:
        """Where the agent answers over TCP."""
        secure = self._web is not None and self._web.context is not None
        return [url_of(one, secure=secure) for opened in self._open.values() for one in opened.sockets]

    @property
    def live_streams(self) -> int:
        """Server-sent event streams that are open."""
        return self._streams.open

    async def start(self) -> None:
        """Open what the configuration in force names; again after a reload, to follow its changes.

        Raises TokensError when the tokens file cannot be used, WebConfigError when the web configuration
        cannot; then nothing is opened or closed.
        """
        server = self._api.config.server
        access = (server.tokens_file, server.socket_group, server.web_config_file)
        if access != self._access:
            tokens = Tokens(server.tokens_file) if server.tokens_file else None
            config = await self._web_config(server.web_config_file)
        elif self._web is not None:
            await self._web.load()
        wanted = (server.socket, *server.listen)
        for address in list(self._open):
            if address not in wanted or access != self._access:
                await self._close(address)
        for address in self._failed.difference(wanted):
            self._mended(address)
        if access != self._access:
            self._forget_web()
            self._access, self._tokens, self._web = access, tokens, config
        self._limiter.most = server.max_connections
        for address in wanted:
            if address not in self._open:
                await self._try(address, is_file=address == server.socket)

    async def stop(self) -> None:
        """Close all listeners; what is being answered has a moment to end."""
        for address in list(self._open):
            await self._close(address)
        self._forget_web()

    async def _web_config(self, path: str | None) -> WebConfig | None:
        if path is None:
            return None
        config = WebConfig(path, self._conditions)
        try:
            await config.load()
        except BaseException:
            config.close()
            raise
        return config

    def _forget_web(self) -> None:
        if self._web is not None:
            self._web.close()

    async def _try(self, address: str, *, is_file: bool) -> None:
        try:
            opened = await (self._open_file(address) if is_file else self._open_tcp(address))
        except ListenError as error:
            self._failed.add(address)
            if self._conditions.set("listener_failed", address, address=address, reason=error.reason):
                log.error(LISTEN_FAILED, address=address, reason=str(error))
            return
        self._mended(address)
        self._open[address] = opened
        log.info(LISTENING, address=address, kind=str(opened.kind))

    def _mended(self, address: str) -> None:
        self._failed.discard(address)
        self._conditions.clear("listener_failed", address)

    async def _open_file(self, path: str) -> _Open:
        bound = unix_socket(path, self._access[1])
        opened = await self._serve([bound], Listener.SOCKET)
        opened.file = identity(path)
        return opened

    async def _open_tcp(self, address: str) -> _Open:
        bound = tcp_sockets(address)
        opened = await self._serve(bound, kind_of(bound))
        opened.sockets = bound
        return opened

    async def _serve(self, bound: list[socket.socket], kind: Listener) -> _Open:
        app = build_app(
            self._api,
            listener=kind,
            tokens=self._tokens,
            group=self._access[1],
            streams=self._streams,
            answered=self._answered,
            asked=self._limiter.asked,
        )
        if self._web is not None and kind is Listener.SOCKET:
            webrules.watch(app, self._web)
        elif self._web is not None:
            webrules.install(app, self._web)
        runner = web.AppRunner(
            app,
            access_log=None,
            handle_signals=False,
            handler_cancellation=True,
            shutdown_timeout=SHUTDOWN_TIMEOUT,
            max_line_size=MAX_HEADER,
            max_field_size=MAX_HEADER,
        )
        await runner.setup()
        http = runner.server
        assert http is not None
        opened = _Open(kind, runner)
        loop = asyncio.get_running_loop()
        for one in bound:
            if kind is Listener.SOCKET:
                opened.servers.append(await loop.create_unix_server(http, sock=one))
            elif self._web is not None:
                opened.acceptors.append(Acceptor(one, self._limiter.admit(http), self._web, self._has_room))
            else:
                opened.servers.append(await loop.create_server(self._limiter.admit(http), sock=one))
        return opened

    def _has_room(self) -> bool:
        """Whether one more connection may begin: those that still shake hands count as well."""
        shaking = sum(one.handshakes for opened in self._open.values() for one in opened.acceptors)
        if self._limiter.open + shaking < self._limiter.most:
            return True
        self._limiter.refused += 1
        return False

    async def _close(self, address: str) -> None:
        opened = self._open.pop(address)
        for server in opened.servers:
            server.close()
        for acceptor in opened.acceptors:
            await acceptor.stop()
        if opened.file is not None and identity(address) == opened.file:
            os.unlink(address)
        if opened.runner.server is not None:
            self._limiter.forget(opened.runner.server)
        await opened.runner.cleanup()
