"""Which log files are read, and what records say about their containers."""

from __future__ import annotations

import pathlib

import msgspec

from agent.config.logsettings import Journald, Logs
from agent.logs.journal import JournalSources
from agent.logs.rules import Rules
from agent.logs.targets import log_targets, target_id
from collectors.model import LogSource, State
from tests.unit.agent.lifecycle.test_story import RUNNING, World, ended

RULES = Rules(Logs(), lambda *_: None)


async def test_a_target_says_whose_output_it_is_and_when_its_runs_began(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    entry = msgspec.structs.replace(RUNNING, log=LogSource(path="/x.log", format="docker_json"))
    world.lifecycle.changed(None, entry)
    [target] = log_targets(world.lifecycle, "node-1", RULES)
    assert target.id == RUNNING.container.id and target.source.path == "/x.log"
    assert target.container["name"] == "web" and target.container["node"] == "node-1"
    assert target.runs == [(1, 1000.0)] and not target.finished
    world.lifecycle.changed(entry, ended(entry))
    [target] = log_targets(world.lifecycle, "node-1", RULES)
    assert target.finished
    world.counters.close()


async def test_a_container_without_a_file_is_left_out(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.lifecycle.changed(None, RUNNING)
    assert log_targets(world.lifecycle, "n", RULES) == []
    world.counters.close()


async def test_a_container_without_a_file_may_have_its_output_in_the_journal(tmp_path: pathlib.Path) -> None:
    world = World(tmp_path)
    world.lifecycle.changed(None, RUNNING)
    journal = JournalSources(Journald(), directories=[str(tmp_path)], machine_id="", program="sh")
    [target] = log_targets(world.lifecycle, "n", RULES, journal)
    assert target.source == journal.source(RUNNING.container)
    assert target.source.format == "journald"
    world.counters.close()


def test_a_container_that_ended_before_it_was_seen_is_told_by_its_engines_id() -> None:
    unseen = msgspec.structs.replace(RUNNING.container, id="", state=State.EXITED)
    assert target_id(unseen) == "abc"
