"""Events arrive at a Forward peer with exact times, and count as delivered once it says so."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import Any

import pytest

from agent.shipping.forward import ForwardSettings, entries, opened
from agent.shipping.http_settings import ClientTls
from agent.shipping.sink import Again, Delivered
from collectors.logs.batch import LogBatch
from tests.certificates import HAVE as HAVE_OPENSSL
from tests.certificates import Authority
from tests.peers.forward import ForwardPeer, forwarding
from tests.unit.agent.shipping.sinks import CONTEXT, TIME, batch, delivery, pod_target, record


def settings(peer: ForwardPeer, **more: Any) -> ForwardSettings:
    return ForwardSettings(**{"address": f"127.0.0.1:{peer.port}", "timeout": 5.0, **more})


@pytest.mark.parametrize("compression", ["gzip", "none"])
async def test_every_part_of_a_record_arrives(compression: str) -> None:
    some = [record("first\nsecond é", 0, fields={"a": [1, None, 2.5, 2**63]}), record("x", 1, level=None)]
    async with forwarding(ForwardPeer()) as peer:
        sink = await opened(settings(peer, compression=compression, tag="k8s.{namespace}.{name}"), CONTEXT)
        assert await sink.send([LogBatch(pod_target(name="a.b"), some), batch(["other"])]) == Delivered()
        await sink.close()
    assert [(event.tag, event.time) for event in peer.events] == [
        ("k8s.shop.a_b", TIME),
        ("k8s.shop.a_b", TIME + 1),
        ("k8s.shop.c1", TIME),
    ]
    first = peer.events[0].record
    assert first == {
        "stream": "stdout",
        "level": "info",
        "message": "first\nsecond é",
        "fields": {"a": [1, None, 2.5, 2**63]},
        "run": 1,
        "container": pod_target(name="a.b").container,
        "uid": some[0].uid,
        "node": "node-1",
        "labels": {"cluster": "blue"},
    }
    assert [option["size"] for option in peer.options] == [2, 1]
    assert peer.connections == 1


async def test_what_was_not_acknowledged_is_sent_again_and_nothing_else() -> None:
    async with forwarding(ForwardPeer()) as peer:
        sink = await opened(settings(peer, timeout=0.3), CONTEXT)
        seen: list[str] = []

        def second_is_lost(chunk: str) -> object:
            seen.append(chunk)
            return None if len(seen) == 2 else {"ack": chunk}

        peer.answer = second_is_lost
        verdict = await sink.send([batch(["a", "b"]), batch(["c", "d"]), batch(["e"])])
        assert verdict == Again(f"127.0.0.1:{peer.port}: no answer within 0.3 s", only=[2, 3])
        seen.clear()
        deliver, aside = delivery(sink)
        peer.events.clear()
        assert not await deliver.deliver([batch(["a", "b"]), batch(["c", "d"]), batch(["e"])])
        await sink.close()
    assert [event.record["message"] for event in peer.events] == ["a", "b", "e", "c", "d"]
    assert not aside


@pytest.mark.parametrize("reply", [{"ack": "AAAA"}, {"no": "ack"}, [1], "x" * 70_000, {"ack": 5}])
async def test_another_answer_than_the_acknowledgement_is_none(reply: object) -> None:
    async with forwarding(ForwardPeer()) as peer:
        sink = await opened(settings(peer), CONTEXT)
        peer.answer = lambda chunk: reply
        verdict = await sink.send([batch(["a"])])
        assert isinstance(verdict, Again)
        assert "acknowledged what it was not sent" in verdict.why or "too large" in verdict.why
        peer.answer = lambda chunk: {"ack": chunk}
        assert await sink.send([batch(["a"])]) == Delivered()
        await sink.close()
    assert peer.connections == 2


async def test_a_peer_that_closes_after_each_message_is_asked_anew() -> None:
    async with forwarding(ForwardPeer()) as peer:
        peer.keepalive = False
        sink = await opened(settings(peer), CONTEXT)
        deliver, _ = delivery(sink)
        for text in ("a", "b", "c"):
            assert not await deliver.deliver([batch([text])])
        await sink.close()
    assert [event.record["message"] for event in peer.events] == ["a", "b", "c"]


async def test_the_shared_key_is_proven_both_ways(tmp_path: Path) -> None:
    key, password = tmp_path / "key", tmp_path / "password"
    key.write_text("sesame\n")
    password.write_text("open\n")
    async with forwarding(ForwardPeer("sesame", {"ali": "open"})) as peer:
        own = settings(peer, shared_key_file=str(key), username="ali", password_file=str(password))
        sink = await opened(own, CONTEXT)
        assert await sink.send([batch(["a"])]) == Delivered()
        assert await sink.send([batch(["b"])]) == Delivered()
        assert peer.greeted == ["node-1"]
        await sink.close()
        password.write_text("wrong\n")
        sink = await opened(own, CONTEXT)
        verdict = await sink.send([batch(["c"])])
        assert isinstance(verdict, Again)
        assert "refused us: 'username/password mismatch'" in verdict.why
        key.write_text("simsim\n")
        assert "shared_key mismatch" in (await sink.send([batch(["c"])])).why
        key.unlink()
        assert "cannot read" in (await sink.send([batch(["c"])])).why
        await sink.close()
    assert [event.record["message"] for event in peer.events] == ["a", "b"]


@pytest.mark.skipif(not HAVE_OPENSSL, reason="openssl is not installed")
async def test_over_tls(tmp_path: Path) -> None:
    authority = Authority(str(tmp_path))
    pair = authority.issue("server", "DNS:receiver.example")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pair.cert, pair.key)
    async with forwarding(ForwardPeer(), context) as peer:
        tls = ClientTls(ca_file=authority.cert, server_name="receiver.example")
        sink = await opened(settings(peer, tls=tls), CONTEXT)
        texts = [f"{number} {'x' * 3000}" for number in range(300)]
        assert await sink.send([batch(texts)]) == Delivered()
        await sink.close()
        other = await opened(settings(peer, tls=ClientTls(ca_file=authority.cert)), CONTEXT)
        verdict = await other.send([batch(["x"])])
        assert isinstance(verdict, Again)
        assert "IP address mismatch" in verdict.why
    assert [event.record["message"] for event in peer.events] == texts


async def test_a_peer_that_is_away_is_tried_again() -> None:
    async with forwarding(ForwardPeer()) as peer:
        pass
    sink = await opened(settings(peer), CONTEXT)
    verdict = await sink.send([batch(["x"])])
    assert isinstance(verdict, Again)
    assert "ConnectionRefusedError" in verdict.why
    await asyncio.wait_for(sink.close(), 5)


def test_times_that_the_protocol_cannot_say_are_the_nearest() -> None:
    early, late = (
        entries(LogBatch(pod_target(), [record("x", time=time)]), "n", {}) for time in (-1, 1 << 62)
    )
    assert early[1:11] == b"\xd7\x00" + bytes(8)
    assert late[1:11] == b"\xd7\x00" + b"\xff\xff\xff\xff" + (999_999_999).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("keys", "words"), [({"tag": "{pod}"}, "no field"), ({"username": "a"}, "needs password_file")]
)
def test_settings_say_what_is_wrong(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ForwardSettings(address="h:1", **keys)
