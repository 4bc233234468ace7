"""What the kernel accounts per process and sends over netlink: how long its tasks waited, and for what.

One request and one answer per process, whatever its number of threads; those that ended are in it. The kernel
answers while it is asked, so nothing here waits. It takes CAP_NET_ADMIN. Source: linux/taskstats.h,
Documentation/accounting/taskstats.rst and delay-accounting.rst, linux/genetlink.h, netlink(7).
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from runtime.linux.errors import NotSupported

_GENERIC = 16
_CONTROLLER = 16
_GET_FAMILY = 3
_FAMILY_ID = 1
_FAMILY_NAME = 2
_NAME = b"TASKSTATS\0"
_REQUEST = 1
_ERROR = 2
_GET = 1
_TGID = 2

# nlmsghdr (length, type, flags, sequence, port); genlmsghdr (command, version, reserved); nlattr (length, type).
_HEADER = struct.Struct("=IHHII")
_COMMAND = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")
_ASK = struct.Struct("=IHHIIBBHHHI")
_ATTRIBUTES = _HEADER.size + _COMMAND.size
# struct taskstats is nested in an attribute that holds the process's id too, and padding on some architectures.
_STATS = 3
_SHORT = struct.Struct("=H")
_RUN = struct.Struct("=Q")
_RUN_AT = 72

# Processes asked for at once.
BATCH = 16
_ANSWER = 4096
# Sequence numbers have 32 bits.
_WRAP = 1 << 31

# Total delay of each resource in nanoseconds: offset in struct taskstats, and the version that brought it.
_DELAYS = (
    ("cpu", 24, 1),
    ("blkio", 40, 1),
    ("swapin", 56, 1),
    ("freepages", 320, 7),
    ("thrashing", 336, 9),
    ("compact", 360, 11),
    ("wpcopy", 408, 13),
    ("irq", 424, 14),
)
# Linux 6.14 put new fields between the old ones; version 16 moved them to the end.
_MISPLACED = 15


class Taskstats:
    """A socket that asks for processes by pid, as this process counts them; to be closed.

    Opening it raises NotSupported with the reason where the kernel has no taskstats or does not give them to
    this process. `resources` are those whose delays this kernel tells. Requests are numbered from `sequence` on.
    """

    def __init__(self, sequence: int = 0) -> None:
        self._sequence = sequence
        self._buffer = bytearray(_ANSWER)
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _GENERIC)
        try:
            self._socket.bind((0, 0))
            self._family = self._find_family()
            self._at = self._find_stats()
            version = int(_SHORT.unpack_from(self._buffer, self._at)[0])
            if version == _MISPLACED:
                raise NotSupported("taskstats of this kernel have misplaced fields; Linux 6.16 mended them")
        except BaseException:
            self._socket.close()
            raise
        self.resources = tuple(name for name, _, since in _DELAYS if version >= since)
        self._delays = struct.Struct(_layout([at for _, at, since in _DELAYS if version >= since]))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def delays(self, pids: Sequence[int]) -> list[tuple[int, tuple[int, ...]]]:
        """Pid and nanoseconds waited for each of `resources`, of processes that are there; at most BATCH of them.

        Raises OSError: PermissionError when CAP_NET_ADMIN was taken away.
        """
        if not pids:
            return []
        first = self._ask(pids)
        told: list[tuple[int, tuple[int, ...]]] = []
        for at, pid in enumerate(pids):
            if self._answer(first + at):
                told.append((pid, self._delays.unpack_from(self._buffer, self._at)))
        return told

    def counts(self, pid: int) -> bool:
        """Whether delays of a process are counted; on kernels before 5.14, where no sysctl tells."""
        if not self._answer(self._ask((pid,))):
            return False
        return bool(_RUN.unpack_from(self._buffer, self._at + _RUN_AT)[0])

    def _ask(self, pids: Sequence[int]) -> int:
        """Sequence number of the first of as many requests as there are pids."""
        first = self._sequence + 1 if self._sequence < _WRAP else 1
        self._sequence = first + len(pids) - 1
        size, family = _ASK.size, self._family
        self._socket.send(
            b"".join(
                [
                    _ASK.pack(size, family, _REQUEST, first + at, 0, _GET, 1, 0, 8, _TGID, pid)
                    for at, pid in enumerate(pids)
                ]
            )
        )
        return first

    def _answer(self, sequence: int) -> bool:
        """Take the answer to a request into the buffer; False when it says that there is no such process."""
        while True:
            self._socket.recv_into(self._buffer, _ANSWER, socket.MSG_DONTWAIT)
            _, kind, _, told, _ = _HEADER.unpack_from(self._buffer)
            # Answers that an error left behind are passed over.
            if told == sequence:
                break
        if kind != _ERROR:
            return True
        code = -struct.unpack_from("=i", self._buffer, _HEADER.size)[0]
        if code == errno.ESRCH:
            return False
        raise OSError(code, os.strerror(code), "taskstats")

    def _find_family(self) -> int:
        name = _ATTRIBUTE.pack(_ATTRIBUTE.size + len(_NAME), _FAMILY_NAME) + _NAME + b"\0" * (-len(_NAME) % 4)
        self._sequence += 1
        header = _HEADER.pack(_ATTRIBUTES + len(name), _CONTROLLER, _REQUEST, self._sequence, 0)
        self._socket.send(header + _COMMAND.pack(_GET_FAMILY, 1, 0) + name)
        try:
            self._answer(self._sequence)
        except FileNotFoundError:
            raise NotSupported("the kernel has no taskstats; it needs CONFIG_TASKSTATS") from None
        return int(_SHORT.unpack_from(self._buffer, self._find_attribute(_ATTRIBUTES, _FAMILY_ID))[0])

    def _find_stats(self) -> int:
        """Where struct taskstats begins in an answer."""
        try:
            self._answer(self._ask((os.getpid(),)))
        except PermissionError:
            raise NotSupported(
                "taskstats are not given to this process; run as root or add CAP_NET_ADMIN"
            ) from None
        return self._find_attribute(_ATTRIBUTES + _ATTRIBUTE.size, _STATS)

    def _find_attribute(self, at: int, wanted: int) -> int:
        """Where the content of an attribute begins; `at` is where to look from in the last answer."""
        end = _HEADER.unpack_from(self._buffer)[0]
        while at < end:
            length, kind = _ATTRIBUTE.unpack_from(self._buffer, at)
            if kind == wanted:
                return at + _ATTRIBUTE.size
            at += max(_ATTRIBUTE.size, (length + 3) & ~3)
        raise NotSupported(f"the kernel answers about taskstats without attribute {wanted}")


def _layout(offsets: Sequence[int]) -> str:
    """Format of 64-bit numbers at these offsets."""
    gaps = (at - end for at, end in zip(offsets, [0, *(at + 8 for at in offsets)], strict=False))
    return "=" + "".join(f"{gap}xQ" for gap in gaps)
