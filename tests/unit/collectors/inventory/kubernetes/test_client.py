"""Tokens go over TLS alone and are read again; each refusal names its remedy."""

from __future__ import annotations

import asyncio
import pathlib
import ssl
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from collectors.inventory.kubernetes.client import LINE_LIMIT, Access, Gone, KubernetesClient, KubernetesError
from collectors.inventory.kubernetes.podlist import pod_list
from tests.certificates import HAVE, MISSING, Authority
from tests.kubeapi import Cluster, pod


def access(url: str, directory: pathlib.Path, *, ca: str = "/none", verify: bool = True) -> Access:
    return Access(url, str(directory / "token"), ca, verify, "allow it")


@pytest.fixture
async def cluster() -> AsyncIterator[Cluster]:
    made = Cluster()
    made.put(pod("web-1", "u1", {"app": "a"}))
    await made.start()
    yield made
    await made.stop()


async def names(asked: Access) -> list[str]:
    async with KubernetesClient(asked) as client:
        told = await client.get("/pods", {}, pod_list)
    return [one.metadata.name for one in told.pods]


@pytest.mark.skipif(not HAVE, reason=MISSING)
async def test_over_tls_the_token_of_the_moment_is_sent(tmp_path: pathlib.Path) -> None:
    authority = Authority(str(tmp_path))
    pair = authority.issue("kubelet", "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.cert, pair.key)
    cluster = Cluster()
    cluster.token = "first"
    await cluster.start(context)
    trusting = access(cluster.url, tmp_path, ca=authority.cert)
    try:
        with pytest.raises(KubernetesError, match=r"401: a request without a token .*token_file"):
            await names(trusting)
        (tmp_path / "token").write_text("first\n")
        async with KubernetesClient(trusting) as client:
            await client.get("/pods", {}, pod_list)
            cluster.token = "renewed"
            with pytest.raises(KubernetesError, match=r"401: the token of .* is not accepted"):
                await client.get("/pods", {}, pod_list)
            (tmp_path / "token").write_text("renewed\n")
            await client.get("/pods", {}, pod_list)
        with pytest.raises(KubernetesError, match=r"no trust in its certificate .*ca_file"):
            await names(access(cluster.url, tmp_path))
        assert await names(access(cluster.url, tmp_path, verify=False)) == []
    finally:
        await cluster.stop()


async def test_without_tls_no_token_is_sent(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    (tmp_path / "token").write_text("secret")
    assert await names(access(cluster.url, tmp_path)) == ["web-1"]
    cluster.token = "secret"
    with pytest.raises(KubernetesError, match="without a token"):
        await names(access(cluster.url, tmp_path))


@pytest.mark.parametrize(
    ("status", "said"), [(403, r"answers 403; allow it$"), (500, r"answers 500: .*no"), (302, "answers 302")]
)
async def test_a_refusal_names_its_remedy(
    cluster: Cluster, tmp_path: pathlib.Path, status: int, said: str
) -> None:
    cluster.refuse = status
    with pytest.raises(KubernetesError, match=said):
        await names(access(cluster.url, tmp_path))


async def test_a_version_that_is_gone_is_told_apart(cluster: Cluster, tmp_path: pathlib.Path) -> None:
    cluster.refuse = 410
    with pytest.raises(Gone):
        await names(access(cluster.url, tmp_path))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("127.0.0.1:1", "is no URL"),
        ("http://127.0.0.1:1", "cannot reach"),
        ("https://127.0.0.1:1", "cannot reach"),
    ],
)
async def test_who_cannot_be_reached_is_named(tmp_path: pathlib.Path, url: str, said: str) -> None:
    with pytest.raises(KubernetesError, match=said):
        await names(access(url, tmp_path))


async def test_an_unreadable_authority_is_named(tmp_path: pathlib.Path) -> None:
    (tmp_path / "ca").write_text("no certificate")
    with pytest.raises(KubernetesError, match="cannot use the certificates"):
        await names(access("https://127.0.0.1:1", tmp_path, ca=str(tmp_path / "ca")))


class Odd:
    """A server that answers with whatever a test wants."""

    def __init__(self, *pieces: bytes, hang: bool = False) -> None:
        self._pieces, self._hang = pieces, hang

    async def __aenter__(self) -> str:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        for piece in self._pieces:
            await answer.write(piece)
        if self._hang:
            await asyncio.Event().wait()
        return answer


async def test_nonsense_and_silence_are_errors(tmp_path: pathlib.Path) -> None:
    async with Odd(b'{"items": 3}') as url:
        with pytest.raises(KubernetesError, match="something else than pods"):
            await names(access(url, tmp_path))
    async with Odd(b"{", hang=True) as url, KubernetesClient(access(url, tmp_path), timeout=0.1) as client:
        with pytest.raises(KubernetesError, match="does not answer within"):
            await client.get("/pods", {}, pod_list)


async def test_lines_come_whole_and_bounded(tmp_path: pathlib.Path) -> None:
    async with Odd(b"one\ntw", b"o\n\nrest") as url, KubernetesClient(access(url, tmp_path)) as client:
        assert [line async for line in client.lines("/x", {}, 5)] == [b"", b"one", b"two"]
    flood = b"x" * (1 << 20)
    async with Odd(*[flood] * 9) as url, KubernetesClient(access(url, tmp_path)) as client:
        with pytest.raises(KubernetesError, match=f"more than {LINE_LIMIT} bytes"):
            assert [line async for line in client.lines("/x", {}, 20)] == []
