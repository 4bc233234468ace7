"""Which inventory sources a configuration asks for."""

from __future__ import annotations

from agent.config.load import load
from agent.sources import sources_for
from runtime.linux.hierarchies import detect


def names(*overrides: str) -> list[str]:
    return [source.name for source in sources_for(load(None, overrides), detect()).all()]


def test_the_most_precise_source_comes_first() -> None:
    assert names() == ["deckwatch", "docker", "cgroup"]


def test_an_engine_can_be_switched_off() -> None:
    assert names("inventory.docker.enabled=false") == ["deckwatch", "cgroup"]
