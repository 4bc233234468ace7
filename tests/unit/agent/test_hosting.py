"""Whether this host runs workloads, and what they may not look into."""

from __future__ import annotations

import os
import pathlib

import pytest

from agent.conditions import Conditions
from agent.config.load import load
from agent.hosting import Hosting, hidden_directories, why_off
from runtime.linux.hierarchies import detect


def config(tmp_path: pathlib.Path, *overrides: str):
    return load(None, [f"paths.state={tmp_path}/state", f"paths.run={tmp_path}/run", *overrides])


def namespaces(tmp_path: pathlib.Path) -> str:
    """Namespace files as inside a container: whatever the inode is, it is not the initial one."""
    for name in ("pid", "user"):
        (tmp_path / name).touch()
    return str(tmp_path)


def test_it_is_on_where_the_agent_sees_the_hosts_processes(tmp_path: pathlib.Path) -> None:
    if os.stat("/proc/self/ns/pid").st_ino != 0xEFFFFFFC:
        pytest.skip("these tests run in a pid namespace of their own")
    assert why_off(config(tmp_path)) == ""


def test_a_pid_namespace_of_its_own_turns_it_off_unless_it_is_asked_for(tmp_path: pathlib.Path) -> None:
    inside = namespaces(tmp_path)
    assert "pid namespace of its own" in why_off(config(tmp_path), inside)
    assert why_off(config(tmp_path, "runtime.enabled=true"), inside) == ""


async def test_switched_off_with_workloads_is_a_condition(tmp_path: pathlib.Path) -> None:
    conditions = Conditions()
    off = config(tmp_path, "runtime.enabled=false", "workloads=[{name: a, rootfs: host, command: ['true']}]")
    hosting = Hosting(off, detect(), conditions, lambda event: None)
    assert hosting.supervisor is None and hosting.reason == "runtime.enabled is false"
    assert [one.code for one in conditions.current()] == ["runtime_off"]
    await hosting.apply(off)
    await hosting.shutdown()


def test_the_agents_own_and_the_engines_directories_are_hidden(tmp_path: pathlib.Path) -> None:
    hidden = hidden_directories(config(tmp_path))
    assert {f"{tmp_path}/state", f"{tmp_path}/run", "/var/lib/docker", "/var/lib/kubelet"} <= set(hidden)
