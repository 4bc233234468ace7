"""Children to try the kernel in: what a test does to its namespaces and rights must not outlive it."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

InChild = Callable[[Callable[[], object]], str]


@pytest.fixture
def in_child() -> InChild:
    """Runs a function in a forked child; its result as text, or a failure with the child's error."""

    def run(action: Callable[[], object]) -> str:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.write(write, str(action()).encode())
                code = 0
            except BaseException as error:
                os.write(write, repr(error).encode())
            finally:
                os._exit(code)
        os.close(write)
        with open(read, "rb") as file:
            text = file.read().decode()
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, text
        return text

    return run


@pytest.fixture
def as_root() -> None:
    """Skips without root."""
    if os.geteuid() != 0:
        pytest.skip("new namespaces need root")
