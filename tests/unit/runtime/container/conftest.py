"""A box to run real containers in: a busybox root file system, a cgroup of its own, nothing left behind."""

from __future__ import annotations

import itertools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from runtime.container.cgroups import ContainerCgroup
from runtime.container.create import create
from runtime.container.status import read_status
from runtime.linux import hierarchies
from runtime.supervision import oci
from runtime.supervision.spec import decode

APPLETS = "sh cat ls true false id mount umount ps kill sleep echo dd awk tr wc grep unshare hostname pwd env stat readlink mkdir touch nc"
BUSYBOX = shutil.which("busybox")
_numbers = itertools.count(1)


# Runs in a bare interpreter: a container forked from a large test process would be charged for its size.
SMALL = """
import json, os, sys
sys.path.insert(0, sys.argv[1])
from runtime.container.cgroups import ContainerCgroup
from runtime.container.create import create
from runtime.linux import hierarchies
config = json.loads(sys.argv[2])
cgroup = ContainerCgroup.open(hierarchies.detect(), config["linux"]["cgroupsPath"])
made = create(config, rootfs=sys.argv[3], cgroup=cgroup, resources=config["linux"]["resources"],
    stdin=0, stdout=1, stderr=1, status_fd=int(sys.argv[4]))
print(os.waitstatus_to_exitcode(os.waitpid(made.pid, 0)[1]))
"""


class Ended(NamedTuple):
    """How a container ended: its own exit code or signal as the monitor sees it, and what it printed."""

    code: int
    out: str
    status: tuple[int | None, int | None] | None
    final: dict[str, Any]


class Running(NamedTuple):
    """A container that runs: pid and pidfd of its PID 1, and where its output goes."""

    pid: int
    pidfd: int
    output: pathlib.Path


class Box:
    """Starts containers from workload specifications, as the supervisor does, without a monitor."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        self.parent = f"/deckwatch-test-{os.getpid()}-{next(_numbers)}"
        self.hierarchies = hierarchies.detect()
        self.rootfs = directory / "rootfs"
        self.status = directory / "status"
        self.hidden: tuple[str, ...] = ()
        self.cgroup = ContainerCgroup.open(self.hierarchies, f"{self.parent}/box-1")
        self._running: list[Running] = []

    def config(self, *command: str, **spec: Any) -> dict[str, Any]:
        """The OCI configuration of a workload; `rootfs` is the busybox one unless given."""
        raw = {"name": "box", "rootfs": str(self.rootfs), "command": list(command), **spec}
        return oci.config_for(
            decode(raw),
            "box-1",
            cgroup_path=self.cgroup.path,
            hidden=self.hidden,
            rootless=False,
            uid=os.getuid(),
            gid=os.getgid(),
        )

    def start(
        self, config: dict[str, Any], *, stdout: int | None = None, cgroup: ContainerCgroup | None = None
    ) -> Running:
        """Start it in the box's cgroup with stdout and stderr into one file."""
        output = self.directory / "output"
        with open("/dev/null", "rb") as null, open(output, "wb") as file, open(self.status, "wb") as status:
            written = stdout if stdout is not None else file.fileno()
            made = create(
                config,
                rootfs=str(self.rootfs),
                cgroup=cgroup or self.cgroup,
                resources=config["linux"]["resources"],
                stdin=null.fileno(),
                stdout=written,
                stderr=written,
                status_fd=status.fileno(),
            )
        running = Running(made.pid, made.pidfd, output)
        self._running.append(running)
        return running

    def wait(self, running: Running) -> Ended:
        """Wait for its end and take its cgroup's last figures."""
        code = os.waitstatus_to_exitcode(os.waitpid(running.pid, 0)[1])
        self._running.remove(running)
        os.close(running.pidfd)
        final = self.cgroup.final()
        self.cgroup.remove()
        return Ended(code, running.output.read_text(), read_status(str(self.status)), final)

    def run(self, *command: str, **spec: Any) -> Ended:
        """Start a workload and wait for its end."""
        return self.wait(self.start(self.config(*command, **spec)))

    def run_from_small_process(self, *command: str, **spec: Any) -> Ended:
        """The same with a bare interpreter as the monitor; the command must print nothing."""
        repository = str(pathlib.Path(__file__).parents[4])
        with open(self.status, "wb") as status:
            descriptor = status.fileno()
            arguments = [
                repository,
                json.dumps(self.config(*command, **spec)),
                str(self.rootfs),
                str(descriptor),
            ]
            done = subprocess.run(
                [sys.executable, "-I", "-S", "-c", SMALL, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                pass_fds=[descriptor],
            )
        final = self.cgroup.final()
        self.cgroup.remove()
        return Ended(int(done.stdout), "", read_status(str(self.status)), final)

    def sh(self, script: str, **spec: Any) -> str:
        """What a shell script prints; it must end well."""
        ended = self.run("/bin/sh", "-c", script, **spec)
        assert ended.code == 0, ended
        return ended.out

    def close(self) -> None:
        """End what still runs and remove the cgroups."""
        for running in self._running[:]:
            os.kill(running.pid, 9)
            self.wait(running)
        self.cgroup.remove()
        ContainerCgroup.open(self.hierarchies, self.parent).remove()


@pytest.fixture
def box() -> Iterator[Box]:
    """A box with a busybox root file system; needs root and busybox."""
    if os.geteuid() != 0:
        pytest.skip("starting containers with cgroups needs root")
    if BUSYBOX is None:
        pytest.skip("busybox is not installed (apt install busybox-static)")
    # Not tmp_path, which other users cannot reach into.
    with tempfile.TemporaryDirectory(prefix="deckwatch-box-") as directory:
        os.chmod(directory, 0o755)
        made = Box(pathlib.Path(directory))
        make_rootfs(made.rootfs)
        yield made
        made.close()


def make_rootfs(rootfs: pathlib.Path) -> None:
    """Busybox under the names of its applets, and a world-writable /tmp."""
    assert BUSYBOX is not None
    (rootfs / "bin").mkdir(parents=True)
    shutil.copy(BUSYBOX, rootfs / "bin/busybox")
    for name in APPLETS.split():
        (rootfs / "bin" / name).symlink_to("busybox")
    (rootfs / "tmp").mkdir()
    (rootfs / "tmp").chmod(0o1777)


@pytest.fixture
def in_child() -> Callable[[Callable[[], object]], str]:
    """Runs a function in a forked child, whose namespaces and ids may change; its printed result."""

    def run(action: Callable[[], object]) -> str:
        read, write = os.pipe()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                os.write(write, str(action()).encode())
                code = 0
            except BaseException as error:
                os.write(write, repr(error).encode())
            finally:
                os._exit(code)
        os.close(write)
        with open(read, "rb") as file:
            text = file.read().decode()
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert code == 0, text
        return text

    return run
