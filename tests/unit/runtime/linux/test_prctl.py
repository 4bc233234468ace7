"""Each switch shows in the child's /proc/self."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable

import pytest

from runtime.linux import prctl

InChild = Callable[[Callable[[], object]], str]


def status(key: str) -> str:
    """One line of this process's status."""
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(line.split(":", 1)[1].strip() for line in lines if line.startswith(f"{key}:"))


def test_dumpable(in_child: InChild) -> None:
    def action() -> tuple[bool, bool]:
        prctl.set_dumpable(False)
        before = prctl.dumpable()
        prctl.set_dumpable(True)
        return before, prctl.dumpable()

    assert in_child(action) == "(False, True)"


def test_no_new_privs(in_child: InChild) -> None:
    def action() -> str:
        prctl.set_no_new_privs()
        return status("NoNewPrivs")

    assert in_child(action) == "1"


def test_name_is_cut(in_child: InChild) -> None:
    def action() -> str:
        prctl.set_name("a-name-of-twenty-ch")
        return status("Name")

    assert in_child(action) == "a-name-of-twent"


def test_subreaper_collects_orphans(in_child: InChild) -> None:
    def action() -> bool:
        prctl.set_child_subreaper()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            grandchild = os.fork()
            if grandchild == 0:
                os.read(read, 1)
                os._exit(9)
            os._exit(0)
        os.waitpid(child, 0)
        os.write(write, b"x")
        return os.waitstatus_to_exitcode(os.waitpid(-1, 0)[1]) == 9

    assert in_child(action) == "True"


@pytest.mark.root
@pytest.mark.usefixtures("as_root")
def test_keep_capabilities_across_a_change_of_user(in_child: InChild) -> None:
    def action() -> bool:
        prctl.set_keep_capabilities(True)
        os.setresuid(65534, 65534, 65534)
        return int(status("CapPrm"), 16) != 0

    assert in_child(action) == "True"
