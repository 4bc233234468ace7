"""How a command is found and what its failure says."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

import pytest

from runtime.container import command
from runtime.container.bundle import plan_of
from runtime.container.failure import StartError

if TYPE_CHECKING:
    from conftest import Box


@pytest.mark.root
def test_a_bare_name_is_searched_in_order(box: Box) -> None:
    for place, text in (("first", "one"), ("second", "two")):
        (box.rootfs / place).mkdir()
        script = box.rootfs / place / "tool"
        script.write_text(f"#!/bin/sh\necho {text}\n")
        script.chmod(0o755)
    assert box.run("tool", env={"PATH": "/none:/second:/first"}).out == "two\n"
    assert box.run("/first/tool").out == "one\n"


@pytest.mark.root
def test_a_relative_command_is_looked_up_in_the_working_directory(box: Box) -> None:
    assert box.run("./echo", "here", working_dir="/bin").out == "here\n"


@pytest.mark.root
@pytest.mark.parametrize(
    ("mode", "content", "text"),
    [
        (0o644, "#!/bin/sh\n", "Permission denied"),
        (0o755, "no interpreter", "Exec format error"),
        (0o755, "#!/nonesuch\n", "No such file or directory"),
    ],
)
def test_why_it_cannot_be_executed(box: Box, mode: int, content: str, text: str) -> None:
    file = box.rootfs / "bin/tool"
    file.write_text(content)
    file.chmod(mode)
    with pytest.raises(StartError, match=f'cannot start command "tool" along PATH .*: {text}'):
        box.run("tool")


def test_a_limit_beyond_ones_rights_is_named() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    entry = {"type": "RLIMIT_NOFILE", "soft": 1 << 31, "hard": 1 << 31}
    plan = plan_of({"process": {"args": ["x"], "rlimits": [entry]}}, "/")
    with pytest.raises(StartError, match=f"RLIMIT_NOFILE .* the hard limit here is {hard}"):
        command.set_rlimits(plan)
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] == hard
