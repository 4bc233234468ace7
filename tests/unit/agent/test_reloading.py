"""A new configuration takes the place of the one in force, or changes nothing."""

from __future__ import annotations

import asyncio
import pathlib

import pytest

from agent.conditions import Conditions
from agent.config.load import Config, ConfigError, load
from agent.reloading import Reloading
from runtime.linux.errors import DeckwatchError


class Scene:
    """A configuration file, and parts that note what they are given."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self.path.write_text("node: first\n")
        self.conditions = Conditions()
        self.listened: list[str] = []
        self.taken: list[str] = []
        self.refusal: DeckwatchError | None = None
        self.reloading = Reloading(
            load(str(path)),
            str(path),
            (),
            self.conditions,
            listen=self._listen,
            take_over=self._take_over,
        )

    async def _listen(self) -> None:
        self.listened.append(self.reloading.config.node)
        if self.refusal is not None:
            raise self.refusal

    async def _take_over(self, config: Config) -> None:
        self.taken.append(config.node)

    def codes(self) -> list[str]:
        return [one.code for one in self.conditions.current()]


@pytest.fixture
def scene(tmp_path: pathlib.Path) -> Scene:
    return Scene(tmp_path / "deckwatch.yaml")


async def test_a_good_one_is_in_force_before_its_parts_hear_of_it(scene: Scene) -> None:
    scene.path.write_text("node: second\n")
    await scene.reloading.reload()
    assert (scene.listened, scene.taken, scene.codes()) == (["second"], ["second"], [])


async def test_a_bad_file_is_refused_until_it_is_mended(scene: Scene) -> None:
    scene.path.write_text("node: [")
    with pytest.raises(ConfigError):
        await scene.reloading.reload()
    assert (scene.reloading.config.node, scene.listened, scene.taken) == ("first", [], [])
    assert scene.codes() == ["reload_failed"]
    scene.path.write_text("node: third\n")
    await scene.reloading.reload()
    assert (scene.reloading.config.node, scene.codes()) == ("third", [])


async def test_what_a_listener_refuses_is_not_in_force(scene: Scene) -> None:
    scene.path.write_text("node: second\n")
    scene.refusal = DeckwatchError("cannot listen")
    with pytest.raises(DeckwatchError, match="cannot listen"):
        await scene.reloading.reload()
    assert (scene.reloading.config.node, scene.taken, scene.codes()) == ("first", [], ["reload_failed"])


async def test_keys_that_wait_for_a_restart_are_named_until_they_are_as_at_the_start(scene: Scene) -> None:
    scene.path.write_text("node: first\nevents: {max_events: 7}\n")
    await scene.reloading.reload()
    (waiting,) = scene.conditions.current()
    assert waiting.code == "restart_needed" and "events.max_events" in waiting.text
    scene.path.write_text("node: first\n")
    await scene.reloading.reload()
    assert scene.codes() == []


async def test_it_goes_on_after_a_signal_for_a_bad_file(scene: Scene) -> None:
    running = asyncio.ensure_future(scene.reloading.run())
    try:
        async with asyncio.timeout(10):
            scene.path.write_text("node: [")
            scene.reloading.want()
            while "reload_failed" not in scene.codes():
                await asyncio.sleep(0.001)
            scene.path.write_text("node: third\n")
            scene.reloading.want()
            while scene.taken != ["third"]:
                await asyncio.sleep(0.001)
    finally:
        running.cancel()
        await asyncio.wait([running])
