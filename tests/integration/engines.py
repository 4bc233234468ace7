"""Real engines of the tests' own: private directories, sockets, bridges and cgroups, and nothing left behind."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from runtime.linux import mountinfo

Engine = TypeVar("Engine")

IMAGE = "deckwatch-test:1"
BUSYBOX = "/bin/busybox"
APPLETS = (
    "sh",
    "sleep",
    "true",
    "false",
    "dd",
    "cat",
    "yes",
    "seq",
    "awk",
    "head",
    "echo",
    "nc",
    "wget",
    "kill",
)


class Missing(Exception):
    """What a test needs is not here; the text says what."""


def wait_until(condition: Callable[[], object], what: str, limit: float = 30.0) -> None:
    """Return once a condition holds; an assertion names what did not come in time."""
    deadline = time.monotonic() + limit
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not come within {limit:g} s"
        time.sleep(0.02)


def require(*binaries: str) -> None:
    """Raise Missing without root or without one of these programs."""
    if os.geteuid() != 0:
        raise Missing("needs root to start an engine")
    for binary in binaries:
        if shutil.which(binary) is None:
            raise Missing(f"{binary} is not installed; tests/install-engines installs it")


class Dockerd:
    """A Docker engine with its own data, socket, bridge and cgroup parent.

    Containers survive its restarts (live restore). Its data lies in memory, because each container costs it
    several writes that wait for the disk. `stop` removes all containers and whatever else it made.
    """

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix=f"dwd-{os.getpid()}-", dir="/tmp")
        tag = os.path.basename(self.directory).removeprefix("dwd-").lower().replace("_", "x")
        self.socket = f"{self.directory}/docker.sock"
        self.bridge = f"dwb{tag}"[:15]
        self.cgroup_parent = f"/deckwatch-test-{tag}"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.directory,
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": f"{self.directory}/config",
        }

    def start(self) -> None:
        """Make bridge, data and image, start the engine, wait until it answers."""
        make_bridge(self.bridge, f"10.{random.randrange(200, 250)}.{random.randrange(256)}.1/24")
        make_memory(f"{self.directory}/memory")
        self.start_engine()
        self.docker(
            "import", "-c", 'CMD ["/bin/sh"]', "-c", "ENV PATH=/bin", "-", IMAGE, stdin=root_file_system()
        )

    def start_engine(self) -> None:
        """Start dockerd, also again after `stop_engine`."""
        with open(f"{self.directory}/dockerd.log", "ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    *(
                        "--data-root",
                        f"{self.directory}/memory/data",
                        "--exec-root",
                        f"{self.directory}/memory/exec",
                    ),
                    *("--host", f"unix://{self.socket}", "--pidfile", f"{self.directory}/pid"),
                    *("--bridge", self.bridge, "--iptables=false", "--ip-masq=false", "--ip-forward=false"),
                    *("--cgroup-parent", self.cgroup_parent, "--exec-opt", "native.cgroupdriver=cgroupfs"),
                    *("--live-restore", "--log-level", "warn"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._answers, "an answer of dockerd", 60)

    def stop_engine(self) -> None:
        """Stop dockerd and its containerd; containers go on."""
        process, self._process = self._process, None
        if process is not None:
            end(process)

    def docker(self, *arguments: str, check: bool = True, stdin: bytes = b"", timeout: float = 90) -> str:
        """Run the docker command line against this engine; its standard output without the last newline."""
        return (
            self.docker_bytes(*arguments, check=check, stdin=stdin, timeout=timeout)[0].decode().rstrip("\n")
        )

    def docker_bytes(
        self, *arguments: str, check: bool = True, stdin: bytes = b"", timeout: float = 90
    ) -> tuple[bytes, bytes]:
        """The same, as the bytes of standard output and of standard error."""
        done = subprocess.run(
            ["docker", *arguments],
            input=stdin,
            capture_output=True,
            env=self._environment,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"docker {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout, done.stderr

    def run(self, *arguments: str) -> str:
        """`docker run -d` of the test image with these options, or `OPTIONS -- COMMAND`; the container's id."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        return self.docker("run", "-d", *arguments[:at], IMAGE, *arguments[at + 1 :])

    def remove_all(self) -> None:
        """Remove every container of this engine."""
        ids = self.docker("ps", "-aq").split()
        for begin in range(0, len(ids), 100):
            self.docker("rm", "-f", *ids[begin : begin + 100], check=False)

    def stop(self) -> None:
        """Remove containers, engine, mounts, bridge, cgroups and files."""
        try:
            if self._process is None:
                self.start_engine()
            self.remove_all()
        finally:
            self.stop_engine()
            clear_away(self.directory, self.bridge, self.cgroup_parent)

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            with open(f"{self.directory}/dockerd.log", encoding="utf-8", errors="replace") as log:
                raise Missing(f"dockerd does not start here: {log.read()[-500:]}")
        done = subprocess.run(
            ["docker", "version"], capture_output=True, env=self._environment, timeout=30, check=False
        )
        return done.returncode == 0


def dockerd() -> Iterator[Dockerd]:
    """An engine for the length of a session; raises Missing where none can be had."""
    require("dockerd", "containerd", "docker", "runc", "ip")
    if not os.path.exists(BUSYBOX):
        raise Missing("busybox-static is not installed; tests/install-engines installs it")
    engine = Dockerd()
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


def or_skip(starting: Iterator[Engine]) -> Iterator[Engine]:
    """The body of a fixture: an engine from its start to its end, or a skip that says what is missing."""
    try:
        engine = next(starting)
    except Missing as missing:
        pytest.skip(str(missing))
    yield engine
    next(starting, None)


def make_bridge(name: str, address: str) -> None:
    """Make a bridge with an address (`10.1.2.1/24`)."""
    command("ip", "link", "add", "name", name, "type", "bridge")
    command("ip", "address", "add", address, "dev", name)
    command("ip", "link", "set", name, "up")


def make_memory(directory: str) -> None:
    """Make a directory whose files lie in memory."""
    os.mkdir(directory)
    command("mount", "-t", "tmpfs", "-o", "mode=0711", "tmpfs", directory)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and make it when it does not."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def clear_away(directory: str, bridge: str, cgroup_parent: str) -> None:
    """Remove what an engine left when it has ended: mounts, bridge, cgroups and files."""
    unmount_below(directory)
    command("ip", "link", "delete", bridge, check=False)
    remove_cgroups(cgroup_parent)
    shutil.rmtree(directory, ignore_errors=True)


def cgroup_directories(path: str) -> list[str]:
    """Directories of one cgroup path in every mounted hierarchy."""
    mounts = [mount for mount in mountinfo.read() if mount.fs_type in ("cgroup", "cgroup2")]
    found = [mount.target + path for mount in mounts if mount.root == "/"]
    return [directory for directory in found if os.path.isdir(directory)]


def remove_cgroups(path: str) -> None:
    """Remove a cgroup and all below it, in every hierarchy; they must be empty of processes."""
    for top in cgroup_directories(path):
        for directory, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(directory)


def disk_of(path: str) -> str | None:
    """The whole disk that a directory lies on, as `/dev/vda`; None when it is on none."""
    device = os.stat(path).st_dev
    entry = f"/sys/dev/block/{os.major(device)}:{os.minor(device)}"
    if not os.path.exists(entry):
        return None
    entry = os.path.realpath(entry)
    disk = os.path.dirname(entry) if os.path.exists(f"{entry}/partition") else entry
    return f"/dev/{os.path.basename(disk)}"


def unmount_below(directory: str) -> None:
    """Unmount everything at or below a directory, the innermost first."""
    targets = [mount.target for mount in mountinfo.read() if mount.target.startswith(directory + "/")]
    for target in reversed(targets):
        command("umount", "--lazy", target, check=False)


def command(*words: str, check: bool = True) -> None:
    """Run a program of the host's; with `check` raises Missing when it fails."""
    done = subprocess.run(words, capture_output=True, timeout=30, check=False)
    if check and done.returncode != 0:
        raise Missing(f"{' '.join(words)}: {done.stderr.decode().strip()}")


def root_file_system() -> bytes:
    """A root file system of busybox alone, as a tar."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, mode in (("bin", 0o755), ("tmp", 0o1777)):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, mode
            tar.addfile(directory)
        tar.add(BUSYBOX, "bin/busybox")
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return content.getvalue()
