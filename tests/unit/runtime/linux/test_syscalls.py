"""System calls by number: results, and errors with the kernel's errno."""

from __future__ import annotations

import errno
import os

import pytest

from runtime.linux import syscalls
from runtime.linux.errors import NotSupported

GETPPID = {"x86_64": 110, "aarch64": 173}


def test_result_is_the_kernels() -> None:
    assert syscalls.syscall(GETPPID[os.uname().machine]) == os.getppid()


def test_error_carries_errno() -> None:
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        syscalls.syscall(syscalls.FSMOUNT, -1)
    assert caught.value.errno == errno.EBADF


def test_older_numbers_are_known_here() -> None:
    assert syscalls.number("unshare") > 0
    with pytest.raises(NotSupported, match="engine: runc"):
        syscalls.number("nonesuch")
