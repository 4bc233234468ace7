"""What the monitor hands to the half-made container, where it stands there, and the step under way."""

from __future__ import annotations

import fcntl
import os
from typing import NamedTuple

from runtime.container.failure import StartError
from runtime.linux import descriptors

# Where the few descriptors that the child keeps stand; everything else is closed at once.
REPORT = 3
SYNC = 4
STATUS = 5
PEER = 6
FREE = 7


class Descriptors(NamedTuple):
    """Standard streams, report pipe, sync socket and status record (-1: none), as the monitor numbers them."""

    stdin: int
    stdout: int
    stderr: int
    report: int
    sync: int
    status: int


class Stage:
    """The step that is under way, for the report of a failure."""

    name = "fork"


def keep_only(handed: Descriptors) -> None:
    """Move the handed descriptors to their places and close all others.

    A place without one is taken too, so that nothing opened later stands there by chance.
    """
    wanted = (*handed, -1)
    high = [fcntl.fcntl(fd if fd >= 0 else handed.sync, fcntl.F_DUPFD, 64) for fd in wanted]
    for place, fd in enumerate(high):
        os.dup2(fd, place, inheritable=place < REPORT)
    descriptors.close_from(FREE)


def hear(descriptor: int, word: bytes) -> None:
    """Wait for a word of the other side; when it is gone there is nothing to live for."""
    heard = os.read(descriptor, 1)
    if heard != word:
        raise StartError(Stage.name, 0, f"start was given up at {Stage.name}: the other side is gone")
