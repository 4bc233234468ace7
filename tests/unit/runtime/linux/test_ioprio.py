"""A thread that waits for everybody else."""

from __future__ import annotations

import os
import threading

import pytest

from runtime.linux import ioprio, waiting

_GET = {"x86_64": 252, "aarch64": 31}


def test_only_the_thread_that_asks_is_idle() -> None:
    number = _GET.get(os.uname().machine)
    if number is None:
        pytest.skip("the number of ioprio_get is not known here")
    found: list[int] = []

    def work() -> None:
        ioprio.be_idle()
        found.append(waiting.syscall(number, 1, 0, 0) >> 13)
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=work)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    thread.start()
    thread.join(10)
    assert found == [3, 19]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
