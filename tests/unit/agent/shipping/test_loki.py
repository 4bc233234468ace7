"""Records reach Loki as its push API has them, once each, and what Loki says is understood."""

from __future__ import annotations

import json

import msgspec
import pytest

from agent.shipping.loki import LokiSettings, LokiSink, opened, selector, streams
from agent.shipping.sink import Again, Delivered, Refused, TooLarge
from collectors.logs.batch import LogBatch
from tests.peers.loki import LokiPeer, loki_peer
from tests.unit.agent.shipping.sinks import CONTEXT, TIME, batch, delivery, pod_target, record

SECOND = 1_000_000_000


async def sink_of(peer: LokiPeer, **settings: object) -> LokiSink:
    return await opened(LokiSettings(url=peer.url, timeout=5.0, **settings), CONTEXT)  # type: ignore[arg-type]


async def test_a_batch_arrives_with_labels_metadata_and_exact_times() -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer, tenant="team-a")
        some = [
            record("first", 0),
            record('sec"ond\n\t\x01 \u00e9\u2028', 1, stream="stderr", level="error", trace_id="ab" * 16),
            record("third", 2, level=None, run=None, trace_id="cd" * 16, span_id="ef" * 8),
        ]
        assert await sink.send([LogBatch(pod_target(), some)]) == Delivered()
        await sink.close()
    labels = {
        "node": "node-1",
        "engine": "containerd",
        "namespace": "shop",
        "container": "web",
        "workload": "web",
        "service_name": "webshop",
        "cluster": "blue",
    }
    about = {"pod": "web-5d4f-x", "id": "/kubepods/pod1/c1", "image": "registry.example/web:1"}
    found = sorted(peer.entries, key=lambda entry: entry.time)
    assert [entry.line for entry in found] == [each.message for each in some]
    assert [entry.time for entry in found] == [TIME, TIME + 1, TIME + 2]
    assert [entry.labels for entry in found] == [
        {**labels, "stream": stream} for stream in ("stdout", "stderr", "stdout")
    ]
    assert [entry.metadata for entry in found] == [
        {**about, "level": "info", "run": "1", "uid": some[0].uid},
        {**about, "level": "error", "run": "1", "uid": some[1].uid, "trace_id": "ab" * 16},
        {**about, "uid": some[2].uid, "trace_id": "cd" * 16, "span_id": "ef" * 8},
    ]
    assert peer.requests[0].headers["X-Scope-OrgID"] == "team-a"
    assert peer.requests[0].headers["Content-Encoding"] == "gzip"


async def test_what_was_sent_again_is_stored_once_and_twins_are_stored_both() -> None:
    twins = [record("same", 0), record("same", 0, uid="b" * 24, shift=1), record("same", 0, stream="stderr")]
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        for _ in range(3):
            assert await sink.send([LogBatch(pod_target(), twins)]) == Delivered()
        await sink.close()
    assert sorted((entry.labels["stream"], entry.time) for entry in peer.entries) == [
        ("stderr", TIME),
        ("stdout", TIME),
        ("stdout", TIME + 1),
    ]


async def test_a_line_beyond_lokis_limit_is_cut_between_characters() -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        assert await sink.send([batch(["é" * 200_000, "x" * (256 * 1024)])]) == Delivered()
        await sink.close()
    assert [entry.line for entry in peer.entries] == ["é" * (128 * 1024), "x" * (256 * 1024)]


def test_hostile_ids_cannot_leave_their_place() -> None:
    bad = record("x", trace_id='","uid":"stolen', span_id='"]')
    alone = record("x", trace_id='"}],["1","forged')
    ((_, entries),) = streams(LogBatch(pod_target(), [bad, alone]), "n", {})
    values = json.loads(b"[" + entries + b"]")
    assert [value[2]["trace_id"] for value in values] == [bad.trace_id, alone.trace_id]
    assert [value[2]["uid"] for value in values] == [bad.uid, alone.uid]


@pytest.mark.parametrize("status", [260, 301, 401, 403, 404, 405, 408, 429, 500, 502, 503, 504])
async def test_what_may_pass_is_tried_again_with_the_reason(status: int) -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, {"Retry-After": "7"}, "because")
        assert await sink.send([batch(["a"])]) == Again(f"HTTP {status}: because", 7.0)
        await sink.close()
    assert not peer.entries


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (413, "request entity too large"),
        (400, "request body too large: 9 bytes, limit: 5 bytes"),
        (500, "rpc error: code = ResourceExhausted desc = grpc: received message larger than max (5 vs. 4)"),
    ],
)
async def test_too_much_at_once_is_told(status: int, body: str) -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(status, body=body)
        assert isinstance(await sink.send([batch(["a"])]), TooLarge)
        await sink.close()


async def test_a_limit_of_the_body_is_met_by_halves() -> None:
    texts = [f"{number} {number * 7919 % 1000003}" * 5 for number in range(200)]
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        peer.max_body = 2000
        deliver, aside = delivery(sink)
        assert not await deliver.deliver([batch(texts)])
        await sink.close()
    assert [entry.line for entry in peer.entries] == texts
    assert len(peer.requests) > 1
    assert not aside


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ("stream '{a=\"b\"}' includes structured metadata, but this feature is disallowed.", Again),
        ("missing required labels team for user x for stream {}", Again),
        ("couldn't parse push request", Refused),
    ],
)
async def test_status_400_is_the_configurations_fault_or_the_batchs(body: str, verdict: type) -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        peer.fail_next(400, body=body)
        found = await sink.send([batch(["a", "b"])])
        await sink.close()
    assert isinstance(found, verdict)
    assert body[:20] in found.why  # type: ignore[attr-defined]


async def test_one_too_old_of_a_thousand_is_set_aside_alone_and_nothing_is_sent_twice() -> None:
    many = [record(f"line {number}", number * 1000) for number in range(1000)]
    many[500] = msgspec.structs.replace(many[500], time=TIME - 8 * 86400 * SECOND)
    async with loki_peer() as peer:
        peer.now = lambda: TIME
        peer.age = 7 * 86400 * SECOND
        sink = await sink_of(peer)
        deliver, aside = delivery(sink)
        lost = await deliver.deliver([batch(["before"]), LogBatch(pod_target(), many)])
        await sink.close()
    assert dict(lost) == {("/kubepods/pod1/c1", "refused"): 1}
    assert [(texts, reason) for texts, reason, _ in aside] == [(["line 500"], "refused")]
    assert len(peer.entries) == 1000
    assert len(peer.requests) == 1


async def test_all_too_far_behind_are_found_by_the_bound_that_loki_names() -> None:
    new = [record("new", 0)]
    late = [record(f"late {number}", number - 2 * 3600 * SECOND) for number in range(50)]
    fine = [record("fine", -1000)]
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        assert await sink.send([LogBatch(pod_target(), new)]) == Delivered()
        verdict = await sink.send(
            [batch(["else"], container="other"), LogBatch(pod_target(), [*late, *fine])]
        )
        await sink.close()
    assert isinstance(verdict, Again)
    assert verdict.refused == [(number, "entry too far behind") for number in range(1, 51)]
    assert verdict.only == [0]  # the message said nothing of the other stream
    assert {entry.line for entry in peer.entries} == {"new", "else", "fine"}


async def test_losses_in_several_streams_are_all_found_though_loki_names_one_at_a_time() -> None:
    def container(name: str, late: int) -> LogBatch:
        times = [*range(late - 2 * 3600 * SECOND, late - 2 * 3600 * SECOND + late), *range(-5, 0)]
        return LogBatch(pod_target(container=name, id=f"/{name}"), [record(f"{name} {t}", t) for t in times])

    names = {"a": 3, "b": 20, "c": 0}
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        deliver, aside = delivery(sink)
        await deliver.deliver([LogBatch(pod_target(container=name), [record("new")]) for name in names])
        lost = await deliver.deliver([container(name, late) for name, late in names.items()])
        await sink.close()
    assert dict(lost) == {("/a", "refused"): 3, ("/b", "refused"): 20}
    assert sum(len(texts) for texts, _, _ in aside) == 23
    assert len(peer.entries) == len(names) * (1 + 5)
    assert len(peer.requests) == 1 + 3  # all, without b, without a


async def test_chunks_of_one_stream_are_pushed_as_one_stream() -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        assert await sink.send([batch(["a"]), batch(["b"], container="other"), batch(["c"])]) == Delivered()
        await sink.close()
    assert [len(one["values"]) for one in json.loads(peer.requests[0].body)["streams"]] == [2, 1]


async def test_busy_for_long_ends_in_one_delivery() -> None:
    async with loki_peer() as peer:
        peer.fail_next(429, {"Retry-After": "1"}, "Ingestion rate limit exceeded", times=50)
        sink = await sink_of(peer)
        deliver, aside = delivery(sink)
        assert not await deliver.deliver([batch(["a", "b"])])
        await sink.close()
    assert [entry.line for entry in peer.entries] == ["a", "b"]
    assert len(peer.requests) == 51
    assert not aside


def test_settings_say_what_is_wrong() -> None:
    with pytest.raises(ValueError, match="http://"):
        LokiSettings(url="loki:3100")
    assert LokiSettings(url="http://loki/loki/api/v1/push").at("/loki/api/v1/push").count("push") == 1
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"url": "http://loki", "compression": "zstd"}, LokiSettings)


def test_a_stream_is_named_as_loki_names_it() -> None:
    assert selector({"b": 'say "x"', "a": "1"}) == '{a="1", b="say \\"x\\""}'


async def test_the_body_is_valid_gzip_of_one_json_document() -> None:
    async with loki_peer() as peer:
        sink = await sink_of(peer)
        await sink.send([batch([]), batch(["a"]), batch(["b"], container="other")])
        await sink.close()
    assert len(json.loads(peer.requests[0].body)["streams"]) == 2
