"""Opening and making paths that a container chose, never leaving its root.

Everything is resolved by openat2 with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS: symlinks stay inside,
`/proc/PID/fd` links are not followed. Source: openat2(2).
"""

from __future__ import annotations

import errno
import os
import struct

from runtime.linux.syscalls import OPENAT2, syscall

RESOLVE_NO_MAGICLINKS = 0x02
RESOLVE_IN_ROOT = 0x10
_RETRIES = 32


def open_in_root(root: int, path: str, flags: int = os.O_PATH, mode: int = 0) -> int:
    """Descriptor of a path resolved as if `root` were "/"; close-on-exec; OSError when it cannot be."""
    how = struct.pack("<QQQ", flags | os.O_CLOEXEC, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
    name = os.fsencode(path) or b"/"
    for _ in range(_RETRIES):
        try:
            return syscall(OPENAT2, root, name, how, len(how))
        except OSError as error:
            # The kernel could not rule out an escape beside a rename elsewhere: ask again.
            if error.errno != errno.EAGAIN:
                raise
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN), path)


def directory_in_root(root: int, path: str, mode: int = 0o755) -> int:
    """Descriptor of a directory inside `root`, made with its parents where they are missing.

    One component at a time from a held parent, so that nobody can turn a half-made path elsewhere.
    """
    try:
        return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)
    except FileNotFoundError:
        pass
    parent_path, name = _split(path)
    parent = directory_in_root(root, parent_path, mode)
    try:
        os.mkdir(name, mode, dir_fd=parent)
    except FileExistsError:
        # A dangling symlink or somebody quicker; the open below tells which.
        pass
    finally:
        os.close(parent)
    return open_in_root(root, path, os.O_PATH | os.O_DIRECTORY)


def file_in_root(root: int, path: str, mode: int = 0o644) -> int:
    """Descriptor (O_PATH) of a file inside `root`, made empty with its parents where it is missing."""
    try:
        return open_in_root(root, path)
    except FileNotFoundError:
        pass
    parent_path, name = _split(path)
    parent = directory_in_root(root, parent_path)
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        os.close(os.open(name, flags, mode, dir_fd=parent))
    except FileExistsError:
        pass
    finally:
        os.close(parent)
    return open_in_root(root, path)


def _split(path: str) -> tuple[str, str]:
    """Parent and last component; a `..` is refused, because a missing one has no meaning."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if not parts or ".." in parts:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL), path)
    return "/" + "/".join(parts[:-1]), parts[-1]
