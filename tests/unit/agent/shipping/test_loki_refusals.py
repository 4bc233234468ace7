"""Loki's words about what it refused lead to the records."""

from __future__ import annotations

import pytest

from agent.shipping.loki_refusals import BAD_LABELS, TOO_LONG, TOO_NEW, TOO_OLD, Sent, refusals

A, B = '{a="1"}', '{b="1"}'
DAY = 86400 * 1_000_000_000
NOON = 1_795_521_600_000_000_000
"""2026-11-24T12:00:00Z in ns."""


def sent(*times: int, stream: str = A) -> list[Sent]:
    return [Sent(number, stream, time, f"line {number}") for number, time in enumerate(times)]


def test_words_about_no_record_mean_nothing() -> None:
    assert refusals("parse error", sent(NOON)) is None


def test_an_entry_is_known_by_its_time_with_a_fraction_that_go_cut() -> None:
    text = (
        "entry with timestamp 2026-11-24 12:00:00.5 +0000 UTC ignored, reason: 'entry out of order',\n"
        f"user 'fake', total ignored: 1 out of 3 for stream: {A}"
    )
    found = refusals(text, sent(NOON, NOON + 500_000_000, NOON + 500_000_001, stream=B))
    assert found is not None
    assert (found.refused, found.lost) == ([(1, "entry out of order")], 0)


def test_what_is_too_far_behind_is_the_oldest_of_the_stream() -> None:
    text = (
        "entry with timestamp 2026-11-24 12:00:00 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp "
        "is: 2026-11-24T12:00:00Z, oldest acceptable timestamp is: 2026-11-24T13:00:00Z',\n"
        f"user 'fake', total ignored: 2 out of 3 for stream: {A}"
    )
    found = refusals(text, sent(NOON + 7200 * 10**9, NOON + 1, NOON))
    assert found is not None
    assert found.refused == [(1, "entry too far behind"), (2, "entry too far behind")]
    assert (found.lost, found.open) == (0, [])


def test_the_same_time_in_another_stream_is_another_entry() -> None:
    text = (
        "entry with timestamp 2026-11-24 12:00:00 +0000 UTC ignored, reason: 'entry out of order',\n"
        f"user 'fake', total ignored: 1 out of 1 for stream: {B}"
    )
    found = refusals(text, [Sent(0, A, NOON, ""), Sent(1, B, NOON, "")])
    assert found is not None
    assert [number for number, _ in found.refused] == [1]
    assert found.open == [0]


def test_those_that_cannot_be_found_are_counted() -> None:
    text = (
        "entry with timestamp 2026-11-24 12:00:00 +0000 UTC ignored, reason: 'entry out of order',\n"
        f"user 'fake', total ignored: 9 out of 20 for stream: {A}"
    )
    found = refusals(text, sent(NOON, NOON + 1, stream=B))
    assert found is not None
    assert (len(found.refused), found.lost, found.open) == (1, 8, ())


@pytest.mark.parametrize("end", [",\ntotal ignored: 1 out of 1", ","])
def test_the_form_of_older_versions(end: str) -> None:
    text = (
        "entry with timestamp 2026-11-24 12:00:00 +0000 UTC ignored, reason: 'entry too far behind, oldest "
        f"acceptable timestamp is: 2026-11-24T13:00:00Z' for stream: {A}{end}"
    )
    found = refusals(text, sent(NOON, NOON + DAY))
    assert found is not None
    assert (found.refused, found.lost) == ([(0, "entry too far behind")], 0)


def test_a_tenants_limits_hold_for_all_streams() -> None:
    text = (
        f"2 errors like: entry for stream '{A}' has timestamp too old: 2026-11-20T00:00:00Z, oldest acceptable "
        f"timestamp is: 2026-11-24T00:00:00Z; entry for stream '{A}' has timestamp too new: 2026-11-25T12:00:00Z; "
        f"Max entry size '10' bytes exceeded for stream '{B}' while adding an entry with length '11' bytes; "
        "entry for stream '{c=\"1\"}' has 16 label names; limit 15"
    )
    records = [
        Sent(0, A, NOON - DAY, ""),
        Sent(1, B, NOON + DAY, ""),
        Sent(2, A, NOON, "é" * 6),
        Sent(3, A, NOON, "x" * 10),
        Sent(4, '{c="1"}', NOON, ""),
        Sent(5, B, NOON - DAY, ""),
    ]
    found = refusals(text, records)
    assert found is not None
    assert found.refused == [(0, TOO_OLD), (1, TOO_NEW), (2, TOO_LONG), (4, BAD_LABELS), (5, TOO_OLD)]


def test_a_time_that_is_none_refuses_nothing() -> None:
    assert refusals(f"entry for stream '{A}' has timestamp too new: 9999-99-99T99:99:99Z", []) is None
