"""A real rsyslog receives each record whole, over TCP and TLS, and what breaks is tried again."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent.shipping.http_settings import ClientTls
from agent.shipping.sink import Again, Delivered
from agent.shipping.syslog import SyslogSettings, opened
from collectors.logs.batch import LogBatch
from tests.certificates import HAVE as HAVE_OPENSSL
from tests.certificates import Authority
from tests.eventually import eventually
from tests.peers.rsyslog import HAVE, MISSING, rsyslog
from tests.unit.agent.shipping.sinks import CONTEXT, batch, pod_target, record

needs_rsyslog = pytest.mark.skipif(not HAVE, reason=MISSING)
needs_openssl = pytest.mark.skipif(not HAVE_OPENSSL, reason="openssl is not installed")


def settings(port: int, **more: object) -> SyslogSettings:
    return SyslogSettings(address=f"127.0.0.1:{port}", timeout=5.0, **more)  # type: ignore[arg-type]


@needs_rsyslog
async def test_every_part_of_a_record_arrives(tmp_path: Path) -> None:
    some = [
        record("plain", 0),
        record("two\nlines and\ttabs é\u2028", 1, stream="stderr", level="error", trace_id="ab" * 16),
        record("x" * 100_000, 2, level=None, run=None),
    ]
    target = pod_target(name='say "hi" \\ [x]')
    with rsyslog(str(tmp_path)) as peer:
        sink = await opened(settings(peer.port, facility="local3", message_bytes=256 << 10), CONTEXT)
        assert await sink.send([LogBatch(target, some)]) == Delivered()
        await sink.close()
        eventually(lambda: len(peer.received()) == 3, "the records")
        found = peer.received()
    assert [each["text"].removeprefix("\ufeff") for each in found] == [each.message for each in some]
    assert [each["time"] for each in found] == ["2026-11-24T02:16:17.123456Z"] * 3
    assert [each["severity"] for each in found] == ["6", "3", "6"]
    assert [each["id"] for each in found] == ["stdout", "stderr", "stdout"]
    assert [each["process"] for each in found] == ["1", "1", "-"]
    assert {(each["host"], each["app"], each["facility"]) for each in found} == {("node-1", "web", "local3")}
    data = found[1]["data"]
    assert data.startswith('[deckwatch@32473 id="/kubepods/pod1/c1" engine_id="c1"')
    for part in (
        r'name="say \"hi\" \\ [x\]"',
        'namespace="shop"',
        'cluster="blue"',
        'level="error"',
        f'uid="{some[1].uid}"',
        f'trace_id="{"ab" * 16}"',
    ):
        assert part in data


@needs_rsyslog
@needs_openssl
async def test_tls_knows_both_sides_and_says_why_not(tmp_path: Path) -> None:
    authority = Authority(str(tmp_path))
    server = authority.issue("server", "IP:127.0.0.1")
    client = authority.issue("client")
    with rsyslog(str(tmp_path), (authority.cert, server)) as peer:
        known = ClientTls(ca_file=authority.cert, cert_file=client.cert, key_file=client.key)
        sink = await opened(settings(peer.port, tls=known), CONTEXT)
        many = [batch([f"{number} {'x' * 5000}" for number in range(200)])]
        assert await sink.send(many) == Delivered()
        assert await sink.send([batch(["again"])]) == Delivered()
        await sink.close()
        eventually(lambda: len(peer.received()) == 201, "the records")
        nobody = await opened(settings(peer.port, tls=ClientTls(ca_file=authority.cert)), CONTEXT)
        assert isinstance(await nobody.send([batch(["no certificate"])]), Again)
        strange = await opened(settings(peer.port, tls=ClientTls()), CONTEXT)
        verdict = await strange.send([batch(["unknown authority"])])
        assert isinstance(verdict, Again)
        assert "certificate verify failed" in verdict.why
        missing = await opened(settings(peer.port, tls=ClientTls(ca_file=f"{tmp_path}/none")), CONTEXT)
        assert "cannot read" in (await missing.send([batch(["x"])])).why
        assert len(peer.received()) == 201


@needs_rsyslog
async def test_a_receiver_that_was_started_anew_is_found_again(tmp_path: Path) -> None:
    with rsyslog(str(tmp_path)) as peer:
        port = peer.port
        sink = await opened(settings(port), CONTEXT)
        assert await sink.send([batch(["first"])]) == Delivered()
        eventually(lambda: len(peer.received()) == 1, "the first")
    down = await sink.send([batch(["lost?"])])
    assert isinstance(down, Again)
    assert down.why.startswith(f"127.0.0.1:{port}: ConnectionRefusedError")
    with rsyslog(str(tmp_path), port=port) as peer:
        assert await sink.send([batch(["second"])]) == Delivered()
        eventually(lambda: len(peer.received()) == 2, "the second")
        assert [each["text"] for each in peer.received()] == ["first", "second"]
    await sink.close()


@contextlib.asynccontextmanager
async def deaf() -> AsyncIterator[tuple[socket.socket, int]]:
    """A peer that accepts in its kernel and never reads, with room for little."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener, listener.getsockname()[1]


async def test_what_the_peers_kernel_does_not_take_is_not_delivered() -> None:
    async with deaf() as (_, port):
        sink = await opened(SyslogSettings(address=f"127.0.0.1:{port}", timeout=0.5), CONTEXT)
        verdict = await sink.send([batch(["x" * 60_000] * 100)])
        await sink.close()
    assert verdict == Again(f"127.0.0.1:{port}: no answer within 0.5 s")


async def test_a_reset_under_way_is_not_a_delivery() -> None:
    async with deaf() as (listener, port):
        sink = await opened(settings(port), CONTEXT)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(sink.send([batch(["x" * 60_000] * 200)]))
            peer, _ = await asyncio.to_thread(listener.accept)
            await asyncio.to_thread(peer.recv, 1000)
            peer.close()  # with bytes unread: a reset
        verdict = sending.result()
        await sink.close()
    assert isinstance(verdict, Again)
    assert verdict.why.startswith(f"127.0.0.1:{port}: Connection")


async def test_a_cancelled_hand_over_leaves_no_connection_behind() -> None:
    async with deaf() as (_, port):
        before = len(os.listdir("/proc/self/fd"))
        sink = await opened(settings(port), CONTEXT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await sink.send([batch(["x" * 60_000] * 200)])
        await asyncio.sleep(0)
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"address": "logs"}, "host:port"),
        ({"address": "user@logs:1"}, "host:port"),
        ({"address": "logs:99999"}, "host:port"),
        ({"address": "logs:1/x"}, "host:port"),
        ({"address": "logs:1", "structured_data_id": "deckwatch"}, "name@number"),
        ({"address": "logs:1", "structured_data_id": "a]b@1"}, "name@number"),
        ({"address": "logs:1", "tls": ClientTls(cert_file="x")}, "need each other"),
    ],
)
def test_settings_say_what_is_wrong(keys: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SyslogSettings(**keys)  # type: ignore[arg-type]


def test_an_address_of_version_6_is_understood() -> None:
    assert SyslogSettings(address="[::1]:6514").host_and_port() == ("::1", 6514)
