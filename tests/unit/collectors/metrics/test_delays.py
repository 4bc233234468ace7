"""Delay accounting: the switch, the right, and the figures of this kernel."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Iterator
from typing import Any

import pytest

from collectors.metrics import catalogue, delays
from collectors.metrics.plan import Census
from collectors.metrics.rows import Value
from runtime.linux.errors import NotSupported
from runtime.linux.taskstats import BATCH, Taskstats

PLACE = catalogue.INDEX[catalogue.DELAY_SECONDS]


def _switch(recorded: Any, content: str) -> None:
    (pathlib.Path(recorded.host.proc) / "sys/kernel/task_delayacct").write_text(content)


@pytest.fixture
def census(v1: Any) -> Iterator[Census]:
    _switch(v1, "1\n")
    try:
        (made,) = delays.probe(v1.host)
    except NotSupported as error:
        pytest.skip(error.reason)
    yield made
    made.close()


def _values() -> list[Value]:
    return [None] * len(catalogue.ROW)


def test_a_kernel_that_does_not_count_says_how_it_would(v1: Any) -> None:
    _switch(v1, "0\n")
    with pytest.raises(NotSupported, match=r"set sysctl kernel.task_delayacct=1"):
        delays.probe(v1.host)


def test_each_resource_has_a_series(census: Census) -> None:
    values = _values()
    own = os.getpid()
    census.count("/a", lambda: [own] * (BATCH + 1), values)
    told = values[PLACE]
    assert isinstance(told, tuple)
    with Taskstats() as taskstats:
        assert [label for label, _ in told] == [f',resource="{name}"' for name in taskstats.resources]
    assert all(seconds >= 0 for _, seconds in told) and dict(told)[',resource="cpu"'] > 0
    assert [place for place, value in enumerate(values) if value is not None] == [PLACE]


def test_a_container_that_has_ended_keeps_its_sum_until_it_is_forgotten(census: Census) -> None:
    values, final, forgotten = _values(), _values(), _values()
    census.count("/a", lambda: [os.getpid()], values)
    census.count("/a", list, final)
    assert final[PLACE] == values[PLACE] is not None
    census.forget("/a")
    census.count("/a", list, forgotten)
    assert forgotten[PLACE] is None


def test_an_old_kernel_without_the_switch_is_asked_whether_it_counts(v1: Any) -> None:
    (pathlib.Path(v1.host.proc) / "sys/kernel/task_delayacct").unlink()
    try:
        (census,) = delays.probe(v1.host)
    except NotSupported as error:
        assert "CAP_NET_ADMIN" in error.reason or "CONFIG_TASK" in error.reason
    else:
        census.close()
