"""System calls that let go of the interpreter lock."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import struct
import threading

import pytest

from runtime.linux import waiting

_FIONREAD = 0x541B
_FLOCK = {"x86_64": 73, "aarch64": 32}


def test_an_ioctl_writes_into_its_buffer() -> None:
    read, write = os.pipe()
    try:
        os.write(write, b"four")
        buffer = ctypes.create_string_buffer(8)
        assert waiting.ioctl(read, _FIONREAD, buffer) == 0
        assert struct.unpack_from("=i", buffer) == (4,)
    finally:
        os.close(read)
        os.close(write)


def test_what_the_kernel_refuses_is_an_error_with_its_number() -> None:
    with pytest.raises(OSError) as refused:
        waiting.ioctl(-1, _FIONREAD, ctypes.create_string_buffer(8))
    assert refused.value.errno == errno.EBADF
    with pytest.raises(OSError) as refused:
        waiting.syscall(-1, 0, 0, 0)
    assert refused.value.errno == errno.ENOSYS


def test_others_run_while_a_call_waits(tmp_path: object) -> None:
    """A call that waits for a lock comes back only if the thread that holds it can run."""
    number = _FLOCK.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of flock is not known here")
    held, wanted = (os.open(f"{tmp_path}/lock", os.O_CREAT | os.O_RDWR) for _ in range(2))
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        letting_go = threading.Timer(0.1, fcntl.flock, (held, fcntl.LOCK_UN))
        letting_go.start()
        assert waiting.syscall(number, wanted, fcntl.LOCK_EX, 0) == 0
        letting_go.join(5)
    finally:
        os.close(held)
        os.close(wanted)
