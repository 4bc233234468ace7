"""Follows the kernel's log and tells of each process that was killed for want of memory."""

from __future__ import annotations

import asyncio
import errno
import os
import time
from collections.abc import Callable

from collectors.kernellog.oomkills import OomKill, OomKills
from collectors.kernellog.records import Record, parse

_SIZE = 8192
# The loop is held no longer than this at a time.
_SLICE = 0.004

OnKill = Callable[[OomKill], None]


class KernelLog:
    """Reads the kernel's log from its oldest record on, then as it grows, on the event loop.

    `on_kill` is called for each kill, those of before the start too. `reason` says why the log cannot be
    read, else "". `lost` counts how often records were overwritten before they were read. Needs
    CAP_SYSLOG where kernel.dmesg_restrict is set, and the host's /dev/kmsg.
    """

    def __init__(self, on_kill: OnKill, *, path: str = "/dev/kmsg") -> None:
        self._on_kill = on_kill
        self._path = path
        self._kills = OomKills()
        self._descriptor = -1
        self._caught_up = False
        self.reason = ""
        self.lost = 0

    async def run(self) -> None:
        """Read until cancelled; returns at once when the log cannot be read."""
        try:
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            more = True
            while more:
                more = self._take_in()
                await asyncio.sleep(0)
            self._caught_up = True
        except OSError as error:
            self.reason = f"{self._path}: {error.strerror}"
            self._close()
            return
        loop = asyncio.get_running_loop()
        loop.add_reader(self._descriptor, self._readable)
        try:
            await asyncio.Event().wait()
        finally:
            loop.remove_reader(self._descriptor)
            self._close()

    def catch_up(self) -> bool:
        """Take in what is there, for a few milliseconds at most; True when more is left."""
        try:
            return self._descriptor >= 0 and self._take_in()
        except OSError as error:
            self.reason = f"{self._path}: {error.strerror}"
            return False

    def _take_in(self) -> bool:
        # The kernel's clock drifts: what is written once all was read has happened just now.
        ahead = None if self._caught_up else _boot_clock_ahead()
        slice_end = time.perf_counter() + _SLICE
        while time.perf_counter() < slice_end:
            try:
                content = os.read(self._descriptor, _SIZE)
            except BlockingIOError:
                return False
            except OSError as error:
                if error.errno == errno.EPIPE:  # overwritten meanwhile: the next read goes on behind the gap
                    self.lost += 1
                    continue
                if error.errno == errno.EINVAL:  # a record larger than any kernel writes
                    continue
                raise
            if not content:
                return False
            record = parse(content)
            if record is not None and (kill := self._kills.line(record.text, _time(record, ahead))):
                self._on_kill(kill)
        return True

    def _readable(self) -> None:
        self.catch_up()
        if self.reason:
            asyncio.get_running_loop().remove_reader(self._descriptor)

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _boot_clock_ahead() -> float:
    return time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)


def _time(record: Record, ahead: float | None) -> float:
    return time.time() if ahead is None else record.clock + ahead
