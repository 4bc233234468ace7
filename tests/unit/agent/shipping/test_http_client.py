"""Whatever happens between here and a peer becomes an answer or a reason to try again."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest
from aiohttp import web

from agent.shipping.http_client import MOST, Answer, HttpClient, retry_after
from agent.shipping.http_settings import BasicAuth, ClientTls, HttpSettings
from agent.shipping.sink import Again
from tests.certificates import HAVE, MISSING, Authority
from tests.peers.web import Peer, Request, serving


class Echo(Peer):
    """Says what it got."""

    async def answer(self, request: Request) -> web.StreamResponse:
        return web.Response(body=request.body)


async def asked(peer: Peer, body: bytes = b"hello", **settings: object) -> Answer | Again:
    settings = {"url": peer.url, "timeout": 5.0, **settings}
    client = HttpClient(HttpSettings(**settings), "1.2.3")  # type: ignore[arg-type]
    try:
        return await client.post(f"{peer.url}/in", [body], {"Content-Type": "text/plain"})
    finally:
        await client.close()


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
async def test_a_body_arrives_with_its_headers(compression: str) -> None:
    peer = Echo()
    async with serving(peer):
        assert await asked(peer, compression=compression, headers={"X-Own": "yes"}) == Answer(200, b"hello")
    (request,) = peer.requests
    assert request.headers["User-Agent"] == "deckwatch/1.2.3"
    assert request.headers["X-Own"] == "yes"
    assert request.headers.get("Content-Encoding", "none") == compression
    assert request.headers["Content-Type"] == "text/plain"


async def test_nobody_listens() -> None:
    with socket.socket() as bound:  # bound and not listening: refused
        bound.bind(("127.0.0.1", 0))
        client = HttpClient(HttpSettings(url="http://x"), "1")
        found = await client.post(f"http://127.0.0.1:{bound.getsockname()[1]}/", [b""], {})
        await client.close()
    assert isinstance(found, Again)
    assert "Connect" in found.why


async def test_a_peer_that_hangs_is_left_after_the_timeout() -> None:
    peer = Echo()
    async with serving(peer):
        peer.hang()
        assert await asked(peer, timeout=0.2) == Again("no answer within 0.2 s")


async def test_a_slow_peer_is_waited_for() -> None:
    peer = Echo()
    async with serving(peer), asyncio.timeout(10), asyncio.TaskGroup() as group:
        peer.hang()
        found = group.create_task(asked(peer))
        while not peer.requests:
            await asyncio.sleep(0.005)
        assert not found.done()
        peer.release()
        assert await found == Answer(200, b"hello")


async def test_a_connection_closed_in_the_middle_of_the_answer_is_no_answer() -> None:
    peer = Echo()
    async with serving(peer):
        peer.close_next()
        assert await asked(peer) == Again("the connection ended in the middle of the answer")


async def test_of_a_long_answer_the_beginning_is_read() -> None:
    peer = Echo()
    async with serving(peer):
        found = await asked(peer, b"x" * (10 << 20))
    assert isinstance(found, Answer)
    assert len(found.body) == MOST


async def test_a_redirect_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret")
    peer, other = Echo(), Echo()
    async with serving(peer), serving(other):
        peer.fail_next(307, {"Location": f"{other.url}/elsewhere"})
        found = await asked(peer, bearer_token_file=str(tmp_path / "token"))
    assert isinstance(found, Answer)
    assert found.status == 307
    assert not other.requests


async def test_a_token_goes_along_and_is_read_again(tmp_path: Path) -> None:
    peer, token = Echo(), tmp_path / "token"
    token.write_text("one")
    async with serving(peer):
        settings = HttpSettings(url=peer.url, bearer_token_file=str(token))
        client = HttpClient(settings, "1")
        await client.post(peer.url, [], {})
        token.write_text("another")
        await client.post(peer.url, [], {})
        token.unlink()
        found = await client.post(peer.url, [], {})
        await client.close()
    assert [request.headers["Authorization"] for request in peer.requests] == ["Bearer one", "Bearer another"]
    assert isinstance(found, Again)
    assert str(token) in found.why


async def test_a_password_is_not_in_the_reason(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("sesame")
    peer = Echo()
    async with serving(peer):
        peer.hang()
        auth = BasicAuth(username="me", password_file=str(tmp_path / "password"))
        found = await asked(peer, timeout=0.1, basic_auth=auth)
    assert isinstance(found, Again)
    assert "sesame" not in found.why


@pytest.mark.skipif(not HAVE, reason=MISSING)
async def test_both_ends_are_verified_over_tls(tmp_path: Path) -> None:
    authority, stranger = Authority(str(tmp_path)), Authority(str(tmp_path), "stranger")
    server, client = authority.issue("server", "DNS:peer.example"), authority.issue("client")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(server.cert, server.key)
    context.load_verify_locations(authority.cert)
    context.verify_mode = ssl.CERT_REQUIRED
    own = {"cert_file": client.cert, "key_file": client.key}
    peer = Echo()
    async with serving(peer, context):
        good = ClientTls(ca_file=authority.cert, server_name="peer.example", **own)
        assert await asked(peer, tls=good) == Answer(200, b"hello")
        for bad in (
            ClientTls(ca_file=stranger.cert, server_name="peer.example", **own),
            ClientTls(ca_file=authority.cert, **own),  # the name in the URL is an address
            ClientTls(ca_file=authority.cert, server_name="peer.example"),
        ):
            assert isinstance(await asked(peer, tls=bad), Again)
        unsafe = ClientTls(insecure_skip_verify=True, **own)
        assert await asked(peer, tls=unsafe) == Answer(200, b"hello")


def test_retry_after_is_seconds_or_a_date() -> None:
    now = 1_795_486_577.0  # Tue, 24 Nov 2026 02:16:17 GMT
    assert retry_after("120", now) == 120.0
    assert retry_after("Tue, 24 Nov 2026 02:17:17 GMT", now) == 60.0
    assert retry_after("Tue, 24 Nov 2026 02:15:17 GMT", now) == 0.0
    assert [retry_after(text, now) for text in (None, "", "soon", "-5", "1e9")] == [None] * 5


def test_a_reason_is_one_short_line() -> None:
    answer = Answer(400, b"bad\n\x1b[31mthing" + b"x" * 10_000)
    assert answer.why.startswith("HTTP 400: bad [31mthingxxx")
    assert len(answer.why) < 400
    assert Answer(503, b"").why == "HTTP 503"
