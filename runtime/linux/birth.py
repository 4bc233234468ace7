"""When a file or directory was made, which the file system remembers for as long as it is there."""

from __future__ import annotations

import ctypes
import os
import struct

_LIBC = ctypes.CDLL(None, use_errno=True)
_AT_FDCWD = -100
_AT_SYMLINK_NOFOLLOW = 0x100
# struct statx of statx(2): what was filled in stands at its beginning, the birth as seconds and nanoseconds at 80.
_STATX_BTIME = 0x800
_SIZE = 256
_BIRTH = struct.Struct("=qI")
_BIRTH_AT = 80


def birth(path: str) -> float | None:
    """Seconds since the epoch; None where the file system does not tell, and when there is no such file.

    Not for the event loop where the path may lie on a network. Source: statx(2).
    """
    if not hasattr(_LIBC, "statx"):
        return None
    buffer = ctypes.create_string_buffer(_SIZE)
    if _LIBC.statx(_AT_FDCWD, os.fsencode(path), _AT_SYMLINK_NOFOLLOW, _STATX_BTIME, buffer) != 0:
        return None
    (filled,) = struct.unpack_from("=I", buffer)
    seconds, nanoseconds = _BIRTH.unpack_from(buffer, _BIRTH_AT)
    # Some file systems fill in a birth that they do not know.
    return seconds + nanoseconds / 1e9 if filled & _STATX_BTIME and seconds > 0 else None
