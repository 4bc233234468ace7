"""The least urgent place in every queue, for a thread that has all the time in the world.

Source: ioprio_set(2), getpriority(2): on Linux both are of one thread.
"""

from __future__ import annotations

import contextlib
import os
import threading

from runtime.linux import waiting

_NUMBERS = {"x86_64": 251, "aarch64": 30}
_PROCESS = 1
_IDLE = 3 << 13
_NICEST = 19


def be_idle() -> None:
    """Let this thread's disk and processor wait for everybody else's, as far as the kernel can.

    On an architecture whose call is not known the disk's queue stays as it is.
    """
    number = _NUMBERS.get(os.uname().machine)
    with contextlib.suppress(OSError):
        if number is not None:
            waiting.syscall(number, _PROCESS, 0, _IDLE)
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICEST)
