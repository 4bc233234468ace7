"""Batches reach a sink, however it behaves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from agent.shipping.backoff import Backoff
from agent.shipping.delivery import Delivery, closed
from agent.shipping.sink import Again, Delivered, Refused, TooLarge, Verdict
from collectors.logs.batch import LogBatch
from tests.unit.agent.shipping.records import batch, messages


class Peer:
    """A sink that answers as it is told, and what was set aside and waited meanwhile."""

    def __init__(self, answer: Callable[[list[str]], Verdict]) -> None:
        self.answer = answer
        self.sent: list[list[str]] = []
        self.dead: list[tuple[str, str, str]] = []
        self.waits: list[float | None] = []
        self.slept: list[float] = []

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        self.sent.append(messages(batches))
        return self.answer(self.sent[-1])

    async def close(self) -> None:
        await asyncio.sleep(3600)

    def put(self, batches: Sequence[LogBatch], reason: str, why: str) -> None:
        self.dead += [(message, reason, why) for message in messages(batches)]

    def tried(self, verdict: Verdict, seconds: float, waits: float | None) -> None:
        self.waits.append(waits)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def delivery(self) -> Delivery:
        return Delivery(self, Backoff(1.0, 8.0, lambda: 1.0), self, self, timeout=1.0, sleep=self.sleep)


async def test_a_batch_is_tried_again_without_end_and_as_the_peer_wishes() -> None:
    answers: list[Verdict] = [Again("503"), Again("429", after=30.0), Again("503"), Delivered()]
    peer = Peer(lambda sent: answers.pop(0))
    assert not await peer.delivery().deliver([batch("a", ["1", "2"])])
    assert peer.sent == [["1", "2"]] * 4
    assert peer.slept == [1.0, 30.0, 4.0]
    assert peer.waits == [1.0, 30.0, 4.0, None]


async def test_a_batch_that_is_too_large_is_halved_in_order_down_to_the_one_that_is_refused() -> None:
    peer = Peer(lambda sent: TooLarge("413") if "big" in sent else Delivered())
    lost = await peer.delivery().deliver([batch("a", ["1", "2", "big"]), batch("b", ["3"])])
    assert [one for one in peer.sent if "big" not in one] == [["1", "2"], ["3"]]
    assert peer.dead == [("big", "too_large", "413")]
    assert lost == {("/a", "too_large"): 1}


async def test_the_bad_one_of_a_thousand_is_found_where_the_peer_took_none() -> None:
    peer = Peer(lambda sent: Refused("bad", split=True) if "bad" in sent else Delivered())
    lines = [str(number) for number in range(999)]
    lost = await peer.delivery().deliver([batch("a", [*lines[:500], "bad", *lines[500:]])])
    assert [line for one in peer.sent if "bad" not in one for line in one] == lines
    assert lost == {("/a", "refused"): 1}
    assert len(peer.sent) < 25


async def test_a_refused_batch_is_not_sent_again_where_the_peer_may_have_taken_some() -> None:
    peer = Peer(lambda sent: Refused("400"))
    lost = await peer.delivery().deliver([batch("a", ["1"]), batch("b", ["2", "3"])])
    assert peer.sent == [["1", "2", "3"]]
    assert lost == {("/a", "refused"): 1, ("/b", "refused"): 2}
    assert peer.dead[0] == ("1", "refused", "400")


async def test_only_what_the_peer_lacks_is_sent_again() -> None:
    answers: list[Verdict] = [Again("429", only=[0, 3], refused=[(1, "mapping")]), Delivered()]
    peer = Peer(lambda sent: answers.pop(0))
    lost = await peer.delivery().deliver([batch("a", ["1", "2"]), batch("b", ["3", "4"])])
    assert peer.sent == [["1", "2", "3", "4"], ["1", "4"]]
    assert peer.dead == [("2", "refused", "mapping")]
    assert lost == {("/a", "refused"): 1}


async def test_what_the_peer_dropped_without_saying_which_is_counted() -> None:
    peer = Peer(lambda sent: Delivered(lost=3, why="partial success"))
    assert await peer.delivery().deliver([batch("a", ["1", "2"]), batch("b", ["3", "4"])]) == {
        ("/a", "refused"): 2,
        ("/b", "refused"): 1,
    }


async def test_a_sink_that_hangs_is_let_go_of() -> None:
    async with asyncio.timeout(5):
        await closed(Peer(lambda sent: Delivered()), seconds=0.05)
