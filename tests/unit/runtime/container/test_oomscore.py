"""Scores of real processes, as the kernel allows them to be set."""

from __future__ import annotations

import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from runtime.container import oomscore

GIB = 1 << 30


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    sleepers = [subprocess.Popen(["sleep", "60"]) for _ in range(2)]
    yield sleepers[0].pid, sleepers[1].pid
    for one in sleepers:
        one.kill()
        one.wait()


def score(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text())


def test_the_command_goes_before_init(pair: tuple[int, int]) -> None:
    init, command = pair
    before = score(command)
    oomscore.prefer(init, command, GIB)
    if score(init) == oomscore.LAST_CHOICE:
        assert score(command) == before
    else:
        # Without CAP_SYS_RESOURCE: 8 MiB are 8 thousandths of the limit.
        assert (score(init), score(command)) == (before, before + 8)


def test_without_a_limit_the_command_is_left_alone(pair: tuple[int, int]) -> None:
    init, command = pair
    before = score(command)
    oomscore.prefer(init, command, None)
    assert score(command) == before


def test_a_tiny_limit_raises_no_further_than_the_kernel_counts(pair: tuple[int, int]) -> None:
    init, command = pair
    oomscore.prefer(init, command, 1 << 20)
    assert score(init) < score(command) <= oomscore.HIGHEST
