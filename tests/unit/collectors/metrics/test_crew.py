"""Calls that may never come back."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from collectors.metrics.crew import Closed, Crew, Stuck
from tests.eventually import eventually


@pytest.fixture
def crew() -> Iterator[Crew]:
    made = Crew("test", patience=0.05, most_stuck=2)
    yield made
    made.close()
    made.dismiss()


def test_a_call_returns_or_raises_in_a_thread_of_the_crew(crew: Crew) -> None:
    names = {crew.ask("/a", "call", lambda: threading.current_thread().name) for _ in range(3)}
    assert names == {"test-call"}

    def fail() -> int:
        raise OSError(5, "broken")

    with pytest.raises(OSError, match="broken"):
        crew.ask("/a", "call", fail)
    assert crew.ask("/a", "call", lambda: 7) == 7
    assert crew.trouble() == ""


def test_a_stuck_place_is_left_alone_and_others_go_on(crew: Crew) -> None:
    answer, late = threading.Event(), threading.Event()
    calls = []

    def hang() -> None:
        calls.append(1)
        answer.wait(10)

    with pytest.raises(Stuck, match="statfs of /dead has not answered for 0 s"):
        crew.ask("/dead", "statfs of /dead", hang, late=late.set)
    with pytest.raises(Stuck, match="/dead"):
        crew.ask("/dead", "statfs of /dead", hang)
    assert len(calls) == 1 and "statfs of /dead" in crew.trouble()
    assert crew.ask("/alive", "statfs", lambda: 1) == 1
    answer.set()
    assert late.wait(5)
    assert crew.trouble() == ""
    assert crew.ask("/dead", "statfs of /dead", lambda: 2) == 2


def test_no_more_than_so_many_threads_are_left_behind() -> None:
    answer = threading.Event()
    crew = Crew("limited", patience=0.05, most_stuck=2)

    def threads() -> int:
        return sum(thread.name == "limited-call" for thread in threading.enumerate())

    for name in ("/a", "/b", "/c", "/d"):
        with pytest.raises(Stuck):
            crew.ask(name, f"statfs of {name}", lambda: answer.wait(10))
    assert threads() == 2
    with pytest.raises(Stuck, match="is not tried while 2 others do not answer"):
        crew.ask("/e", "statfs of /e", lambda: 1)
    answer.set()
    eventually(lambda: not crew.trouble(), "the return of the stuck calls")
    assert crew.ask("/e", "statfs of /e", lambda: 1) == 1
    eventually(lambda: threads() == 1, "the end of the threads left behind")
    crew.dismiss()


def test_trouble_names_the_oldest_and_counts_the_rest() -> None:
    crew = Crew("test", patience=0.01)
    answer = threading.Event()
    for at in range(5):
        with pytest.raises(Stuck):
            crew.ask(f"/{at}", f"statfs of /{at}", lambda: answer.wait(10))
    assert crew.trouble().startswith("statfs of /0 has") and crew.trouble().endswith("and 2 more")
    answer.set()
    eventually(lambda: not crew.trouble(), "the return of the stuck calls")


def test_closing_ends_whoever_rests_or_asks() -> None:
    crew = Crew("test")
    closing = threading.Timer(0.05, crew.close)
    closing.start()
    began = time.monotonic()
    with pytest.raises(Closed):
        crew.rest(30)
    assert time.monotonic() - began < 10
    with pytest.raises(Closed):
        crew.ask("/a", "call", lambda: 1)
    closing.join()


def test_threads_are_prepared_and_their_processor_time_is_told() -> None:
    prepared = []
    crew = Crew("test", prepare=lambda: prepared.append(1))

    def burn() -> None:
        while time.thread_time() < 0.02:
            pass

    crew.ask("/a", "call", burn)
    crew.ask("/a", "call", lambda: 1)
    assert prepared == [1] and 0.02 <= crew.seconds() < 1
    crew.dismiss()
