"""Reads small kernel files, fast alone and steady beside other threads.

Between a system call and its answer Python lets go of the interpreter lock, and a busy thread gives it
back only after its switch interval, 5 ms: 14,000 reads then take half a minute. The same calls made
through ctypes.PyDLL keep the lock but cost about 0.7 µs more each. So a reader starts with the cheap
calls, and once a reading has stalled it keeps the lock for a while.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
from collections.abc import Callable, Sequence

# (kept descriptor or -1, directory descriptor or -1, name in the directory): a file that is not there
# has neither.
Source = tuple[int, int, bytes]
ABSENT: Source = (-1, -1, b"")

# What a file answers when its cgroup, or the controller in it, is gone.
GONE = frozenset((errno.ENOENT, errno.ENODEV, errno.ESRCH, errno.ENOTDIR))

_FLAGS = os.O_RDONLY | os.O_CLOEXEC
_SIZE = 65536
# What most files fit into: a larger buffer is made for nothing, and thrown away.
_PAGE = 4096
# Files of many records (cgroup.procs, net/dev) come a page at a time at most.
_MAYBE_MORE = _PAGE - 256
STALLED = 0.003
_WAITS = 2
_KEEP_LOCK = 60.0

_libc = ctypes.PyDLL(None, use_errno=True)
_pread = _libc.pread
_pread.argtypes = (ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long)
_pread.restype = ctypes.c_ssize_t
_openat = _libc.openat
_openat.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int)
_openat.restype = ctypes.c_int
_close = _libc.close
_close.argtypes = (ctypes.c_int,)


class Reader:
    """Contents of files, one call for the few files that belong together."""

    def __init__(self) -> None:
        self._buffer = ctypes.create_string_buffer(_SIZE)
        self._address = ctypes.addressof(self._buffer)
        self._view = memoryview(self._buffer).cast("B")
        self._lock_kept_until = 0.0
        self._switches = 0
        self.stalls = 0
        self.contents: Callable[[Sequence[Source]], list[bytes]] = contents

    def stalled(self, now: float) -> None:
        """Tell that a handful of reads took longer than STALLED.

        That may as well be another process that had the CPU; but only waiting for the lock makes this
        thread give the CPU away of its own accord, for these files never sleep.
        """
        switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw
        if switches - self._switches >= _WAITS:
            self.stalls += 1
            self._lock_kept_until = now + _KEEP_LOCK
            self.contents = self.contents_keeping_lock
        self._switches = switches

    def begin(self) -> None:
        """Note that reading begins anew after this thread has waited for something else."""
        self._switches = resource.getrusage(resource.RUSAGE_THREAD).ru_nvcsw

    def settle(self, now: float) -> None:
        """Go back to the cheap calls when nothing has stalled for a while; `now` is on the caller's clock."""
        if self._lock_kept_until and now > self._lock_kept_until:
            self._lock_kept_until = 0.0
            self.contents = contents

    def present(self, sources: Sequence[Source]) -> list[bytes]:
        """As `contents`, with b"" for a file that does not exist."""
        found = []
        for source in sources:
            try:
                found += self.contents((source,))
            except OSError as error:
                if error.errno not in GONE:
                    raise
                found.append(b"")
        return found

    def contents_keeping_lock(self, sources: Sequence[Source]) -> list[bytes]:
        """As `contents`, but no other thread runs meanwhile."""
        found = []
        for kept, directory, name in sources:
            if kept >= 0:
                found.append(self._whole(kept))
            elif directory >= 0:
                opened = _openat(directory, name, _FLAGS)
                if opened < 0:
                    raise _error(name)
                try:
                    found.append(self._whole(opened))
                finally:
                    _close(opened)
            else:
                found.append(b"")
        return found

    def _whole(self, descriptor: int) -> bytes:
        length = _pread(descriptor, self._address, _SIZE, 0)
        if length < 0:
            if ctypes.get_errno() == errno.EOPNOTSUPP:
                return b""
            raise _error(b"")
        content = self._view[:length].tobytes()
        while length > _MAYBE_MORE:
            length = _pread(descriptor, self._address, _SIZE, len(content))
            if length <= 0:
                break
            content += self._view[:length].tobytes()
            length = _SIZE
        return content


def contents(sources: Sequence[Source]) -> list[bytes]:
    """What each file holds now, b"" for one that is not there or does not apply to its cgroup.

    Raises OSError: with an errno of GONE when the cgroup has ended.
    """
    found = []
    pread = os.pread
    for kept, directory, name in sources:
        if kept >= 0:
            try:
                content = pread(kept, _PAGE, 0)
            except OSError as error:
                content = _refused(error)
            found.append(content if len(content) < _MAYBE_MORE else _rest(kept, content))
        elif directory >= 0:
            opened = os.open(name, _FLAGS, dir_fd=directory)
            try:
                content = os.read(opened, _PAGE)
                found.append(content if len(content) < _MAYBE_MORE else _rest(opened, content))
            except OSError as error:
                found.append(_refused(error))
            finally:
                os.close(opened)
        else:
            found.append(b"")
    return found


def _refused(error: OSError) -> bytes:
    """Nothing, when the file does not apply here (cgroup.procs of a threaded cgroup, PSI switched off)."""
    if error.errno != errno.EOPNOTSUPP:
        raise error
    return b""


def _rest(descriptor: int, content: bytes) -> bytes:
    while more := os.pread(descriptor, _SIZE, len(content)):
        content += more
    return content


def _error(name: bytes) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, os.strerror(number), os.fsdecode(name))


class Descriptors:
    """How many descriptors may be kept open, and how many are.

    The default leaves room for everything else in the process: half of a small limit on open files,
    three quarters of a large one.
    """

    def __init__(self, budget: int | None = None) -> None:
        if budget is None:
            limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
            budget = limit - max(512, limit // 4) if limit != resource.RLIM_INFINITY else 1 << 20
        self.budget = max(0, budget)
        self.kept = 0

    def take(self, count: int) -> bool:
        """Take so many of the budget; False, and nothing taken, when they are not left."""
        if self.kept + count > self.budget:
            return False
        self.kept += count
        return True

    def give_back(self, count: int) -> None:
        """Return descriptors that were closed."""
        self.kept -= count
