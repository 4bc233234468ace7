"""What stands beside the rows of containers in a scrape."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from agent.config.load import load
from agent.contents import Contents
from collectors.metrics import catalogue
from collectors.model import Container, Entry

COUNTED = (catalogue.EXITS, [('name="web",reason="error"', 1)])


def life(name: str, *, alive: bool = True) -> Any:
    return SimpleNamespace(
        entry=Entry(container=Container(id=f"/docker/{name}", name=name, engine="docker")), alive=alive
    )


class Logs:
    """A log service that has counted the bytes of one container which is known, and of one which is not."""

    def sections(self, labels_of: Any) -> list[Any]:
        known = [labels for labels in map(labels_of, ("/docker/web", "/docker/other")) if labels is not None]
        return [(catalogue.LOG_BYTES, [(labels, 5) for labels in known])]


async def found(*, logs: Any = None, **changes: bool) -> dict[Any, Any]:
    """Samples by family."""
    overrides = [f"metrics.collectors.{name}={str(on).lower()}" for name, on in changes.items()]
    config = load(None, overrides)
    lives = {"/docker/web": life("web"), "/docker/dead": life("dead", alive=False)}
    lifecycle: Any = SimpleNamespace(lives=lives.values, by_id=lives.get)
    counters: Any = SimpleNamespace(prepare=_nothing, sections=lambda: [COUNTED])
    contents = Contents(lambda: config, lifecycle, counters, logs)
    await contents.prepare()
    return dict(contents.sections())


async def _nothing() -> None:
    pass


async def test_the_living_have_their_info_and_all_have_their_counters() -> None:
    sections = await found(host=False)
    assert list(sections) == [catalogue.EXITS, catalogue.INFO]
    ((labels, value),) = sections[catalogue.INFO]
    assert 'name="web"' in labels and value == 1
    assert sections[catalogue.EXITS] == COUNTED[1]


async def test_what_was_logged_is_told_with_the_labels_of_who_is_known() -> None:
    ((labels, count),) = (await found(host=False, logs=Logs()))[catalogue.LOG_BYTES]
    assert 'id="/docker/web"' in labels and count == 5


async def test_figures_of_the_host_can_be_switched_off() -> None:
    without, with_them = await found(host=False), await found(host=True)
    assert catalogue.MACHINE_MEMORY in with_them and catalogue.MACHINE_MEMORY not in without
