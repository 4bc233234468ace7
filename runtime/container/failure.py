"""Why a container did not start, and how the half-made container tells its monitor."""

from __future__ import annotations

import errno
import os

from runtime.linux.errors import DeckwatchError

LIMIT = 4096


class StartError(DeckwatchError):
    """A container did not start: `stage` says at which step, `errno` is the kernel's answer (0: none)."""

    def __init__(self, stage: str, code: int, text: str) -> None:
        super().__init__(text)
        self.stage = stage
        self.errno = code


def remedy(code: int) -> str:
    """What helps against an errno of the start path, to be put behind a message; empty when unknown."""
    return {
        errno.ENOSYS: "; this kernel is too old, 5.14 or newer is needed",
        errno.EROFS: "; in a read-only root the mount point has to exist already",
        errno.ENOSPC: "; raise the sysctls user.max_*_namespaces, or free space",
    }.get(code, "")


def to_bytes(stage: str, error: BaseException) -> bytes:
    """One failure as it goes over the pipe: stage, errno and text, NUL between them."""
    if isinstance(error, StartError):
        stage, code, text = error.stage, error.errno, str(error)
    elif isinstance(error, OSError):
        code = error.errno or 0
        on = f" {os.fsdecode(error.filename)}" if error.filename else ""
        text = f"cannot start the container: {stage}{on}: {os.strerror(code)}{remedy(code)}"
    else:
        code, text = 0, f"cannot start the container: {stage}: {error!r}"
    raw = f"{stage}\0{code}\0{text}".encode("utf-8", "surrogateescape")
    return raw[:LIMIT]


def from_bytes(raw: bytes) -> StartError:
    """The failure that `to_bytes` wrote."""
    stage, code, text = raw.decode("utf-8", "replace").split("\0", 2)
    return StartError(stage, int(code), text.replace("\n", " "))
