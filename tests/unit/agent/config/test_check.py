"""What a configuration may not say although its types are right."""

from __future__ import annotations

import pytest

from agent.config.check import UNIMPLEMENTED, collector_names, split_address
from agent.config.load import ConfigError, load
from agent.config.settings import Config


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("127.0.0.1:9780", ("127.0.0.1", 9780)),
        (":80", ("", 80)),
        ("[::1]:1", ("::1", 1)),
        ("host:0", ("host", 0)),
    ],
)
def test_addresses(text: str, pair: tuple[str, int]) -> None:
    assert split_address(text) == pair


@pytest.mark.parametrize("text", ["", "host", "::1:80", "h:x", "h:65536", "[x]:1", "h:"])
def test_wrong_addresses(text: str) -> None:
    with pytest.raises(ValueError):
        split_address(text)


def test_the_defaults_are_all_implemented() -> None:
    for key, allowed in UNIMPLEMENTED.items():
        value: object = Config()
        for name in key.split("."):
            value = getattr(value, name)
        assert value in allowed, key


@pytest.mark.parametrize(
    "override",
    [
        "query.peers=dns+x:1",
        "runtime.engine=runc",
        "runtime.storage=zfs",
        "paths.rootfs=/host",
        "metrics.drop=['{name=web}']",
    ],
)
def test_what_is_not_there_yet_is_refused_by_name(override: str) -> None:
    with pytest.raises(ConfigError, match=r"not implemented in this version") as caught:
        load(None, [override])
    key = override.partition("=")[0]
    assert caught.value.errors[0].key in (key, "logs.spool", "metrics.drop[0]")


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("runtime.cgroup_parent=deckwatch", "must be an absolute cgroup path"),
        ("runtime.cgroup_parent=/a/../b", "must be an absolute cgroup path"),
        ("server.socket=/" + "x" * 120, "at most 107"),
        ("server.listen=[127.0.0.1:1, 127.0.0.1:1]", "stands here twice"),
        ("paths={state: /x, run: /x}", "must differ from paths.state"),
        ("node=''", "must not be empty"),
        ("workloads=[{name: web, replicas: 2}, {name: web-2}]", "also the name of a replica of web"),
        ("inventory.exclude=['{nam=x}']", "did you mean name"),
        ("metrics.collectors.nonsense=true", "no such collector"),
    ],
)
def test_values_that_cannot_be(override: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load(None, [override])


def test_collectors_are_those_of_the_catalogue() -> None:
    assert {"percpu", "tcp", "disk_walk"} <= collector_names()


def test_what_is_wrong_with_rules_and_sinks_is_told_with_its_key() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, ["logs.rules=[{selector: '{nam=x}', parser: jsn}]", "logs.sinks=[{type: lokki}]"])
    text = str(caught.value)
    assert "logs.rules[0].selector" in text
    assert "unknown parser 'jsn'" in text
    assert "logs.sinks[0].type: no such type 'lokki'" in text
