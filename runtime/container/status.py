"""How the built-in init leaves its command's end behind, so that the true code survives the monitor.

One record of 16 bytes, written by a single pwrite: magic, kind, value, checksum.
"""

from __future__ import annotations

import binascii
import os
import struct

_MAGIC = b"dwst"
_EXIT = 1
_SIGNAL = 2
_BODY = struct.Struct("<4sII")
_SUM = struct.Struct("<I")
SIZE = _BODY.size + _SUM.size


def write_status(descriptor: int, *, code: int | None = None, signal: int | None = None) -> None:
    """Record that the command exited with a code, or was ended by a signal."""
    body = _BODY.pack(_MAGIC, _EXIT, code or 0) if signal is None else _BODY.pack(_MAGIC, _SIGNAL, signal)
    os.pwrite(descriptor, body + _SUM.pack(binascii.crc32(body)), 0)


def read_status(path: str) -> tuple[int | None, int | None] | None:
    """(code, None) or (None, signal) of a command that ended; None when nothing whole is recorded."""
    try:
        with open(path, "rb", buffering=0) as file:
            raw = file.read(SIZE) or b""
    except FileNotFoundError:
        return None
    if len(raw) != SIZE:
        return None
    magic, kind, value = _BODY.unpack_from(raw)
    if magic != _MAGIC or _SUM.unpack_from(raw, _BODY.size)[0] != binascii.crc32(raw[: _BODY.size]):
        return None
    return (value, None) if kind == _EXIT else (None, value)
