"""Rounds over containers beside the passes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from collectors.metrics import catalogue
from collectors.metrics.crew import Crew
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject, Survey
from collectors.metrics.surveyor import Surveyor
from tests.eventually import eventually

FAMILIES = (catalogue.FS_LIMIT, catalogue.FS_USAGE)
LIMIT, USAGE = (catalogue.INDEX[family] for family in FAMILIES)


class Counting:
    """Tells how often it has looked at a container; what `broken` names cannot be looked at."""

    families = FAMILIES

    def __init__(self) -> None:
        self.rounds = 0
        self.looks: dict[str, int] = {}
        self.unready = False
        self.broken: set[str] = set()
        self.hung: dict[str, threading.Event] = {}
        self.crew = Crew("test", patience=0.05)

    def begin(self, subjects: Sequence[Subject]) -> None:
        self.rounds += 1
        if self.unready:
            raise RuntimeError("no driver")

    def look(self, subject: Subject) -> Sequence[Value] | None:
        self.looks[subject.id] = self.looks.get(subject.id, 0) + 1
        if subject.id in self.broken:
            raise OSError(5, "Input/output error")
        if (answer := self.hung.get(subject.id)) is not None:
            self.crew.ask(subject.id, f"look at {subject.id}", lambda: answer.wait(10))
        return (self.looks[subject.id], None) if subject.pid else None

    def trouble(self) -> str:
        return "a matter of its own" if self.broken else ""


@pytest.fixture
def look() -> Counting:
    return Counting()


@pytest.fixture
def surveyor(look: Counting) -> Iterator[Surveyor]:
    made = Surveyor("test", look, look.crew, 1.0)
    yield made
    made.close()
    eventually(
        lambda: all(thread.name != "survey-test" for thread in threading.enumerate()), "the end of the rounds"
    )


def row(survey: Survey, id: str) -> list[Value]:
    values: list[Value] = [None] * len(catalogue.ROW)
    survey.fill(id, values)
    return values


def has(survey: Survey, id: str) -> Callable[[], bool]:
    return lambda: row(survey, id)[LIMIT] is not None


def test_a_surveyor_is_a_survey(surveyor: Survey, look: Counting) -> None:
    surveyor.start(lambda: [Subject("/a", 1, 1)])
    eventually(has(surveyor, "/a"), "a first round")
    assert row(surveyor, "/a")[USAGE] is None and surveyor.errors() == 0 and surveyor.trouble() == ""
    eventually(lambda: look.looks["/a"] > 1, "a second round")
    assert 0 < surveyor.seconds() < 5


def test_what_the_row_has_already_stays(surveyor: Surveyor) -> None:
    surveyor.start(lambda: [Subject("/a", 1, 1)])
    eventually(has(surveyor, "/a"), "a first round")
    values: list[Value] = [99] * len(catalogue.ROW)
    surveyor.fill("/a", values)
    assert values[LIMIT] == 99


def test_a_newcomer_is_looked_at_soon_after_it_was_asked_for(look: Counting) -> None:
    surveyor = Surveyor("test", look, look.crew, 3600)
    subjects = [Subject("/a", 1, 1)]
    surveyor.start(lambda: list(subjects))
    eventually(has(surveyor, "/a"), "a first round")
    subjects.append(Subject("/new", 2, 2))
    eventually(has(surveyor, "/new"), "the newcomer")
    assert look.looks == {"/a": 1, "/new": 1}
    surveyor.close()


def test_a_container_without_figures_is_no_newcomer_again(look: Counting) -> None:
    surveyor = Surveyor("test", look, look.crew, 3600)
    surveyor.start(lambda: [Subject("/pod", 0, 0)])
    eventually(lambda: look.looks.get("/pod"), "a first round")
    for _ in range(3):
        assert row(surveyor, "/pod")[LIMIT] is None
    assert not surveyor._wake.is_set() and look.rounds == 1
    surveyor.close()


def test_one_that_cannot_be_looked_at_is_counted_and_the_others_are(
    surveyor: Surveyor, look: Counting
) -> None:
    look.broken = {"/a"}
    surveyor.start(lambda: [Subject("/a", 1, 1), Subject("/b", 2, 2)])
    eventually(has(surveyor, "/b"), "a first round")
    assert row(surveyor, "/a")[LIMIT] is None
    assert surveyor.errors() == 1 and surveyor.trouble() == "a matter of its own"


def test_a_round_that_cannot_begin_leaves_no_old_figures(surveyor: Surveyor, look: Counting) -> None:
    surveyor.start(lambda: [Subject("/a", 1, 1)])
    eventually(has(surveyor, "/a"), "a first round")
    look.unready = True
    eventually(lambda: row(surveyor, "/a")[LIMIT] is None, "the end of its figures")
    assert surveyor.errors() >= 1
    look.unready = False
    eventually(has(surveyor, "/a"), "figures again")


def test_one_that_hangs_is_told_and_comes_back(surveyor: Surveyor, look: Counting) -> None:
    look.hung["/a"] = threading.Event()
    surveyor.start(lambda: [Subject("/a", 1, 1), Subject("/b", 2, 2)])
    eventually(has(surveyor, "/b"), "a first round")
    assert row(surveyor, "/a")[LIMIT] is None and surveyor.errors() == 0
    assert surveyor.trouble().startswith("look at /a has not answered for")
    look.hung["/a"].set()
    eventually(has(surveyor, "/a"), "figures of what answers again")
    assert surveyor.trouble() == ""


def test_the_end_of_the_rounds_is_told_in_their_thread(look: Counting) -> None:
    ended: list[str] = []
    surveyor = Surveyor("test", look, look.crew, 3600, lambda: ended.append(threading.current_thread().name))
    surveyor.start(lambda: [Subject("/a", 1, 1)])
    eventually(has(surveyor, "/a"), "a first round")
    assert ended == []
    surveyor.close()
    eventually(lambda: ended == ["survey-test"], "the end")


def test_what_is_gone_is_forgotten(surveyor: Surveyor, look: Counting) -> None:
    subjects = [Subject("/a", 1, 1), Subject("/b", 2, 2)]
    surveyor.start(lambda: list(subjects))
    eventually(has(surveyor, "/b"), "a first round")
    surveyor.forget("/a")
    assert row(surveyor, "/a")[LIMIT] is None
    del subjects[1]
    eventually(lambda: "/b" not in surveyor._found, "the next round")
