"""One container is one entry, whoever tells of it; sources fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from msgspec.structs import replace as altered

from collectors.inventory.base import Board, Facts
from collectors.inventory.merge import LOCATED_LIMIT, Inventory
from collectors.model import Container, Entry, State

HEX = "0123456789abcdef" * 4


def entry(
    id: str = "", engine: str = "docker", engine_id: str = "", name: str = "n", **rest: object
) -> Entry:
    return Entry(
        container=Container(id=id, name=name, engine=engine, engine_id=engine_id, **rest)  # type: ignore[arg-type]
    )


class Quiet:
    """A source that the test itself speaks for."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def run(self, board: Board) -> None:
        await asyncio.Event().wait()


class Heard(list[tuple[Entry | None, Entry | None]]):
    """What was told of changes."""

    def __call__(self, old: Entry | None, new: Entry | None) -> None:
        self.append((old, new))


def inventory(*names: str, **predicates: Callable[[Entry], bool]) -> tuple[Inventory, Heard]:
    heard = Heard()
    return Inventory([Quiet(name) for name in names], heard, **predicates), heard


def test_each_change_is_told_once() -> None:
    board, heard = inventory("docker")
    first = entry("/a", engine_id="1")
    second = altered(first, pid=7)
    board.put("docker", first)
    board.put("docker", first)
    board.put("docker", second)
    board.drop("docker", "1")
    board.drop("docker", "1")
    assert heard == [(None, first), (first, second), (second, None)]
    assert not board.entries()


def test_an_earlier_source_claims_an_id_and_a_later_one_shows_again_when_it_lets_go() -> None:
    board, heard = inventory("deckwatch", "docker", "cgroup")
    plain, docker = entry("/x", "cgroup"), entry("/x", "docker", "1")
    board.put("cgroup", plain)
    board.put("docker", docker)
    assert dict(board.entries()) == {"/x": docker}
    board.put("cgroup", altered(plain, pid=3))
    board.drop("docker", "1")
    assert heard == [(None, plain), (plain, docker), (docker, altered(plain, pid=3))]


def test_an_id_that_becomes_known_is_one_change() -> None:
    board, heard = inventory("docker")
    created = entry(engine_id="1", state=State.CREATED)
    running = entry("/d/1", engine_id="1")
    board.put("docker", created)
    assert list(board.entries()) == ["docker:1"]
    board.put("docker", running)
    assert list(board.entries()) == ["/d/1"]
    assert heard == [(None, created), (created, running)]


@pytest.mark.parametrize(
    "path", [f"/docker/{HEX}", f"/system.slice/docker-{HEX}.scope", f"/own/parent/{HEX}"]
)
def test_the_path_of_a_new_cgroup_names_what_is_told_of_its_container_from_then_on(path: str) -> None:
    board, heard = inventory("docker")
    created = entry(engine_id=HEX, state=State.CREATED)
    board.put("docker", created)
    board.saw(path)
    assert list(board.entries()) == [f"docker:{HEX}"]
    board.put("docker", altered(created, container=altered(created.container, state=State.EXITED)))
    ended = altered(created, container=altered(created.container, id=path, state=State.EXITED))
    assert heard == [(None, created), (created, ended)]
    assert list(board.entries()) == [path]


def test_paths_that_name_no_container_are_not_kept() -> None:
    board, _ = inventory("docker")
    board.saw("/system.slice/ssh.service")
    board.saw(f"/docker/{HEX}/init.scope")
    board.put("docker", entry(engine_id=HEX))
    assert list(board.entries()) == [f"docker:{HEX}"]


def test_located_paths_are_bounded() -> None:
    board, _ = inventory("docker")
    for number in range(LOCATED_LIMIT + 1):
        board.saw(f"/d/{number:064x}")
    board.put("docker", entry(engine_id=f"{0:064x}"))
    board.put("docker", entry(engine_id=f"{LOCATED_LIMIT:064x}"))
    assert list(board.entries()) == [f"docker:{0:064x}", f"/d/{LOCATED_LIMIT:064x}"]


def test_a_whole_list_takes_away_what_is_not_in_it() -> None:
    board, heard = inventory("docker")
    one, two, three = (entry(f"/{n}", engine_id=n) for n in "123")
    board.replace("docker", [one, two])
    board.replace("docker", [two, three])
    assert heard == [(None, one), (None, two), (one, None), (None, three)]


def test_two_containers_of_one_source_may_follow_each_other_in_one_cgroup() -> None:
    board, _ = inventory("docker")
    board.put("docker", entry("/same", engine_id="1"))
    board.put("docker", entry("/same", engine_id="2"))
    board.drop("docker", "1")
    assert board.entries()["/same"].container.engine_id == "2"
    board.drop("docker", "2")
    assert not board.entries()


def test_include_and_exclude_decide_what_is_shown() -> None:
    board, heard = inventory(
        "docker",
        include=lambda one: one.container.name != "hidden",
        exclude=lambda one: one.container.state is State.EXITED,
    )
    board.put("docker", entry("/1", engine_id="1", name="hidden"))
    shown = entry("/2", engine_id="2")
    board.put("docker", shown)
    board.put("docker", altered(shown, container=altered(shown.container, state=State.EXITED)))
    assert heard == [(None, shown), (shown, None)]
    assert board.by_engine_id("1") is None


def test_entries_are_found_by_engine_id_and_by_name() -> None:
    board, _ = inventory("deckwatch", "docker")
    one, two = entry("/1", engine_id="1", name="web"), entry("/2", "deckwatch", "web", "web")
    board.put("docker", one)
    board.put("deckwatch", two)
    assert board.by_engine_id("1") == one
    assert board.by_engine_id("3") is None
    assert board.by_name("web") == [one, two]


def test_it_is_complete_when_each_source_has_answered_or_said_why_not() -> None:
    board, _ = inventory("docker", "cgroup")
    board.replace("cgroup", [])
    assert not board.complete
    board.unavailable("docker", "no such file")
    assert board.complete
    assert board.reasons() == {"docker": "no such file"}
    board.replace("docker", [])
    assert board.reasons() == {}


def test_what_a_source_told_stays_while_it_is_away() -> None:
    board, _ = inventory("docker")
    board.replace("docker", [entry("/1", engine_id="1")])
    board.unavailable("docker", "gone")
    assert list(board.entries()) == ["/1"]


class Failing:
    """Fails at its first run, answers at its second."""

    name = "docker"

    def __init__(self) -> None:
        self.runs = 0

    async def run(self, board: Board) -> None:
        self.runs += 1
        if self.runs == 1:
            raise ValueError("broken answer")
        board.replace(self.name, [entry("/1", engine_id="1")])
        await asyncio.Event().wait()


async def test_a_source_that_fails_starts_again_and_disturbs_no_other() -> None:
    came = asyncio.Event()
    failing, quiet = Failing(), Quiet("cgroup")
    board = Inventory([failing, quiet], lambda old, new: came.set())
    running = asyncio.ensure_future(board.run())
    try:
        await asyncio.wait_for(came.wait(), 5)
        assert failing.runs == 2
        assert not running.done()
    finally:
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running


def test_facts_fill_what_the_engine_left_empty_and_go_with_their_source() -> None:
    board, heard = inventory("docker", "kubernetes")
    plain = entry("/x", "docker", "1")
    board.put("docker", plain)
    board.tell("kubernetes", {"1": Facts(pod="web-1", namespace="shop"), "2": Facts(pod="other")})
    shown = board.entries()["/x"]
    assert (shown.container.pod, shown.container.namespace) == ("web-1", "shop")
    board.tell("kubernetes", {})
    assert heard == [(None, plain), (plain, shown), (shown, plain)]
