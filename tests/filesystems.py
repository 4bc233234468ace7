"""Real file systems of the tests' own: images on loop devices, one that does not answer, and who lives on them."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

import pytest

from runtime.linux.process import start_time

_libc = ctypes.CDLL(None, use_errno=True)
_FORCE_DETACH = 1 | 2


# Kinds of file system with project quotas, sizes and options of their making: the kernel of tests/under-cgroup2 has them.
PROJECTS = [
    pytest.param("ext4", 64 << 20, ("-O", "project,quota", "-E", "quotatype=prjquota"), id="ext4"),
    pytest.param("xfs", 320 << 20, (), id="xfs"),
]


def want_project_quotas() -> None:
    """Load what that kernel has as modules; the test is skipped without setquota."""
    if shutil.which("setquota") is None:
        pytest.skip("needs setquota (package quota)")
    for name in ("loop", "quota_v2"):
        subprocess.run(["modprobe", "-q", "-d", "/run/modules", name], check=False, capture_output=True)


def set_project(descriptor: int, project: int) -> None:
    """Give an empty directory to a project, and what will be made in it (FS_IOC_FSSETXATTR)."""
    attributes = struct.pack("=5I8x", 0x200, 0, 0, project, 0)
    fcntl.ioctl(descriptor, (1 << 30) | (28 << 16) | (ord("X") << 8) | 32, attributes)


@contextlib.contextmanager
def image(
    directory: pathlib.Path, kind: str, *, size: int, options: str = "", make: Sequence[str] = ()
) -> Iterator[pathlib.Path]:
    """A file system of this kind on a loop device, mounted below `directory`; the test is skipped without the means."""
    if os.geteuid() != 0 or shutil.which(f"mkfs.{kind}") is None:
        pytest.skip(f"needs root and mkfs.{kind}")
    file, target = directory / f"{kind}.image", directory / kind
    with open(file, "wb") as content:
        content.truncate(size)
    target.mkdir()
    _run(f"mkfs.{kind}", "-q", *make, str(file))
    _run("mount", "-t", kind, "-o", ",".join(filter(None, ("loop", options))), str(file), str(target))
    try:
        yield target
    finally:
        _run("umount", str(target))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.skip(f"{' '.join(command[:-2])}: {done.stderr.partition(chr(10))[0][-80:]}")


class Mute:
    """A FUSE file system, an empty directory, that answers everything but how full it is.

    `speak` lets it answer that, too; `close` takes it away, which ends whoever waits for it. Source: fuse(4),
    linux/fuse.h.
    """

    def __init__(self, target: pathlib.Path) -> None:
        if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
            pytest.skip("needs root and /dev/fuse")
        self.target = target
        self.asked = threading.Event()
        self._speaks = False
        self._waiting: list[int] = []
        self._lock = threading.Lock()
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = b"fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other" % self._device
        if _libc.mount(b"mute", os.fsencode(target), b"fuse", 0, options) != 0:
            os.close(self._device)
            pytest.skip(f"cannot mount FUSE: {os.strerror(ctypes.get_errno())}")
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def speak(self) -> None:
        """Answer whoever asked how full it is, and who will."""
        with self._lock:
            self._speaks = True
            for unique in self._waiting:
                self._tell_space(unique)

    def close(self) -> None:
        """Unmount it; calls under way fail. Where it is bound elsewhere it is dead from now on."""
        _libc.umount2(os.fsencode(self.target), _FORCE_DETACH)
        self._thread.join(10)
        os.close(self._device)

    def _serve(self) -> None:
        while True:
            try:
                request = os.read(self._device, 1 << 17)
            except OSError:
                return
            _, operation, unique = struct.unpack_from("=IIQ", request)
            self._answer(operation, unique, request[40:])

    def _answer(self, operation: int, unique: int, body: bytes) -> None:
        if operation == 26:  # INIT
            self._reply(
                unique, struct.pack("=IIIIHHI40x", 7, 31, *struct.unpack_from("=I", body, 8), 0, 12, 10, 4096)
            )
        elif operation in (3, 17, 27, 28, 29):
            self._known(operation, unique)
        elif operation not in (2, 36, 42):  # FORGET, INTERRUPT and BATCH_FORGET want no answer
            self._reply(unique, b"", -38)

    def _known(self, operation: int, unique: int) -> None:
        if operation == 3:  # GETATTR: an empty directory
            attributes = struct.pack("=6Q10I", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
            self._reply(unique, struct.pack("=QII", 1, 0, 0) + attributes)
        elif operation == 27:  # OPENDIR
            self._reply(unique, struct.pack("=QII", 0, 0, 0))
        elif operation in (28, 29):  # READDIR, RELEASEDIR
            self._reply(unique, b"")
        else:  # STATFS
            with self._lock:
                self.asked.set()
                self._tell_space(unique) if self._speaks else self._waiting.append(unique)

    def _tell_space(self, unique: int) -> None:
        self._reply(unique, struct.pack("=5Q4I24x", 1000, 400, 400, 50, 20, 4096, 255, 4096, 0))

    def _reply(self, unique: int, body: bytes, error: int = 0) -> None:
        with contextlib.suppress(OSError):
            os.write(self._device, struct.pack("=IiQ", 16 + len(body), error, unique) + body)


# Mounts an overlay, binds directories into it, makes it its root and waits.
_RESIDENT = """
import ctypes, json, os, sys
lower, upper, work, root, binds = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
def mount(source, target, kind, flags, options=""):
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, options.encode()):
        sys.exit(f"mount {source} {target}: {os.strerror(ctypes.get_errno())}")
libc.unshare(0x20000)
mount("none", "/", "", 0x4000 | 0x40000)
mount("overlay", root, "overlay", 0, f"lowerdir={lower},upperdir={upper},workdir={work}") if upper else mount(lower, root, "", 0x1000)
for source, target in binds:
    os.makedirs(root + target, exist_ok=True)
    if source.startswith("tmpfs"): mount("tmpfs", root + target, "tmpfs", 0, source.partition(" ")[2])
    else: mount(source, root + target, "", 0x1000 | 0x4000)
os.chroot(root)
os.chdir("/")
print("ready", flush=True)
sys.stdin.read()
"""


class Resident:
    """A process whose root is an overlay, or with no `upper` a bind of `lower`, with further directories bound into it.

    `binds` are pairs of source and target; a source may be `tmpfs size=1m`.
    """

    def __init__(
        self,
        directory: pathlib.Path,
        *,
        binds: Sequence[tuple[str, str]] = (),
        upper: pathlib.Path | None = None,
        lower: pathlib.Path | None = None,
    ) -> None:
        if os.geteuid() != 0:
            pytest.skip("needs root to mount")
        self.lower = lower or directory / "lower"
        overlay = lower is None
        self.upper = (upper or directory / "upper") if overlay else None
        root = directory / "merged"
        for one in (self.lower, root):
            one.mkdir(exist_ok=True)
        if self.upper is not None:
            self.upper.mkdir(exist_ok=True, parents=True)
            (self.upper.parent / "work").mkdir(exist_ok=True)
        work = str(self.upper.parent / "work") if self.upper is not None else ""
        arguments = [str(self.lower), str(self.upper or ""), work, str(root), list(binds)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RESIDENT, json.dumps(arguments)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert self._process.stdout is not None and self._process.stderr is not None
        if self._process.stdout.readline() != b"ready\n":
            pytest.skip(self._process.stderr.read().decode().strip())
        self.pid = self._process.pid
        self.start = start_time(self.pid)

    def close(self) -> None:
        """End it, and its mounts with it."""
        self._process.kill()
        self._process.communicate()
