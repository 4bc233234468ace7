"""A Podman of the tests' own: private storage, network namespace and cgroups, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

from tests.integration.engines import (
    BUSYBOX,
    Missing,
    cgroup_directories,
    command,
    remove_cgroups,
    require,
    root_file_system,
    unmount_below,
    wait_until,
)

IMAGE = "localhost/deckwatch-test:1"
# Podman writes down there which addresses are taken, whatever its storage.
SHARED = "/run/containers"

# Limits that a machine allows also where its own are low; locks in a file, since those in memory are shared.
CONFIGURATION = """\
[containers]
default_ulimits = ["nofile=1024:20000", "nproc=1000:1000"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
"""


class Podman:
    """A storage with its directories, and the network namespace that bridge and firewall rules are made in.

    `serve` starts Podman's API service, `stop` removes all containers and whatever else was made.
    """

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix=f"dwp-{os.getpid()}-", dir="/tmp")
        tag = os.path.basename(self.directory).removeprefix("dwp-").lower().replace("_", "x")
        self.root, self.run_root = f"{self.directory}/root", f"{self.directory}/run"
        self.temporary = f"{self.directory}/tmp"
        self.socket = f"{self.directory}/podman.sock"
        self.namespace = f"dwp{tag}"
        self.cgroup_parent = f"/deckwatch-test-{tag}"
        self._service: subprocess.Popen[bytes] | None = None
        self._made_shared = not os.path.exists(SHARED)
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.directory,
            "CONTAINERS_CONF": f"{self.directory}/containers.conf",
        }

    def start(self) -> None:
        """Make directories, network namespace and image."""
        with open(f"{self.directory}/containers.conf", "w", encoding="utf-8") as file:
            file.write(CONFIGURATION)
        command("ip", "netns", "add", self.namespace)
        command("ip", "-n", self.namespace, "link", "set", "lo", "up")
        change = ["-c", 'CMD ["/bin/sh"]', "-c", "ENV PATH=/bin"]
        done = self._call("import", *change, "-", IMAGE, stdin=root_file_system(), timeout=60)
        if done.returncode != 0:
            raise Missing(f"podman does not work here: {done.stderr.decode().strip()[-500:]}")

    def podman(self, *arguments: str, check: bool = True, timeout: float = 60) -> str:
        """Run the podman command line against this storage; its standard output without the last newline."""
        return self.podman_bytes(*arguments, check=check, timeout=timeout)[0].decode().rstrip("\n")

    def podman_bytes(self, *arguments: str, check: bool = True, timeout: float = 60) -> tuple[bytes, bytes]:
        """The same, as the bytes of standard output and of standard error."""
        done = self._call(*arguments, timeout=timeout)
        if check and done.returncode != 0:
            raise AssertionError(f"podman {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout, done.stderr

    def run(self, *arguments: str) -> str:
        """`podman run -d` of the test image with these options, or `OPTIONS -- COMMAND`; the container's id."""
        return self.podman("run", "-d", *self.options(*arguments))

    def options(self, *arguments: str) -> list[str]:
        """Arguments of `run` and `create`: own cgroups, options, image, and the command after `--`."""
        at = arguments.index("--") if "--" in arguments else len(arguments)
        parent = [] if "--pod" in arguments else ["--cgroup-parent", self.cgroup_parent]
        return ["--pull", "never", *parent, *arguments[:at], IMAGE, *arguments[at + 1 :]]

    def pod(self, name: str) -> str:
        """`podman pod create` with the test image as what holds its namespaces; the pod's id."""
        infra = ["--infra-image", IMAGE, "--infra-command", "sleep 600"]
        return self.podman("pod", "create", "--name", name, "--cgroup-parent", self.cgroup_parent, *infra)

    def pid(self, name: str) -> int:
        """The process of a container that runs."""
        return int(self.podman("inspect", name, "--format", "{{.State.Pid}}"))

    def serve(self) -> None:
        """Start the API service and wait until it answers."""
        self._service = subprocess.Popen(
            self._command("system", "service", "--time", "0", f"unix://{self.socket}"),
            env=self._environment,
            cwd=self.directory,  # where conmon leaves its note of an OOM kill
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(lambda: os.path.exists(self.socket), "the socket of podman's service")

    def stop_serving(self) -> None:
        """Stop the API service."""
        if self._service is not None:
            self._service.terminate()
            self._service.wait(20)
            self._service = None
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)

    def remove_all(self) -> None:
        """Remove every container and pod of this storage."""
        self.podman("pod", "rm", "-fa", "-t", "0", check=False)
        self.podman("rm", "-fa", "-t", "0", check=False)

    def stop(self) -> None:
        """Remove containers, mounts, network namespace, cgroups and files."""
        try:
            self.remove_all()
        finally:
            self.stop_serving()
            wait_until(self._without_cgroups, "the end of what Podman left in its cgroups")
            wait_until(self._without_files, "the end of what Podman mounts as long as it runs")
            command("ip", "netns", "delete", self.namespace, check=False)
            if self._made_shared:
                shutil.rmtree(SHARED, ignore_errors=True)

    def _without_cgroups(self) -> bool:
        remove_cgroups(self.cgroup_parent)
        return not cgroup_directories(self.cgroup_parent)

    def _without_files(self) -> bool:
        unmount_below(self.directory)
        shutil.rmtree(self.directory, ignore_errors=True)
        return not os.path.exists(self.directory)

    def _call(
        self, *arguments: str, stdin: bytes = b"", timeout: float
    ) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(
            self._command(*arguments),
            input=stdin,
            capture_output=True,
            env=self._environment,
            cwd=self.directory,
            timeout=timeout,
            check=False,
        )

    def _command(self, *arguments: str) -> list[str]:
        return [
            *("nsenter", f"--net=/run/netns/{self.namespace}", "podman"),
            *("--root", self.root, "--runroot", self.run_root, "--tmpdir", self.temporary),
            *("--network-config-dir", f"{self.directory}/networks", "--storage-driver", "overlay"),
            *arguments,
        ]


def podman() -> Iterator[Podman]:
    """A Podman for the length of a session; raises Missing where none can be had."""
    require("podman", "conmon", "runc", "ip", "nsenter")
    if not os.path.exists(BUSYBOX):
        raise Missing("busybox-static is not installed; tests/install-engines installs it")
    engine = Podman()
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()
