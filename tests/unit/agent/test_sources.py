"""Which inventory sources a configuration asks for."""

from __future__ import annotations

import pathlib

from msgspec import structs

from agent.config.load import load
from agent.sources import sources_for
from runtime.linux.hierarchies import detect


def names(*overrides: str) -> list[str]:
    # Not what this very host has: systemd, and a cluster whose pod the tests run in.
    neutral = ("inventory.systemd.enabled=false", "inventory.kubernetes.token_file=/none")
    config = load(None, (*neutral, *overrides))
    return [source.name for source in sources_for(config, detect()).all()]


def test_the_most_precise_source_comes_first() -> None:
    assert names() == [
        "deckwatch",
        "docker",
        "containerd",
        "crio",
        "podman",
        "kubernetes",
        "machines",
        "cgroup",
    ]


def test_an_engine_can_be_switched_off() -> None:
    engines = ("docker", "containerd", "crio", "podman")
    off = names(*(f"inventory.{engine}.enabled=false" for engine in engines))
    assert off == ["deckwatch", "kubernetes", "machines", "cgroup"]


def test_pods_are_told_by_their_cgroups_before_those_are_plain_ones() -> None:
    found = names()
    assert found.index("kubernetes") < found.index("cgroup")
    assert "kubernetes" not in names("inventory.kubernetes.enabled=false")


def test_a_kubelet_and_an_api_server_are_asked_when_they_are_named() -> None:
    assert not {"kubelet", "api_server"} & set(names())
    found = names("inventory.kubernetes={kubelet: 'https://n', api_server: 'https://a'}")
    assert {"kubelet", "api_server"} <= set(found)


def test_what_is_told_by_cgroups_can_be_switched_off_too() -> None:
    assert "machines" not in names("inventory.machines.enabled=false")
    assert "cgroup" in names("inventory.cgroup.enabled=false")  # it shows nothing then


def test_systemd_is_looked_at_where_it_manages_the_host_or_as_told(tmp_path: pathlib.Path) -> None:
    def told(enabled: str) -> list[str]:
        config = load(None, [f"inventory.systemd.enabled={enabled}"])
        config = structs.replace(config, paths=structs.replace(config.paths, rootfs=str(tmp_path)))
        return [source.name for source in sources_for(config, detect()).all()]

    assert "systemd" not in told("auto")
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    found = told("auto")
    assert found.index("machines") < found.index("systemd") < found.index("cgroup")
    assert "systemd" not in told("false")
    assert "systemd" in names("inventory.systemd.enabled=true")


def test_what_a_writable_layer_uses_is_unknown_where_no_engine_counts_it() -> None:
    for enabled in ("true", "false"):
        config = load(None, [f"inventory.containerd.enabled={enabled}", "inventory.systemd.enabled=false"])
        assert sources_for(config, detect()).layer_bytes("/kubepods/pod1/main") is None
