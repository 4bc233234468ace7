"""Specifications: the schema's defaults, what it rejects, sizes and durations."""

from __future__ import annotations

import msgspec
import pytest

from runtime.supervision import spec


def test_defaults_are_those_of_the_contract() -> None:
    web = spec.decode({"name": "web", "rootfs": "host", "command": ["true"]})
    assert web.restart.policy == "on-failure"
    assert web.restart.max == 10
    assert (web.stop.signal, web.stop.timeout) == ("SIGTERM", "10s")
    assert (spec.size(web.logs.max_size), web.logs.max_files, web.logs.compress) == (10 << 20, 5, True)
    assert web.network.mode == "none"
    assert web.init and web.security.no_new_privileges


@pytest.mark.parametrize("name", ["Web", "-web", "web-", "a" * 50, "we/b", "..", "web\n", ""])
def test_a_name_that_could_not_be_a_file_name_is_rejected(name: str) -> None:
    with pytest.raises(msgspec.ValidationError, match="name"):
        spec.decode({"name": name})


def test_unknown_and_misplaced_keys_are_named() -> None:
    with pytest.raises(msgspec.ValidationError, match="memroy"):
        spec.decode({"name": "web", "resources": {"memroy": "1Mi"}})
    with pytest.raises(msgspec.ValidationError, match=r"resources\.memory"):
        spec.decode({"name": "web", "resources": {"memory": "much"}})


@pytest.mark.parametrize(
    ("text", "value"),
    [("128Mi", 128 << 20), ("10M", 10_000_000), ("1.5Ki", 1536), ("64", 64), (7, 7), ("1GiB", 1 << 30)],
)
def test_sizes(text: str | int, value: int) -> None:
    assert spec.size(text) == value


@pytest.mark.parametrize(
    ("text", "value"), [("10s", 10.0), ("1h30m", 5400.0), ("250ms", 0.25), (3, 3.0), ("0.5s", 0.5)]
)
def test_durations(text: str | int, value: float) -> None:
    assert spec.seconds(text) == value


@pytest.mark.parametrize("text", ["", "10", "s", "10 s", "1h-3m", "10s\n"])
def test_a_bad_duration_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        spec.seconds(text)


def test_bad_sizes_are_named() -> None:
    with pytest.raises(ValueError, match="size"):
        spec.size("12 apples")
    with pytest.raises(ValueError, match="size"):
        spec.size("3i")


def test_the_schema_can_be_printed_and_a_specification_survives_json() -> None:
    schema = msgspec.json.schema(spec.WorkloadSpec)
    assert "WorkloadSpec" in schema["$defs"]
    web = spec.decode({"name": "web", "rootfs": "/srv", "mounts": [{"type": "tmpfs", "target": "/t"}]})
    assert msgspec.json.decode(msgspec.json.encode(web), type=spec.WorkloadSpec) == web
    assert spec.replica_name("web", 2) == "web-2"
