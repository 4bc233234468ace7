"""Space of a file system that a program serves, asked by a process of its own.

A thread that waits for FUSE cannot even be killed while the server has its request: the process would stay, with
all its locks and listening sockets, until the server answers. Source: request_wait_answer in fs/fuse/dev.c.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys

from runtime.linux.statfs import Space

# Without site and package, so that it starts in a few milliseconds; it ends with the kernel's error number.
_PROGRAM = """
import os, sys
sys.path.insert(0, sys.argv[1])
import beneath
try:
    top = os.open(sys.argv[2], os.O_PATH)
    place = beneath.open_beneath(top, sys.argv[3], os.O_PATH)
    found = os.fstatvfs(place)
    print(beneath.mount_of(place), found.f_frsize or found.f_bsize)
    print(found.f_blocks, found.f_bfree, found.f_files, found.f_ffree)
except OSError as error:
    sys.exit(error.errno)
"""


def space(root: str, path: str, mount: int) -> Space:
    """Space of the directory `path` beneath the directory `root`, which lies on the mount of that id; may never return.

    OSError as the kernel says, or when something else is mounted there.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _PROGRAM, here, root, path],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd="/", check=False,
    )  # fmt: skip
    if done.returncode != 0:
        code = done.returncode if done.returncode > 1 else errno.EIO
        raise OSError(code, os.strerror(code), path)
    number, size, blocks, free, files, files_free = (int(field) for field in done.stdout.split())
    if number != mount:
        raise FileNotFoundError(errno.ENOENT, "is no longer mounted", path)
    return Space(blocks * size, free * size, files, files_free)
