"""Layouts are found once in each run."""

from __future__ import annotations

import errno
import os
from typing import cast

import pytest

from collectors.metrics.crew import Stuck
from collectors.metrics.filesystem.layouts import Layouts
from collectors.metrics.filesystem.places import Layout, Place, Places
from collectors.metrics.survey import Subject

LAYER = Place("8:1", "", "/layer", "/", 1)
VOLUME = Place("8:2", "", "/volume", "", 2, 7)
TICKS = os.sysconf("SC_CLK_TCK")


class Told:
    """Places that a test tells; counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: Layout | Exception | None = Layout(LAYER, (VOLUME,))

    def find(self, subject: Subject) -> Layout | None:
        self.asked += 1
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def layouts(told: Told) -> Layouts:
    return Layouts(cast(Places, told))


def test_a_run_is_looked_at_once(layouts: Layouts, told: Told) -> None:
    for _ in range(5):
        assert layouts.of(Subject("/a", 7, 1)) == Layout(LAYER, (VOLUME,))
    assert told.asked == 1
    layouts.of(Subject("/a", 8, 2))
    assert told.asked == 2
    assert list(layouts.begin([Subject("/a", 8, 2)])) == [LAYER, VOLUME]
    assert list(layouts.begin([])) == []
    layouts.of(Subject("/a", 8, 2))
    assert told.asked == 3


def test_one_without_a_process_is_not_looked_at(layouts: Layouts, told: Told) -> None:
    assert layouts.of(Subject("/pod", 0, 0)) is None and told.asked == 0


def test_one_that_may_just_be_starting_is_looked_at_again_a_few_times(told: Told) -> None:
    layouts = Layouts(cast(Places, told), since_boot=lambda: 105.0)
    told.answer = Layout()
    for started in (100 * TICKS, 0):  # a moment ago, and nobody knows when
        told.asked = 0
        for _ in range(9):
            assert layouts.of(Subject("/a", 7, started)) == Layout()
        assert told.asked == 3


def test_one_that_has_run_for_long_and_has_no_layer_is_not_looked_at_again(told: Told) -> None:
    now = 105.0
    layouts = Layouts(cast(Places, told), since_boot=lambda: now)
    told.answer = Layout()
    young = Subject("/a", 7, 100 * TICKS)
    layouts.of(young)
    now = 165.0
    for _ in range(3):
        assert layouts.of(young) == Layout()
    assert told.asked == 2
    for _ in range(3):
        assert layouts.of(Subject("/b", 8, TICKS)) == Layout()
    assert told.asked == 3


def test_one_whose_volume_does_not_answer_is_looked_at_until_it_does(layouts: Layouts, told: Told) -> None:
    told.answer = Layout(LAYER, (), complete=False)
    for _ in range(9):
        assert layouts.of(Subject("/a", 7, 1)) == Layout(LAYER, (), complete=False)
    assert told.asked == 9
    told.answer = Layout(LAYER, (VOLUME,))
    layouts.of(Subject("/a", 7, 1))
    assert layouts.of(Subject("/a", 7, 1)) == told.answer and told.asked == 10


def test_what_nobody_may_look_at_is_told_once(layouts: Layouts, told: Told) -> None:
    told.answer = PermissionError(errno.EACCES, "Permission denied")
    assert layouts.of(Subject("/a", 7, 1)) is None and layouts.of(Subject("/b", 8, 1)) is None
    assert layouts.trouble().startswith(
        "the files of 2 containers: Permission denied; run as root or add CAP"
    )
    told.answer = None
    layouts.of(Subject("/a", 7, 1))
    list(layouts.begin([Subject("/a", 7, 1)]))
    assert layouts.trouble() == ""


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), Stuck("open of /layer")])
def test_other_failures_are_the_callers(layouts: Layouts, told: Told, error: Exception) -> None:
    told.answer = error
    with pytest.raises(type(error)):
        layouts.of(Subject("/a", 7, 1))
