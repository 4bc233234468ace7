"""Each run begins before it ends and ends once, whatever was found between two looks."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from collectors.inventory.base import Board
from collectors.inventory.merge import Inventory
from collectors.inventory.storage.conmon import Exit
from collectors.inventory.storage.runs import StorageRuns
from collectors.model import Container, Entry, State

ID = "a" * 64
Change = tuple[str, float | None, float | None, int | None]
GONE: Change = ("gone", None, None, None)


class Silent:
    """A source that the test itself speaks for."""

    name = "podman"

    async def run(self, board: Board) -> None:
        raise AssertionError("not run here")


def found(
    state: State, began: float | None = None, over: float | None = None, code: int | None = None
) -> Entry:
    container = Container(
        id=f"/{ID}", name="web", engine="podman", engine_id=ID, state=state, started_at=began,
        finished_at=over, exit_code=code,
    )  # fmt: skip
    return Entry(container=container, pid=7 if state is State.RUNNING else 0)


class Story:
    """Runs on a board whose changes are kept as (state, start, end, exit code)."""

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.board = Inventory([Silent()], self._heard)
        self.runs = StorageRuns(self.board, "podman")

    def _heard(self, old: Entry | None, new: Entry | None) -> None:
        one = new.container if new else None
        self.changes.append((str(one.state), one.started_at, one.finished_at, one.exit_code) if one else GONE)


CREATED = found(State.CREATED)
RUNNING = found(State.RUNNING, 10.0)
EXITED = found(State.EXITED, 10.0, 15.0, 3)
NEXT = found(State.RUNNING, 20.0)


@pytest.mark.parametrize(
    ("looks", "ends", "changes"),
    [
        # Each step was seen.
        (
            [CREATED, RUNNING, EXITED, NEXT], {},
            [("created", None, None, None), ("running", 10, None, None), ("exited", 10, 15, 3), ("running", 20, None, None)],
        ),
        # Nobody looked while it ran.
        ([CREATED, EXITED], {1: Exit(15.0, 3)}, [("created", None, None, None), ("running", 10, None, None), ("exited", 10, 15, 3)]),
        # It ended and began again between two looks; its end was noted.
        ([RUNNING, NEXT], {1: Exit(15.0, 3)}, [("running", 10, None, None), ("exited", 10, 15, 3), ("running", 20, None, None)]),
        # The same, not noted.
        ([RUNNING, NEXT], {}, [("running", 10, None, None), ("exited", 10, None, None), ("running", 20, None, None)]),
        # A whole run passed before the one that was found; only its end was noted.
        (
            [CREATED, NEXT], {1: Exit(15.0, 3)},
            [("created", None, None, None), ("running", 15, None, None), ("exited", 15, 15, 3), ("running", 20, None, None)],
        ),
        # An end that was told already is not told again when the next run begins.
        ([RUNNING, EXITED, NEXT], {1: Exit(15.0, 3)}, [("running", 10, None, None), ("exited", 10, 15, 3), ("running", 20, None, None)]),
        # Two runs passed, and the second one has ended, too.
        (
            [RUNNING, found(State.EXITED, 20.0, 25.0, 4)], {1: Exit(25.0, 4)},
            [("running", 10, None, None), ("exited", 10, None, None), ("running", 20, None, None), ("exited", 20, 25, 4)],
        ),
        # At first sight it has ended: when it began is not told.
        ([EXITED], {}, [("exited", 10, 15, 3)]),
        # A start failed.
        ([CREATED, found(State.EXITED, None, 12.0)], {}, [("created", None, None, None), ("exited", None, 12, None)]),
        # The same look again changes nothing.
        ([RUNNING, RUNNING], {}, [("running", 10, None, None)]),
    ],
)  # fmt: skip
def test_each_run_begins_and_ends_once(
    looks: list[Entry], ends: Mapping[int, Exit], changes: list[Change]
) -> None:
    story = Story()
    for number, look in enumerate(looks):
        if number in ends:
            story.runs.noted(ID, ends[number])
        story.runs.learn(look)
    assert story.changes == changes


def test_what_is_no_longer_stored_is_gone_with_its_end() -> None:
    story = Story()
    story.runs.learn(RUNNING)
    story.runs.noted(ID, Exit(15.0, 3))
    story.runs.noted("b" * 64, Exit(15.0, 3))
    story.runs.keep({ID})
    assert story.runs.end_of(ID) == Exit(15.0, 3) and story.runs.end_of("b" * 64) is None
    story.runs.keep(set())
    assert story.changes[-1] == GONE
    assert (story.runs.end_of(ID), dict(story.runs.entries())) == (None, {})


@pytest.mark.parametrize(
    ("look", "end", "told"),
    [
        (RUNNING, Exit(15.0, 3), [("running", 10, None, None), ("exited", 10, 15, 3)]),
        (CREATED, Exit(15.0, 3), [("created", None, None, None), ("running", 15, None, None), ("exited", 15, 15, 3)]),
        (EXITED, Exit(15.0, 3), [("exited", 10, 15, 3)]),
        (RUNNING, Exit(5.0, 3), [("running", 10, None, None)]),
    ],
)  # fmt: skip
def test_an_end_is_told_though_the_container_is_gone_already(
    look: Entry, end: Exit, told: list[Change]
) -> None:
    story = Story()
    story.runs.learn(look)
    story.runs.noted(ID, end)
    story.runs.keep(set())
    assert story.changes == [*told, GONE]


def test_one_that_came_after_the_list_and_has_ended_began_as_well() -> None:
    story = Story()
    story.runs.settle(set())
    story.runs.learn(EXITED)
    assert story.changes == [("running", 10, None, None), ("exited", 10, 15, 3)]


def test_the_list_is_whole_once_it_is_settled() -> None:
    story = Story()
    story.runs.learn(RUNNING)
    assert not story.board.complete
    story.runs.settle({ID})
    assert story.board.complete and story.changes == [("running", 10, None, None)]
