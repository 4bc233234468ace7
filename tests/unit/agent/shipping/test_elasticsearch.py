"""Records are indexed once each, and every record's own status counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.shipping.elasticsearch import ElasticsearchSettings, ElasticsearchSink, opened
from agent.shipping.sink import Again, Delivered, Refused, TooLarge
from tests.peers.elasticsearch import ElasticsearchPeer, elasticsearch_peer
from tests.unit.agent.shipping.sinks import CONTEXT, batch, delivery


async def sink_of(peer: ElasticsearchPeer, **settings: object) -> ElasticsearchSink:
    return await opened(ElasticsearchSettings(url=peer.url, timeout=5.0, **settings), CONTEXT)  # type: ignore[arg-type]


def indexed(peer: ElasticsearchPeer) -> list[str]:
    return [source["message"] for source in peer.documents.values()]


async def test_what_is_sent_again_is_there_once() -> None:
    async with elasticsearch_peer() as peer:
        sink = await sink_of(peer, pipeline="a b")
        assert await sink.send([batch(["a", "b"])]) == Delivered()
        assert await sink.send([batch(["a", "b", "c"])]) == Delivered()
        await sink.close()
    assert indexed(peer) == ["a", "b", "c"]
    assert {index for index, _ in peer.documents} == {"logs-deckwatch-default"}
    assert peer.requests[0].query["pipeline"] == "a b"
    assert peer.requests[0].headers["Content-Encoding"] == "gzip"


async def test_one_bad_of_a_thousand_is_set_aside_and_the_busy_ones_alone_are_sent_again() -> None:
    texts = [f"line {number}" for number in range(1000)]
    async with elasticsearch_peer() as peer:
        peer.refuses = {
            "line 5": (400, "document_parsing_exception", 9),
            "line 7": (429, "es_rejected_execution_exception", 2),
            "line 9": (503, "unavailable_shards_exception", 1),
            "line 11": (403, "cluster_block_exception", 1),
        }
        sink = await sink_of(peer)
        deliver, aside = delivery(sink)
        lost = await deliver.deliver([batch(texts)])
        await sink.close()
    assert dict(lost) == {("/kubepods/pod1/c1", "refused"): 1}
    assert aside == [(["line 5"], "refused", "document_parsing_exception")]
    assert sorted(indexed(peer)) == sorted(set(texts) - {"line 5"})
    assert [request.body.count(b"\n") // 2 for request in peer.requests] == [1000, 3, 1]


@pytest.mark.parametrize("status", [302, 401, 403, 404, 408, 429, 500, 502, 503])
async def test_what_may_pass_is_tried_again(status: int) -> None:
    async with elasticsearch_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, {"Retry-After": "2"}, "wait")
        assert await sink.send([batch(["a"])]) == Again(f"HTTP {status}: wait", 2.0)
        await sink.close()


async def test_too_large_refused_and_no_bulk_answer() -> None:
    async with elasticsearch_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(413)
        assert isinstance(await sink.send([batch(["a"])]), TooLarge)
        peer.fail_next(400, body="malformed")
        assert await sink.send([batch(["a"])]) == Refused("HTTP 400: malformed", split=True)
        peer.fail_next(200, body="<html>a proxy</html>")
        assert isinstance(await sink.send([batch(["a"])]), Again)
        peer.fail_next(200, body='{"errors":true,"items":[]}')
        assert await sink.send([batch(["a"])]) == Again("0 results for 1 records")
        peer.close_next()
        assert isinstance(await sink.send([batch(["a"])]), Again)
        assert await sink.send([batch(["a"])]) == Delivered()
        await sink.close()
    assert indexed(peer) == ["a"]


async def test_a_long_answer_is_read_whole() -> None:
    texts = [f"{number}" for number in range(20_000)]
    async with elasticsearch_peer() as peer:
        peer.refuses = {"19999": (400, "t" * 40, 1)}
        sink = await sink_of(peer)
        assert await sink.send([batch(texts)]) == Delivered(((19_999, "t" * 40),), why="t" * 40)
        await sink.close()


async def test_an_api_key_comes_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("abc==\n")
    async with elasticsearch_peer() as peer:
        sink = await sink_of(peer, api_key_file=str(tmp_path / "key"))
        await sink.send([batch(["a"])])
        await sink.close()
    assert peer.requests[0].headers["Authorization"] == "ApiKey abc=="


@pytest.mark.parametrize(
    "index", ["", "Logs", "-x", ".x", "a b", 'a"b', "a\nb", "x-%S", "x-%", "a/b", "x" * 300]
)
def test_a_bad_index_is_refused(index: str) -> None:
    with pytest.raises(ValueError, match="no name of an index"):
        ElasticsearchSettings(url="http://x", index=index)


def test_credentials_exclude_each_other() -> None:
    with pytest.raises(ValueError, match="excludes"):
        ElasticsearchSettings(url="http://x", api_key_file="/k", bearer_token_file="/t")
    ElasticsearchSettings(url="http://x", index="logs-%Y.%m.%d")
