"""Being on time: the end of a container has to be seen before its engine removes the cgroup.

That leaves 9 to 22 ms, less than a busy host lets an ordinary process wait for a CPU. So the threads that hold
the interpreter's lock are scheduled as real time of the lowest priority, while they wait for events; a scrape
is ordinary work. Whatever is started from here is ordinary too. Source: sched(7).
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
from collections.abc import Iterator

_PRIORITY = os.sched_param(1)
_URGENT = os.SCHED_RR | os.SCHED_RESET_ON_FORK
# RLIMIT_RTTIME of Linux, which Python does not name; in microseconds.
_RTTIME = 15
_LONGEST = 200_000


def become_urgent() -> str:
    """Let all threads of this process run before ordinary ones; the reason when the host refuses, else nothing.

    All of them, because one that is kept from the CPU while it holds the interpreter's lock keeps the others.
    """
    try:
        for thread in os.listdir("/proc/self/task"):
            with contextlib.suppress(ProcessLookupError):
                os.sched_setscheduler(int(thread), _URGENT, _PRIORITY)
    except OSError as error:
        return os.strerror(error.errno or 0)
    return ""


class Urgency:
    """Keeps all threads of this process urgent, at no cost while nothing changed."""

    def __init__(self) -> None:
        self._threads = 0

    def keep(self) -> None:
        """Make threads that came, or a main thread that had run on and on, urgent again."""
        threads = os.stat("/proc/self/task").st_nlink
        if threads != self._threads or os.sched_getscheduler(0) != _URGENT:
            become_urgent()
            self._threads = threads


def become_ordinary(thread: int = 0) -> None:
    """A thread, the calling one unless told, waits its turn like any other; allowed to everybody."""
    with contextlib.suppress(OSError):
        os.sched_setscheduler(thread, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, os.sched_param(0))


def stand_down() -> None:
    """Make all threads ordinary."""
    for thread in os.listdir("/proc/self/task"):
        become_ordinary(int(thread))


def bound_urgency() -> None:
    """Make this process ordinary when it runs on and on without waiting; to be called in the main thread.

    The kernel sends SIGXCPU after so long as real time, and its default is to end the process.
    """
    _, hard = resource.getrlimit(_RTTIME)
    signal.signal(signal.SIGXCPU, lambda *_: become_ordinary())
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(_RTTIME, (_LONGEST, hard))


@contextlib.contextmanager
def ordinary_work() -> Iterator[None]:
    """Do something that may take long as an ordinary thread, and be what one was before afterwards."""
    before = os.sched_getscheduler(0) & ~os.SCHED_RESET_ON_FORK
    if before != os.SCHED_RR:
        yield
        return
    become_ordinary()
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, _URGENT, _PRIORITY)
