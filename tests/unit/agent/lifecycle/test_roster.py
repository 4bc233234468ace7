"""All containers by name and by cgroup, and the dead."""

from __future__ import annotations

import msgspec

from agent.lifecycle.roster import Roster
from tests.unit.agent.lifecycle.test_life import RUNNING, changed, life


def test_a_container_is_found_by_entry_and_by_cgroup() -> None:
    roster = Roster()
    one = life()
    roster.put(one)
    assert roster.get(changed(name="renamed")) is one and roster.by_id("/a") is one
    assert roster.by_id("/b") is None and list(roster.lives()) == [one]


def test_a_cgroup_that_becomes_known_takes_the_place_of_the_engines_id() -> None:
    roster = Roster()
    unplaced = changed(id="")
    one = life(unplaced)
    roster.put(one)
    assert roster.by_id("abc") is one
    one.entry = RUNNING
    roster.put(one, unplaced)
    assert roster.by_id("/a") is one and roster.by_id("abc") is None


def test_keys_are_let_go_only_when_nobody_has_them() -> None:
    roster = Roster()
    one = life()
    roster.put(one)
    roster.remove(RUNNING)
    roster.bury(RUNNING, RUNNING.container, one.key, 100.0)
    assert roster.let_go(99.0) == set() and roster.dead() == [RUNNING.container]
    heir = life(changed(id="/new", engine_id="def"))
    roster.put(heir)
    assert roster.let_go(100.0) == set() and roster.dead() == []
    roster.remove(heir.entry)
    roster.bury(heir.entry, msgspec.structs.replace(heir.entry.container), heir.key, 100.0)
    assert roster.let_go(100.0) == {heir.key}


def test_cgroups_of_the_living_and_of_the_kept_are_told() -> None:
    roster = Roster()
    one, other = life(), life(changed(id="/b", engine_id="def"))
    roster.put(one)
    roster.put(other)
    roster.remove(RUNNING)
    roster.bury(RUNNING, RUNNING.container, one.key, 100.0)
    assert roster.ids() == {RUNNING.container.id, "/b"}
    roster.let_go(100.0)
    assert roster.ids() == {"/b"}


def test_several_may_bear_one_key() -> None:
    roster = Roster()
    one, other = life(), life(changed(id="/b", engine_id="def"))
    for each in (one, other):
        roster.put(each)
    assert roster.bearers(one.key) == [one, other]
    roster.remove(one.entry)
    assert roster.bearers(one.key) == [other]
