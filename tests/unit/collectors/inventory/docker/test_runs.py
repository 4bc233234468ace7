"""Whatever the order of events and answers: each run begins before it ends, and ends once."""

from __future__ import annotations

import datetime
import os

import msgspec
import pytest

from collectors.inventory.docker.api import DockerEvent, Inspect
from collectors.inventory.docker.entry import process_of
from collectors.inventory.docker.runs import DockerRuns
from collectors.inventory.merge import Inventory
from collectors.model import Entry, Health, Reason, State
from runtime.linux.hierarchies import detect

ID = "cd" * 32
Change = tuple[str, int | None, float | None]


def event(action: str, at: float, **attributes: str) -> DockerEvent:
    body = {
        "Type": "network" if action == "disconnect" else "container",
        "Action": action,
        "Actor": {"ID": ID, "Attributes": {"name": "web", "image": "i", "container": ID, **attributes}},
        "timeNano": round(at * 1e9),
    }
    return msgspec.convert(body, DockerEvent)


def told(status: str, began: float, over: float | None = None, code: int = 0, **parts: object) -> Inspect:
    body = {
        "Id": ID,
        "Name": "/web",
        "State": {
            "Status": status, "StartedAt": rfc3339(began), "FinishedAt": rfc3339(over), "ExitCode": code,
            "Pid": os.getpid() if status == "running" else 0,
        },
        **parts,
    }  # fmt: skip
    return msgspec.convert(body, Inspect)


def rfc3339(seconds: float | None) -> str:
    if seconds is None:
        return "0001-01-01T00:00:00Z"
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).isoformat().replace("+00:00", "Z")


class Story:
    """Runs on a board whose changes are kept as (state, exit code, start)."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.entries: list[Entry] = []
        source = type("Named", (), {"name": "docker"})()
        self.board = Inventory([source], self._heard)
        self.runs = DockerRuns(self.board)

    def _heard(self, old: Entry | None, new: Entry | None) -> None:
        if new is None:
            self.changes.append(("gone", None, None))
            return
        self.entries.append(new)
        one = new.container
        change = (str(one.state), one.exit_code, one.started_at)
        if not self.changes or self.changes[-1] != change:
            self.changes.append(change)

    def learn(self, told: Inspect) -> None:
        self.runs.learn(told, process_of(told, detect()))

    @property
    def now(self) -> Entry:
        return self.entries[-1]


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_plain_life(story: Story) -> None:
    assert not story.runs.apply(event("create", 10))
    assert story.runs.apply(event("start", 20.1))
    story.learn(told("running", 20))
    assert story.runs.apply(event("die", 30.1, exitCode="3"))
    story.learn(told("exited", 20, 30, 3))
    assert not story.runs.apply(event("destroy", 40))
    assert story.changes == [
        ("created", None, None), ("running", None, 20.0), ("exited", 3, 20.0), ("gone", None, None),
    ]  # fmt: skip
    assert story.now.container.finished_at == 30.0


def test_a_run_that_was_over_before_it_was_asked_about_still_begins(story: Story) -> None:
    story.runs.apply(event("create", 10))
    story.runs.apply(event("start", 20.1))
    story.learn(told("exited", 20, 20.05, 1))
    assert not story.runs.apply(event("die", 20.2, exitCode="1"))
    assert story.changes == [("created", None, None), ("running", None, 20.0), ("exited", 1, 20.0)]


def test_an_event_of_a_run_before_changes_nothing(story: Story) -> None:
    story.learn(told("running", 50))
    assert not story.runs.apply(event("die", 40, exitCode="1"))
    assert not story.runs.apply(event("kill", 40, signal="15"))
    assert story.changes == [("running", None, 50.0)]
    assert not story.now.stop_requested


def test_a_restart_that_nobody_saw_ends_the_run_before_with_an_unknown_code(story: Story) -> None:
    story.learn(told("running", 20))
    story.learn(told("running", 50, over=45))
    assert story.changes == [("running", None, 20.0), ("exited", None, 20.0), ("running", None, 50.0)]
    assert (story.entries[1].container.finished_at, story.entries[1].container.reason) == (
        45.0,
        Reason.UNKNOWN,
    )


def test_a_whole_run_that_nobody_saw_is_told_from_its_end(story: Story) -> None:
    story.learn(told("exited", 20, 30, 1))
    story.learn(told("exited", 50, 60, 2))
    assert story.changes == [("exited", 1, 20.0), ("running", None, 50.0), ("exited", 2, 50.0)]


def test_a_restart_policy_shows_each_run_once(story: Story) -> None:
    for began in (20, 40):
        story.runs.apply(event("start", began + 0.1))
        story.learn(told("running", began))
        story.runs.apply(event("die", began + 5.1, exitCode="4"))
        story.learn(told("restarting", began, began + 5, 4))
    assert [change[0] for change in story.changes] == ["running", "exited", "restarting"] * 2


def test_an_inspection_after_an_end_may_already_show_the_next_run(story: Story) -> None:
    story.learn(told("running", 20))
    story.runs.apply(event("die", 30, exitCode="4"))
    story.learn(told("running", 30.5, over=30))
    story.runs.apply(event("start", 30.6))
    story.learn(told("running", 30.5, over=30))
    assert story.changes == [("running", None, 20.0), ("exited", 4, 20.0), ("running", None, 30.5)]


def test_a_container_that_was_gone_before_it_could_be_asked(story: Story) -> None:
    story.runs.apply(event("create", 10))
    story.runs.presume_started(event("start", 20))
    story.runs.apply(event("die", 20.5, exitCode="0"))
    story.runs.apply(event("destroy", 21))
    assert story.changes == [
        ("created", None, None), ("running", None, 20.0), ("exited", 0, 20.0), ("gone", None, None),
    ]  # fmt: skip


def test_an_answer_to_a_presumed_start_is_the_same_run(story: Story) -> None:
    story.runs.presume_started(event("start", 20.5))
    story.learn(told("exited", 20, 30, 0))
    assert story.changes == [("running", None, 20.5), ("exited", 0, 20.5)]
    story.learn(told("running", 40, over=30))
    assert story.changes[-1] == ("running", None, 40.0)


def test_an_end_of_a_container_never_heard_of(story: Story) -> None:
    assert story.runs.apply(event("die", 20, exitCode="137"))
    assert story.changes == [("running", None, None), ("exited", 137, None)]
    story.learn(told("exited", 19, 20, 137))
    assert story.changes[2:] == [("exited", 137, 19.0)]


@pytest.mark.parametrize(
    ("signal", "config", "code", "reason"),
    [
        ("15", {}, "143", Reason.STOPPED),
        ("9", {}, "137", Reason.STOPPED),
        ("1", {}, "129", Reason.SIGNAL),
        ("2", {"StopSignal": "SIGINT"}, "130", Reason.STOPPED),
        ("3", {"StopSignal": "3"}, "0", Reason.STOPPED),
        ("2", {}, "130", Reason.SIGNAL),
    ],
)
def test_a_stop_that_was_asked_explains_the_end(
    story: Story, signal: str, config: dict[str, str], code: str, reason: Reason
) -> None:
    story.learn(told("running", 20, Config=config))
    story.runs.apply(event("kill", 25, signal=signal))
    story.runs.apply(event("die", 26, exitCode=code))
    assert story.now.container.reason is reason
    story.learn(told("exited", 20, 26, int(code), Config=config))
    assert story.now.container.reason is reason
    assert story.now.stop_requested == (reason is Reason.STOPPED)
    story.learn(told("running", 40, over=26))
    assert not story.now.stop_requested


def test_a_stop_that_was_ignored_long_ago_explains_nothing(story: Story) -> None:
    story.learn(told("running", 20, Config={"StopTimeout": 5}))
    story.runs.apply(event("kill", 25, signal="15"))
    story.runs.apply(event("die", 25 + 5 + 31, exitCode="1"))
    assert story.now.container.reason is Reason.ERROR


def test_small_changes_need_no_inspection(story: Story) -> None:
    story.learn(told("running", 20))
    for change in (
        event("rename", 21, name="shop", oldName="/web"),
        event("health_status: healthy", 22),
        event("pause", 23),
    ):
        assert not story.runs.apply(change)
    one = story.now.container
    assert (one.name, one.health, one.state) == ("shop", Health.HEALTHY, State.PAUSED)
    story.runs.apply(event("unpause", 24))
    assert story.now.container.state is State.RUNNING
    assert story.runs.apply(event("update", 25))


def test_a_start_that_failed_shows_by_its_network(story: Story) -> None:
    story.runs.apply(event("create", 10))
    assert story.runs.apply(event("disconnect", 11))
    story.learn(told("running", 20))
    assert not story.runs.apply(event("disconnect", 21))


def test_events_of_networks_of_unknown_containers_are_nothing(story: Story) -> None:
    assert not story.runs.apply(event("disconnect", 11))
    assert story.changes == []


def test_a_list_forgets_what_is_not_in_it(story: Story) -> None:
    story.learn(told("running", 20))
    story.runs.settle(set())
    assert story.changes[-1][0] == "gone"
    assert story.board.complete
    assert story.runs.states() == {}
