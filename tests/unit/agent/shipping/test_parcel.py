"""Batches that go out together."""

from __future__ import annotations

from agent.shipping.parcel import Chunk, Parcel, count, halves, selected
from tests.unit.agent.shipping.records import batch, messages


def test_a_parcel_keeps_order_and_the_last_checkpoint_of_each_container() -> None:
    parcel = Parcel()
    parcel.add(Chunk(batch("a", ["1", "22"]), b"a1", {}))
    parcel.add(Chunk(batch("b", []), b"b1", {"rule": 3}))
    parcel.add(Chunk(batch("a", ["3"]), b"a2", {}))
    assert (parcel.records, parcel.bytes) == (3, 4)
    assert messages(parcel.batches) == ["1", "22", "3"]
    assert parcel.checkpoints == {"/a": b"a2", "/b": b"b1"}


def test_halves_hold_every_record_once_and_in_order() -> None:
    batches = [batch("a", ["1", "2", "3"]), batch("b", ["4", "5"])]
    first, second = halves(batches)
    assert (messages(first), messages(second)) == (["1", "2"], ["3", "4", "5"])
    assert [one.target.id for one in second] == ["/a", "/b"]


def test_records_are_selected_by_their_number_over_all_batches() -> None:
    batches = [batch("a", ["1", "2"]), batch("b", ["3", "4"])]
    found = selected(batches, {1, 2}.__contains__)
    assert (messages(found), count(found)) == (["2", "3"], 2)
    assert selected(batches, lambda number: number > 9) == []
