"""One container as the agent knows it."""

from __future__ import annotations

import msgspec
import pytest

from agent.lifecycle.counters import key_of
from agent.lifecycle.life import Life, another_run, ended_again, name_of
from collectors.model import Container, Entry, Reason, State

RUNNING = Entry(container=Container(id="/a", name="web", engine="docker", engine_id="abc", started_at=10.0))


def changed(**fields: object) -> Entry:
    return msgspec.structs.replace(RUNNING, container=msgspec.structs.replace(RUNNING.container, **fields))


def life(entry: Entry = RUNNING) -> Life:
    return Life(entry, key_of(entry.container), run=1)


def test_another_run_clears_what_was_known_of_the_last() -> None:
    one = life()
    one.reason, one.ended_at, one.in_time, one.oom_in_run, one.status = Reason.OOM, 5.0, True, True, 9
    one.begin(oom_kills=2)
    assert (one.alive, one.reason, one.ended_at, one.in_time, one.oom_in_run, one.status) == (
        True, None, None, False, False, None,
    )  # fmt: skip
    assert one.oom_kills == 2 and not one.untold


@pytest.mark.parametrize(
    ("status", "outcome"), [(3 << 8, (3, None)), (9, (137, 9)), (137 << 8, (137, 9)), (0, (0, None))]
)
def test_the_kernels_word_counts_while_the_engine_says_it_runs(
    status: int, outcome: tuple[int, int | None]
) -> None:
    one = life()
    one.status = status
    assert one.outcome() == outcome


def test_the_engines_word_counts_once_it_says_it_ended() -> None:
    one = life(changed(state=State.EXITED, exit_code=143))
    one.status = 0
    assert one.outcome() == (143, 15)
    assert life(changed(state=State.EXITED)).outcome() == (None, None)  # nobody knows: absent, never 0


def test_runs_are_told_apart_by_their_start_and_ends_by_their_time() -> None:
    assert another_run(RUNNING, changed(started_at=11.0))
    assert not another_run(RUNNING, changed(state=State.PAUSED))
    assert not another_run(changed(started_at=None), RUNNING)
    assert ended_again(RUNNING, changed(finished_at=12.0))
    assert not ended_again(changed(finished_at=12.0), changed(finished_at=12.0))


def test_a_container_is_named_by_its_engines_id_and_a_plain_cgroup_by_its_path() -> None:
    assert name_of(RUNNING) == name_of(changed(id="/b", name="other"))
    assert name_of(changed(engine_id="", engine="cgroup")) != name_of(
        changed(id="/b", engine_id="", engine="cgroup")
    )
