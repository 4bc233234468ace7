"""Records reach an endpoint as JSON lines, and its status says what becomes of them."""

from __future__ import annotations

import json

import pytest

from agent.shipping.http import LinesSettings, LinesSink, opened
from agent.shipping.sink import Again, Delivered, Refused, TooLarge
from tests.peers.lines import LinesPeer, lines_peer
from tests.unit.agent.shipping.sinks import CONTEXT, batch, delivery


async def sink_of(peer: LinesPeer, **settings: object) -> LinesSink:
    return await opened(LinesSettings(url=f"{peer.url}/in", timeout=5.0, **settings), CONTEXT)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_lines_are_the_records_of_the_contract(method: str) -> None:
    async with lines_peer() as peer:
        sink = await sink_of(peer, method=method)
        assert await sink.send([batch(["a\nb"]), batch(["c"], container="other")]) == Delivered()
        await sink.close()
    assert [record["message"] for record in peer.records] == ["a\nb", "c"]
    assert [record["container"]["container"] for record in peer.records] == ["web", "other"]
    assert peer.records[0]["time"] == "2026-11-24T02:16:17.123456789Z"
    assert peer.records[0]["uid"] == "0" * 24
    assert (peer.requests[0].method, peer.requests[0].path) == (method, "/in")
    assert peer.requests[0].headers["Content-Type"] == "application/x-ndjson"
    assert all(json.loads(line) for line in peer.requests[0].body.splitlines())


@pytest.mark.parametrize("status", [307, 401, 403, 404, 408, 425, 429, 500, 503])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with lines_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, {"Retry-After": "2"}, "wait")
        assert await sink.send([batch(["a"])]) == Again(f"HTTP {status}: wait", 2.0)
        await sink.close()


async def test_one_bad_of_a_thousand_is_found_where_that_is_asked_for() -> None:
    texts = [f"line {number}" for number in range(1000)]
    async with lines_peer() as peer:
        peer.refuses = frozenset(("line 321",))
        sink = await sink_of(peer, split=True)
        deliver, aside = delivery(sink)
        assert dict(await deliver.deliver([batch(texts)])) == {("/kubepods/pod1/c1", "refused"): 1}
        await sink.close()
    assert [messages for messages, _, _ in aside] == [["line 321"]]
    assert [record["message"] for record in peer.records] == [text for text in texts if text != "line 321"]


async def test_without_it_the_request_is_refused_whole() -> None:
    async with lines_peer() as peer:
        peer.refuses = frozenset(("bad",))
        sink = await sink_of(peer)
        assert await sink.send([batch(["a", "bad"])]) == Refused("HTTP 422: bad record")
        peer.fail_next(413)
        assert isinstance(await sink.send([batch(["a"])]), TooLarge)
        peer.close_next()
        assert isinstance(await sink.send([batch(["a"])]), Again)
        await sink.close()


async def test_an_outage_loses_nothing_and_ends_with_the_peers_return() -> None:
    async with lines_peer() as peer:
        peer.fail_next(503, times=30)
        sink = await sink_of(peer)
        deliver, aside = delivery(sink)
        assert not await deliver.deliver([batch(["a", "b"])])
        await sink.close()
    assert [record["message"] for record in peer.records] == ["a", "b"]
    assert not aside
