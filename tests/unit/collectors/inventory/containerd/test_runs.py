"""Whatever the order of events and answers: each run begins before it ends, and ends once."""

from __future__ import annotations

import itertools

import pytest
from msgspec.structs import replace as altered

from collectors.inventory.bundle import Process, Spec
from collectors.inventory.containerd.entry import Facts, plain_entry
from collectors.inventory.containerd.runs import ContainerdRuns
from collectors.inventory.cri.entry import Run
from collectors.model import Entry, Reason, State
from tests.unit.collectors.inventory.containerdengine import PLAIN, Noted

KEY = PLAIN.key
FACTS = Facts(spec=Spec(cgroup="/default/web"))


def created() -> Entry:
    return plain_entry(PLAIN, FACTS, Run(State.CREATED), Process())


def live(began: float = 10.0, pid: int = 17) -> Entry:
    run = Run(State.RUNNING, began)
    return plain_entry(PLAIN, FACTS, run, Process(pid, 99, "/default/web") if pid else Process())


def over(began: float | None = 10.0, finished: float | None = 20.0, code: int | None = 3) -> Entry:
    reason = Reason.UNKNOWN if code is None else Reason.ERROR
    return plain_entry(PLAIN, FACTS, Run(State.EXITED, began, finished, code, reason), Process())


class Story:
    def __init__(self) -> None:
        self.board = Noted()
        self.runs = ContainerdRuns(self.board)

    @property
    def states(self) -> list[str]:
        return [state for _, state in self.board.told]

    @property
    def last(self) -> Entry:
        entry = self.runs.known(KEY)
        assert entry is not None
        return entry


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_life(story: Story) -> None:
    for entry in (created(), live(), live(), over(), over()):
        story.runs.learn(entry)
    story.runs.forget(KEY)
    assert story.states == ["created", "running", "exited", "gone"]
    assert story.runs.keys() == set()


def test_an_end_by_event_and_by_answer_is_one(story: Story) -> None:
    story.runs.learn(live())
    story.runs.end(KEY, 20.0, 3)
    story.runs.learn(over())
    story.runs.end(KEY, 20.0, 3)
    assert story.states == ["running", "exited"]
    container = story.last.container
    assert (container.exit_code, container.finished_at, container.reason) == (3, 20.0, Reason.ERROR)


def test_an_answer_from_before_the_end_changes_nothing(story: Story) -> None:
    story.runs.learn(live())
    story.runs.end(KEY, 20.0, 3)
    for late in (live(), live(pid=0), created()):
        story.runs.learn(late)
    assert story.states == ["running", "exited"]


def test_an_end_without_a_beginning_gets_one(story: Story) -> None:
    story.runs.learn(created())
    story.runs.learn(over())
    assert story.states == ["created", "running", "exited"]
    assert story.board.history[1].container.started_at == 10.0
    assert story.board.history[1].container.exit_code is None


def test_who_is_first_seen_over_began_too(story: Story) -> None:
    story.runs.learn(over())
    assert story.states == ["running", "exited"]


def test_but_not_when_it_is_found_in_the_list(story: Story) -> None:
    story.runs.learn(over(), listed=True)
    assert story.states == ["exited"]


def test_a_run_that_nobody_saw_end(story: Story) -> None:
    story.runs.learn(live(10.0, pid=17))
    story.runs.learn(live(30.0, pid=18))
    assert story.states == ["running", "exited", "running"]
    ended = story.board.history[1].container
    assert (ended.started_at, ended.exit_code, ended.reason) == (10.0, None, Reason.UNKNOWN)


def test_a_whole_run_that_nobody_saw(story: Story) -> None:
    story.runs.learn(over(10.0, 20.0))
    story.runs.learn(over(30.0, 40.0, code=0))
    assert story.states == ["running", "exited", "running", "exited"]
    story.runs.learn(over(10.0, 20.0))
    assert story.last.container.started_at == 30.0


def test_the_run_of_a_process_has_one_beginning(story: Story) -> None:
    story.runs.learn(live(10.0, pid=17))
    story.runs.learn(live(10.5, pid=17))
    assert story.states == ["running"]
    assert story.last.container.started_at == 10.0


def test_what_is_known_less_does_not_replace_what_is_known(story: Story) -> None:
    story.runs.learn(live())
    story.runs.learn(over())
    story.runs.learn(over(finished=None, code=None))
    assert story.last.container.exit_code == 3
    story.runs.learn(over(code=4))
    assert story.last.container.exit_code == 4


def test_a_start_that_nobody_explains(story: Story) -> None:
    story.runs.learn(created())
    story.runs.begin(KEY, 10.0)
    story.runs.begin(KEY, 11.0)
    assert story.states == ["created", "running"]
    assert story.last.container.started_at == 10.0
    story.runs.begin("nobody", 10.0)
    assert story.board.entries.keys() == {KEY}


def test_an_end_before_its_beginning_was_noted(story: Story) -> None:
    story.runs.learn(live(10.0))
    story.runs.end(KEY, 9.9, 0)
    assert story.last.container.finished_at == 10.0


@pytest.mark.parametrize(("code", "reason"), [(137, Reason.OOM), (1, Reason.ERROR)])
def test_memory_explains_a_kill_and_nothing_else(story: Story, code: int, reason: Reason) -> None:
    story.runs.learn(live())
    story.runs.ran_out_of_memory(KEY)
    story.runs.end(KEY, 20.0, code)
    assert story.last.container.reason is reason


def test_memory_of_an_earlier_run_explains_nothing(story: Story) -> None:
    story.runs.learn(live())
    story.runs.ran_out_of_memory(KEY)
    story.runs.end(KEY, 20.0, 0)
    story.runs.learn(live(30.0, pid=18))
    story.runs.end(KEY, 40.0, 137)
    assert story.last.container.reason is Reason.SIGNAL
    story.runs.ran_out_of_memory("nobody")
    assert story.runs.known("nobody") is None


def test_pauses(story: Story) -> None:
    story.runs.learn(live())
    for paused in (True, True, False):
        story.runs.pause(KEY, paused=paused)
    story.runs.end(KEY, 20.0, 0)
    story.runs.pause(KEY, paused=True)
    assert story.states == ["running", "paused", "running", "exited"]


def test_the_whole_list(story: Story) -> None:
    other = live()
    other = altered(other, container=altered(other.container, engine_id="default/other"))
    story.runs.learn(live(), listed=True)
    story.runs.learn(other, listed=True)
    assert story.runs.live() == {KEY, "default/other"}
    story.runs.settle({KEY})
    assert story.board.complete
    assert story.board.entries.keys() == story.runs.keys() == {KEY}


def test_any_order_of_three_words_is_one_run() -> None:
    words = ("started", "ended", "created")
    for order in itertools.permutations(words):
        story = Story()
        for word in order:
            if word == "started":
                story.runs.learn(live())
            elif word == "created":
                story.runs.learn(created())
            else:
                story.runs.learn(over())
        expected = ["running", "exited"]
        assert [state for state in story.states if state != "created"] == expected, order
