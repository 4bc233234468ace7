"""Descriptors closed, or marked, from a number on."""

from __future__ import annotations

import os
from collections.abc import Callable

from runtime.linux import descriptors

InChild = Callable[[Callable[[], object]], str]


def test_close_from() -> None:
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        for fd in (100, 200):
            os.dup2(write, fd)
        descriptors.close_from(150)
        os._exit(os.path.exists("/proc/self/fd/100") * 2 + os.path.exists("/proc/self/fd/200"))
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
    os.close(read)
    os.close(write)


def test_close_on_exec_from(in_child: InChild) -> None:
    def action() -> list[bool]:
        read, write = os.pipe()
        for fd in (read, write):
            os.set_inheritable(fd, True)
        descriptors.close_on_exec_from(max(read, write))
        return [os.get_inheritable(fd) for fd in sorted((read, write))]

    assert in_child(action) == "[True, False]"
