"""A workload on the host's root beside a real Docker: neither is in the other's way, nor in its reach."""

from __future__ import annotations

import os
import pathlib
import signal
from collections.abc import Iterator

import pytest

from runtime.container.cgroups import ContainerCgroup
from runtime.container.create import Created, create
from runtime.linux.hierarchies import detect
from runtime.supervision import oci
from runtime.supervision.spec import decode
from tests.integration.engines import IMAGE, Dockerd, wait_until

pytestmark = [pytest.mark.root, pytest.mark.docker]
PARENT = f"/deckwatch-test-host-root-{os.getpid()}"


@pytest.fixture
def cgroup() -> Iterator[ContainerCgroup]:
    made = ContainerCgroup.open(detect(), f"{PARENT}/web-1")
    yield made
    made.kill()
    made.remove()
    ContainerCgroup.open(detect(), PARENT).remove()


def start(cgroup: ContainerCgroup, output: pathlib.Path, script: str, user: str) -> Created:
    """A shell script on the host's root, its output into a file."""
    raw = {"name": "web", "rootfs": "host", "command": ["/bin/sh", "-c", script], "user": user}
    config = oci.config_for(
        decode(raw), "web-1", cgroup_path=cgroup.path, hidden=(), rootless=False, uid=0, gid=0
    )
    with open("/dev/null", "rb") as null, open(output, "wb") as file:
        return create(
            config,
            rootfs="/",
            cgroup=cgroup,
            resources=config["linux"]["resources"],
            stdin=null.fileno(),
            stdout=file.fileno(),
            stderr=file.fileno(),
        )


def end(made: Created) -> None:
    signal.pidfd_send_signal(made.pidfd, signal.SIGKILL)
    os.waitpid(made.pid, 0)
    os.close(made.pidfd)


def layers(dockerd: Dockerd, name: str) -> str:
    """Where Docker mounts the root of a container."""
    return dockerd.docker("inspect", "--format", "{{.GraphDriver.Data.MergedDir}}", name)


def test_docker_removes_what_was_mounted_when_the_workload_started(
    dockerd: Dockerd, cgroup: ContainerCgroup, tmp_path: pathlib.Path
) -> None:
    dockerd.docker("run", "-d", "--name", "before", IMAGE, "sleep", "1000")
    merged = layers(dockerd, "before")
    made = start(cgroup, tmp_path / "output", "sleep 1000", "65534")
    try:
        mounts = pathlib.Path(f"/proc/{made.pid}/mountinfo")
        assert merged in mounts.read_text()
        dockerd.docker("rm", "-f", "before")
        assert dockerd.docker("ps", "-aq") == ""
        assert not os.path.exists(merged)
        wait_until(lambda: merged not in mounts.read_text(), "the end of the mount in the workload")
    finally:
        end(made)


def test_docker_starts_and_removes_while_the_workload_runs(
    dockerd: Dockerd, cgroup: ContainerCgroup, tmp_path: pathlib.Path
) -> None:
    made = start(cgroup, tmp_path / "output", "sleep 1000", "65534")
    try:
        assert dockerd.docker("run", "--rm", IMAGE, "echo", "done") == "done"
        assert dockerd.docker("ps", "-aq") == ""
    finally:
        end(made)


@pytest.mark.parametrize("user", ["0", "65534"])
def test_the_socket_is_out_of_reach(
    dockerd: Dockerd, cgroup: ContainerCgroup, tmp_path: pathlib.Path, user: str
) -> None:
    script = f"for s in {dockerd.socket} /run/docker.sock /var/run/docker.sock; do test -e $s && echo $s; done; echo end"
    made = start(cgroup, tmp_path / "output", script, user)
    os.waitpid(made.pid, 0)
    os.close(made.pidfd)
    assert os.path.exists(dockerd.socket)
    assert (tmp_path / "output").read_text() == "end\n"
