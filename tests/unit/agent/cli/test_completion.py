"""deckwatch completion."""

from __future__ import annotations

import subprocess

import click
import pytest
from click.shell_completion import get_completion_class

from agent.cli import completion, group
from agent.cli.ps import ps
from tests.unit.agent.cli.conftest import Call, Running


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_scripts_name_the_command(call: Call, shell: str) -> None:
    result = call("completion", shell)
    assert result.code == 0
    assert "_DECKWATCH_COMPLETE" in result.out
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=result.out, text=True, check=True, timeout=20)


def test_an_unknown_shell_is_used_wrongly(call: Call) -> None:
    assert call("completion", "csh").code == 2


def test_names_come_from_the_agent(agent: Running) -> None:
    context = click.Context(ps)
    context.params = {"socket_path": agent.socket}
    argument = click.Argument(["references"])
    found = [item.value for item in completion.containers(context, argument, "d")]
    assert found == ["demo", "demo-1", "demo-2"]
    assert [item.value for item in completion.workloads(context, argument, "")] == ["demo"]
    context.params = {"socket_path": "/nowhere.sock"}
    assert completion.containers(context, argument, "d") == []


@pytest.mark.parametrize("words", ["ps -c ", "apply -f ", "run -c ", "config check -c ", "logs --socket "])
def test_the_shell_completes_files(words: str) -> None:
    shell = get_completion_class("bash")
    assert shell is not None
    found = shell(group, {}, "deckwatch", completion.VARIABLE).get_completions(words.split(), "x")
    assert [item.type for item in found] == ["file"]
