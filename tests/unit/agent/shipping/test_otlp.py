"""Records reach an OTLP receiver, and its answers are taken as the specification says."""

from __future__ import annotations

import pytest

from agent.shipping.otlp import OtlpSettings, OtlpSink, opened
from agent.shipping.sink import Again, Delivered, Refused, TooLarge
from collectors.logs.batch import LogBatch
from tests.peers.otlp import OtlpPeer, otlp_peer
from tests.unit.agent.shipping.sinks import CONTEXT, TIME, batch, delivery, pod_target, record


async def sink_of(peer: OtlpPeer, **settings: object) -> OtlpSink:
    return await opened(OtlpSettings(url=peer.url, timeout=5.0, **settings), CONTEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
async def test_a_batch_arrives(encoding: str, compression: str) -> None:
    some = [record("one", 0, trace_id="ab" * 16), record("two \u2028", 1, level=None)]
    async with otlp_peer() as peer:
        sink = await sink_of(peer, encoding=encoding, compression=compression)
        batches = [LogBatch(pod_target(), some), batch(["three"], container="other")]
        assert await sink.send(batches) == Delivered()
        await sink.close()
    assert [found.body.string_value for _, _, found in peer.records] == ["one", "two \u2028", "three"]
    assert [about["k8s.container.name"] for about, _, _ in peer.records] == ["web", "web", "other"]
    assert peer.records[0][0]["cluster"] == "blue"
    assert peer.records[0][1] == {"log.iostream": "stdout", "deckwatch.run": 1, "log.record.uid": some[0].uid}
    assert [found.time_unix_nano for _, _, found in peer.records] == [TIME, TIME + 1, TIME]
    assert [found.severity_number for _, _, found in peer.records] == [9, 0, 9]
    assert peer.records[0][2].trace_id.hex() == "ab" * 16
    assert peer.scopes == {("deckwatch", "1.2.3")}


@pytest.mark.parametrize("encoding", ["protobuf", "json"])
async def test_partial_success_is_delivered_with_a_loss_and_not_sent_again(encoding: str) -> None:
    async with otlp_peer() as peer:
        peer.refuses = frozenset(("bad",))
        sink = await sink_of(peer, encoding=encoding)
        deliver, _ = delivery(sink)
        assert await sink.send([batch(["a", "bad", "b"])]) == Delivered(lost=1, why="not these")
        assert dict(await deliver.deliver([batch(["c", "bad"])])) == {("/kubepods/pod1/c1", "refused"): 1}
        await sink.close()
    assert len(peer.requests) == 2


@pytest.mark.parametrize("status", [302, 401, 403, 404, 429, 502, 503, 504])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with otlp_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, {"Retry-After": "3"}, "busy")
        assert await sink.send([batch(["a"])]) == Again(f"HTTP {status}: busy", 3.0)
        await sink.close()


@pytest.mark.parametrize(("status", "split"), [(400, True), (422, False), (500, False), (501, False)])
async def test_what_the_specification_gives_up_is_given_up(status: int, split: bool) -> None:
    async with otlp_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, body="no")
        assert await sink.send([batch(["a"])]) == Refused(f"HTTP {status}: no", split)
        await sink.close()


async def test_too_large_and_hanging_and_closing_in_the_middle() -> None:
    async with otlp_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(413)
        assert isinstance(await sink.send([batch(["a"])]), TooLarge)
        peer.close_next()
        assert isinstance(await sink.send([batch(["a"])]), Again)
        await sink.close()
        hasty = await opened(OtlpSettings(url=peer.url, timeout=0.1), CONTEXT)
        peer.hang()
        assert isinstance(await hasty.send([batch(["a"])]), Again)
        await hasty.close()


async def test_a_success_with_another_body_is_one() -> None:
    async with otlp_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(200, body="<html>ok</html>")
        assert await sink.send([batch(["a"])]) == Delivered()
        await sink.close()


async def test_a_tenant_is_named() -> None:
    async with otlp_peer() as peer:
        sink = await sink_of(peer, tenant="a")
        await sink.send([batch(["a"])])
        await sink.close()
    assert peer.requests[0].headers["X-Scope-OrgID"] == "a"
