"""Which inventory sources a configuration asks for."""

from __future__ import annotations

from agent.config.load import load
from agent.sources import sources_for
from runtime.linux.hierarchies import detect


def names(*overrides: str) -> list[str]:
    return [source.name for source in sources_for(load(None, overrides), detect()).all()]


def test_the_most_precise_source_comes_first() -> None:
    assert names() == ["deckwatch", "docker", "podman", "kubernetes", "cgroup"]


def test_an_engine_can_be_switched_off() -> None:
    off = names("inventory.docker.enabled=false", "inventory.podman.enabled=false")
    assert off == ["deckwatch", "kubernetes", "cgroup"]


def test_pods_are_told_by_their_cgroups_before_those_are_plain_ones() -> None:
    found = names()
    assert found.index("kubernetes") < found.index("cgroup")
    assert "kubernetes" not in names("inventory.kubernetes.enabled=false")


def test_a_kubelet_and_an_api_server_are_asked_when_they_are_named() -> None:
    assert not {"kubelet", "api_server"} & set(names())
    found = names("inventory.kubernetes={kubelet: 'https://n', api_server: 'https://a'}")
    assert {"kubelet", "api_server"} <= set(found)
