"""Compression of rotated logs, in a niced child so that capturing never waits for it."""

from __future__ import annotations

import os
import zlib

GZIP = 16 + zlib.MAX_WBITS
LEVEL = 6
STEP = 65536


def compress(path: str) -> None:
    """Replace `path` by `path.gz`: a reader sees the plain file, both, or the whole compressed one."""
    temporary = f"{path}.{os.getpid()}.tmp"
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, GZIP)
    try:
        with open(path, "rb", 0) as source, open(temporary, "xb", 0) as target:
            os.fchmod(target.fileno(), 0o640)
            while data := source.read(STEP):
                target.write(packer.compress(data))
            target.write(packer.flush())
            os.fsync(target.fileno())
        os.rename(temporary, f"{path}.gz")
        os.unlink(path)
    except OSError:
        # Full disk, or another one was quicker: the plain file is as good, and is tried again later.
        try:
            os.unlink(temporary)
        except FileNotFoundError:
            pass


def compress_in_child(path: str) -> int:
    """Start compressing in a child of lowest priority; its pid, to be waited for."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.nice(19)
        # The FIFOs and sockets of the parent must close with the parent.
        os.closerange(3, 4096)
        compress(path)
    finally:
        os._exit(0)
