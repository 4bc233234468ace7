"""deckwatch ps."""

from __future__ import annotations

import json

import pytest

from agent.cli.ps import engine, selector_of, shown_name, state
from tests.unit.agent.cli.conftest import Call

BASE = {
    "name": "web",
    "id": "/x",
    "pod": "",
    "engine": "docker",
    "role": "container",
    "state": "running",
    "health": "none",
    "reason": None,
    "exit_code": None,
}


def test_the_table_and_the_array(ask: Call) -> None:
    lines = ask("ps").out.splitlines()
    assert lines[0].split() == ["NAME", "STATE", "SINCE", "RESTARTS", "OOM", "ENGINE", "IMAGE"]
    assert [line.split()[0] for line in lines[1:]] == ["demo-1", "demo-2", "web"]
    assert "old" in ask("ps", "-a").out
    found = json.loads(ask("ps", "-o", "json").out)
    assert [one["name"] for one in found] == ["demo-1", "demo-2", "web"]


def test_filters(ask: Call) -> None:
    assert [line.split()[0] for line in ask("ps", "--filter", "engine=docker").out.splitlines()[1:]] == [
        "web"
    ]
    assert (
        ask("ps", "--filter", "name=~demo.*", "--filter", "name!=demo-1")
        .out.splitlines()[1]
        .startswith("demo-2")
    )
    result = ask("ps", "--filter", "nonsense")
    assert (result.code, result.out) == (2, "")
    assert "write it as K=V" in result.err
    result = ask("ps", "--filter", "nam=web")
    assert (result.code, "did you mean name?" in result.err) == (1, True)


def test_values_are_quoted() -> None:
    assert selector_of(('label_a=x"y\\z', "name=b")) == '{label_a="x\\"y\\\\z",name="b"}'
    assert selector_of(()) == ""


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({}, "running"),
        ({"health": "unhealthy"}, "running (unhealthy)"),
        ({"state": "exited", "reason": "oom", "exit_code": 137}, "exited (oom 137)"),
        ({"state": "exited", "reason": "completed", "exit_code": 0}, "exited (completed 0)"),
        ({"state": "exited", "reason": "unknown"}, "exited (unknown)"),
        ({"state": "created"}, "created"),
    ],
)
def test_states(fields: dict[str, object], shown: str) -> None:
    assert state(BASE | fields) == shown


def test_names() -> None:
    assert shown_name(BASE) == "web"
    assert shown_name(BASE | {"name": ""}) == "/x"
    pod = {"namespace": "shop", "pod": "web-1", "container": ""}
    assert shown_name(BASE | pod | {"role": "sandbox"}) == "shop/web-1/POD"
    assert shown_name(BASE | pod | {"role": "pod"}) == "shop/web-1"


@pytest.mark.parametrize(
    ("role", "shown"), [("container", "docker"), ("cgroup", "docker"), ("service", "docker service")]
)
def test_what_is_no_container_says_so(role: str, shown: str) -> None:
    assert engine(BASE | {"role": role}) == shown
