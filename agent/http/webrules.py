"""What the web configuration does to every request over TCP, before and beside the question of rights."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from agent.http.clientnames import is_allowed
from agent.http.problem import HttpProblem
from agent.http.webconfig import WEB, WebConfig

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def install(app: web.Application, config: WebConfig) -> None:
    """Have an application of a TCP listener follow the web configuration."""
    app[WEB] = config
    app.middlewares.append(_rules)
    app.on_response_prepare.append(_headers)


def watch(app: web.Application, config: WebConfig) -> None:
    """Have an application whose listener it does not concern tell the newest about it, such as in `/-/ready`."""

    @web.middleware
    async def look(request: web.Request, handler: Handler) -> web.StreamResponse:
        await config.refresh()
        return await handler(request)

    app.middlewares.append(look)


@web.middleware
async def _rules(request: web.Request, handler: Handler) -> web.StreamResponse:
    config = request.app[WEB]
    await config.refresh()
    limit = config.file.rate_limit
    if not config.bucket.take():
        raise HttpProblem(
            429,
            f"more than {limit.burst} requests at once, one per {limit.interval:g} s; ask less often, "
            "or raise rate_limit in server.web_config_file",
            headers={"Retry-After": str(math.ceil(limit.interval))},
        )
    _check_certificate(request, config)
    return await handler(request)


def _check_certificate(request: web.Request, config: WebConfig) -> None:
    """A connection that came in under an earlier version of the file does not outlast what this one asks for."""
    tls = config.file.tls
    if tls is None or not tls.requires_certificates:
        return
    if not is_allowed(certificate_of(request), tls.client_allowed_sans):
        raise HttpProblem(403, "client certificates were asked for since; connect again with one")


def certificate_of(request: web.Request) -> Mapping[str, Any]:
    """The verified certificate of the other end; empty when it has none."""
    found: Mapping[str, Any] | None = request.get_extra_info("peercert")
    return found or {}


async def _headers(request: web.Request, response: web.StreamResponse) -> None:
    config = request.app[WEB]
    response.headers.update(config.file.headers)
    if request.get_extra_info("sslcontext") is not config.context:
        # The next request comes over a connection with the certificates that are in force now.
        response.force_close()
        response.headers["Connection"] = "close"
