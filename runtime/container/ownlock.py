"""The lock by which a replica has one monitor at a time."""

from __future__ import annotations

import fcntl
import os
import time

from runtime.linux.errors import DeckwatchError

WAIT = 0.5
PAUSE = 0.002


class Taken(DeckwatchError):
    """Another monitor holds this replica."""


def take_lock(directory: str) -> int:
    """Descriptor of a lock of this process alone (children do not inherit it), held until it dies.

    Taken after a moment's wait: the monitor of the run before may still be about to leave.
    """
    lock = os.open(f"{directory}/lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise Taken(f"another monitor holds {directory}; ask it, or end it first") from None
        time.sleep(PAUSE)
