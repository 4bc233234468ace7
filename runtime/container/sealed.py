"""Starting the zygote from a sealed copy of the interpreter, so that no container can reach the host's own.

A process in a container may find its runtime through /proc/PID/exe and overwrite it (CVE-2019-5736). Root
runs the interpreter through a detached, read-only overlay that nothing can unwrap and that costs no memory;
others through a sealed memory file. Either is executed by descriptor, with argv[0] naming the real
interpreter, from which it finds its library.
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable, Sequence

from runtime.linux.descriptors import close_on_exec_from
from runtime.linux.errors import DeckwatchError
from runtime.linux.mounts import RDONLY, filesystem

SERVE = "import sys; sys.path.insert(0, sys.argv[1]); from runtime.container import zygote; zygote.main(sys.argv[2:])"
LAUNCH = (
    "import sys; sys.path.insert(0, sys.argv[1]); from runtime.container import sealed; sealed.main(sys.argv)"
)
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "MALLOC_ARENA_MAX": "1"}
SEALS = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


def overlay_copy(python: str) -> int:
    """Descriptor of the interpreter seen through a detached overlay that has no upper directory."""
    directory, name = os.path.split(python)
    if set(directory) & set(":,\\"):
        raise OSError(f"an overlay cannot be made of {directory}")
    # Without an upper directory the kernel wants two lower ones that differ; the second is not used.
    other = "/usr/sbin" if directory == "/usr/bin" else "/usr/bin"
    mount = filesystem("overlay", [("lowerdir", f"{directory}:{other}")], RDONLY)
    try:
        return os.open(name, os.O_PATH | os.O_CLOEXEC, dir_fd=mount)
    finally:
        os.close(mount)


def memory_copy(python: str) -> int:
    """Descriptor of a copy of the interpreter in a memory file that nobody can change any more."""
    copy = os.memfd_create("deckwatch", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with open(python, "rb") as source:
        while os.sendfile(copy, source.fileno(), None, 1 << 20):
            pass
    fcntl.fcntl(copy, fcntl.F_ADD_SEALS, SEALS)
    return copy


def execute(copy: int, python: str, arguments: Sequence[str]) -> None:
    """Replace this process by the sealed interpreter running the zygote."""
    os.execve(copy, [python, "-I", "-S", "-c", SERVE, *arguments], ENVIRONMENT)


def detach(ready: int) -> None:
    """A session of its own, the root directory, private files, no streams, and only `ready` past execve."""
    os.setsid()
    os.chdir("/")
    os.umask(0o077)
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    close_on_exec_from(3)
    os.set_inheritable(ready, True)


def attempt(copy: Callable[[str], int], python: str, arguments: Sequence[str]) -> str:
    """Start a zygote that is nobody's child; empty when it serves, else what it died of."""
    ready, ready_write = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.fork():
                os._exit(0)
            detach(ready_write)
            execute(copy(python), python, [*arguments, str(ready_write)])
        except BaseException as error:
            os.write(ready_write, f"{error}".encode())
        finally:
            os._exit(1)
    os.close(ready_write)
    os.waitpid(child, 0)
    told = b""
    while received := os.read(ready, 4096):
        told += received
    os.close(ready)
    return "" if told == b"ready" else told.decode(errors="replace") or "it ended before it could serve"


def launch(python: str, arguments: Sequence[str]) -> None:
    """Start a zygote and return when it serves; DeckwatchError names why each way of sealing failed."""
    failures = []
    for copy in (overlay_copy, memory_copy) if os.geteuid() == 0 else (memory_copy,):
        failure = attempt(copy, python, arguments)
        if not failure:
            return
        failures.append(f"{copy.__name__}: {failure}")
    raise DeckwatchError(f"cannot start the zygote from a sealed copy of {python}: {'; '.join(failures)}")


def main(arguments: Sequence[str]) -> None:
    """Entry point of the launcher: `-c LAUNCH ROOT ARGUMENT…`, in a bare interpreter."""
    try:
        launch(os.path.realpath(sys.executable), arguments[1:])
    except DeckwatchError as error:
        sys.exit(str(error))
