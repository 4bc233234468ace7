"""A real containerd of the tests' own, with its CRI: pods as the kubelet makes them, and plain containers."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import io
import json
import os
import random
import subprocess
import tarfile
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, TypeVar

from collectors.inventory.grpc import containerd_v1, runtime_v1
from collectors.inventory.grpc.channel import Channel, NoAnswer, NotFound
from collectors.inventory.grpc.runtime_v1 import SERVICE, ContainerMetadata, ImageSpec, PodSandboxMetadata
from collectors.inventory.grpc.wire import EMPTY, Message
from tests.integration.engines import (
    BUSYBOX,
    Missing,
    clear_away,
    end,
    make_bridge,
    make_memory,
    require,
    root_file_system,
    wait_until,
)

IMAGE = "docker.io/deckwatch/test:1"
PAUSE = "docker.io/deckwatch/pause:1"
PLUGINS = "/usr/lib/cni"
PLAIN_NAMESPACE = "deckwatch"

M = TypeVar("M", bound=Message)


# What the kubelet sends, as far as it is needed here (kubernetes/cri-api, runtime/v1/api.proto).


class NamespaceOption(Message, frozen=True):
    network: Annotated[int, 1] = 0
    pid: Annotated[int, 2] = 0


class SandboxSecurity(Message, frozen=True):
    namespace_options: Annotated[NamespaceOption, 1] = NamespaceOption()


class LinuxPodSandboxConfig(Message, frozen=True):
    cgroup_parent: Annotated[str, 1] = ""
    security_context: Annotated[SandboxSecurity, 2] = SandboxSecurity()


class PodSandboxConfig(Message, frozen=True):
    metadata: Annotated[PodSandboxMetadata, 1] = PodSandboxMetadata()
    hostname: Annotated[str, 2] = ""
    log_directory: Annotated[str, 3] = ""
    labels: Annotated[dict[str, str], 6] = EMPTY
    annotations: Annotated[dict[str, str], 7] = EMPTY
    linux: Annotated[LinuxPodSandboxConfig, 8] = LinuxPodSandboxConfig()


class RunPodSandboxRequest(Message, frozen=True):
    config: Annotated[PodSandboxConfig, 1] = PodSandboxConfig()


class SandboxId(Message, frozen=True):
    pod_sandbox_id: Annotated[str, 1] = ""


class Resources(Message, frozen=True):
    cpu_period: Annotated[int, 1] = 0
    cpu_quota: Annotated[int, 2] = 0
    memory_limit_in_bytes: Annotated[int, 4] = 0
    memory_swap_limit_in_bytes: Annotated[int, 10] = 0


class ContainerSecurity(Message, frozen=True):
    namespace_options: Annotated[NamespaceOption, 3] = NamespaceOption()


class LinuxContainerConfig(Message, frozen=True):
    resources: Annotated[Resources, 1] = Resources()
    security_context: Annotated[ContainerSecurity, 2] = ContainerSecurity()


class Mount(Message, frozen=True):
    container_path: Annotated[str, 1] = ""
    host_path: Annotated[str, 2] = ""


class ContainerConfig(Message, frozen=True):
    metadata: Annotated[ContainerMetadata, 1] = ContainerMetadata()
    image: Annotated[ImageSpec, 2] = ImageSpec()
    command: Annotated[tuple[str, ...], 3] = ()
    mounts: Annotated[tuple[Mount, ...], 7] = ()
    labels: Annotated[dict[str, str], 9] = EMPTY
    annotations: Annotated[dict[str, str], 10] = EMPTY
    log_path: Annotated[str, 11] = ""
    linux: Annotated[LinuxContainerConfig, 15] = LinuxContainerConfig()


class CreateContainerRequest(Message, frozen=True):
    pod_sandbox_id: Annotated[str, 1] = ""
    config: Annotated[ContainerConfig, 2] = ContainerConfig()
    sandbox_config: Annotated[PodSandboxConfig, 3] = PodSandboxConfig()


class ContainerId(Message, frozen=True):
    container_id: Annotated[str, 1] = ""


class StopContainerRequest(Message, frozen=True):
    container_id: Annotated[str, 1] = ""
    timeout: Annotated[int, 2] = 0


class Nothing(Message, frozen=True):
    pass


class CpuUsage(Message, frozen=True):
    usage_core_nano_seconds: Annotated[runtime_v1.UInt64Value, 2] = runtime_v1.UInt64Value()


class MemoryUsage(Message, frozen=True):
    working_set_bytes: Annotated[runtime_v1.UInt64Value, 2] = runtime_v1.UInt64Value()


class Stats(Message, frozen=True):
    cpu: Annotated[CpuUsage, 2] = CpuUsage()
    memory: Annotated[MemoryUsage, 3] = MemoryUsage()


class StatsResponse(Message, frozen=True):
    stats: Annotated[Stats, 1] = Stats()


@dataclass(frozen=True)
class Wish:
    """A container that a pod should have. `memory` in bytes, `cpus` in cores, 0 for unlimited."""

    name: str
    command: Sequence[str]
    memory: int = 0
    cpus: float = 0.0
    mounts: Sequence[tuple[str, str]] = ()


@dataclass
class Pod:
    """A pod that was made: its sandbox, and the newest container of each name."""

    name: str
    namespace: str
    uid: str
    sandbox: str
    config: PodSandboxConfig
    wishes: dict[str, Wish] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    attempts: dict[str, int] = field(default_factory=dict)

    def log(self, container: str) -> str:
        """The log file of a container's newest run."""
        return f"{self.config.log_directory}/{container}/{self.attempts[container]}.log"


class Containerd:
    """A containerd with its own root, state, socket, CNI bridge, images, logs and cgroup parent.

    Its data lies in memory. Pods' cgroups stand under `cgroup_parent` as the kubelet's do under `/kubepods`.
    """

    def __init__(self) -> None:
        self.directory = tempfile.mkdtemp(prefix=f"dwc-{os.getpid()}-", dir="/tmp")
        tag = os.path.basename(self.directory).removeprefix("dwc-").lower().replace("_", "x")
        self.socket = f"{self.directory}/containerd.sock"
        self.root, self.state = f"{self.directory}/memory/root", f"{self.directory}/state"
        self.logs = f"{self.directory}/pods"
        self.bridge = f"dwc{tag}"[:15]
        self.cgroup_parent = f"/deckwatch-test-c{tag}"
        self._subnet = f"10.{random.randrange(200, 250)}.{random.randrange(256)}"
        self._process: subprocess.Popen[bytes] | None = None

    # The engine

    def start(self) -> None:
        """Make bridge, configuration, data and images, start the engine, wait until its CRI answers."""
        for name in ("cni", "pods", "opt"):
            os.mkdir(f"{self.directory}/{name}")
        make_memory(f"{self.directory}/memory")
        make_bridge(self.bridge, f"{self._subnet}.1/24")
        with open(f"{self.directory}/cni/10.conflist", "w", encoding="utf-8") as file:
            json.dump(self._cni(), file)
        with open(f"{self.directory}/config.toml", "w", encoding="utf-8") as file:
            file.write(self._configuration())
        self.start_engine()
        for reference in (IMAGE, PAUSE):
            archive = f"{self.directory}/image.tar"
            with open(archive, "wb") as file:
                file.write(_image(reference))
            for namespace in ("k8s.io", PLAIN_NAMESPACE):
                self.ctr("-n", namespace, "images", "import", archive)

    def start_engine(self) -> None:
        """Start containerd, also again after `stop_engine`."""
        with open(f"{self.directory}/containerd.log", "ab") as log:
            self._process = subprocess.Popen(
                ["containerd", "--config", f"{self.directory}/config.toml"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        wait_until(self._answers, "an answer of containerd's CRI", 60)

    def stop_engine(self) -> None:
        """Stop containerd; containers go on."""
        process, self._process = self._process, None
        if process is not None:
            end(process)

    def stop(self) -> None:
        """Remove containers, engine, mounts, bridge, cgroups and files."""
        try:
            if self._process is None:
                self.start_engine()
            self.remove_all()
        finally:
            self.stop_engine()
            clear_away(self.directory, self.bridge, self.cgroup_parent)

    def remove_all(self) -> None:
        """Remove every pod and every plain container."""
        listed = self.call("ListPodSandbox", Nothing(), runtime_v1.ListPodSandboxResponse)
        for sandbox in listed.items:
            self.call("StopPodSandbox", SandboxId(sandbox.id), Nothing)
            self.call("RemovePodSandbox", SandboxId(sandbox.id), Nothing)
        for id in self.ctr("-n", PLAIN_NAMESPACE, "containers", "list", "-q").split():
            self.remove_plain(id)

    # Pods

    def run_pod(
        self,
        name: str,
        wishes: Sequence[Wish],
        *,
        namespace: str = "default",
        labels: dict[str, str] | None = None,
        annotations: dict[str, str] | None = None,
        host_network: bool = False,
    ) -> Pod:
        """A sandbox and its containers, all started, in cgroups as the kubelet names them."""
        uid = str(uuid.uuid4())
        identity = _identity(name, namespace, uid)
        network = NamespaceOption(network=runtime_v1.NODE if host_network else 0)
        config = PodSandboxConfig(
            metadata=PodSandboxMetadata(name=name, uid=uid, namespace=namespace),
            hostname="" if host_network else name,
            log_directory=f"{self.logs}/{namespace}_{name}_{uid}",
            labels=identity | (labels or {}),
            annotations=annotations or {},
            linux=LinuxPodSandboxConfig(
                f"{self.cgroup_parent}/kubepods/burstable/pod{uid}", SandboxSecurity(network)
            ),
        )
        sandbox = self.call("RunPodSandbox", RunPodSandboxRequest(config), SandboxId).pod_sandbox_id
        pod = Pod(name, namespace, uid, sandbox, config)
        for wish in wishes:
            self.start_container(pod, wish)
        return pod

    def start_container(self, pod: Pod, wish: Wish) -> str:
        """Make and start a container in a pod; one of a name that it had before is the next attempt of that."""
        id = self.create_container(pod, wish)
        self.call("StartContainer", ContainerId(id), Nothing)
        return id

    def create_container(self, pod: Pod, wish: Wish) -> str:
        """Make a container in a pod without starting it."""
        attempt = pod.attempts.get(wish.name, -1) + 1
        os.makedirs(f"{pod.config.log_directory}/{wish.name}", exist_ok=True)
        config = ContainerConfig(
            metadata=ContainerMetadata(wish.name, attempt),
            image=ImageSpec(IMAGE),
            command=tuple(wish.command),
            mounts=tuple(Mount(inside, outside) for outside, inside in wish.mounts),
            labels=_identity(pod.name, pod.namespace, pod.uid) | {"io.kubernetes.container.name": wish.name},
            annotations={"io.kubernetes.container.restartCount": str(attempt)},
            log_path=f"{wish.name}/{attempt}.log",
            linux=LinuxContainerConfig(
                Resources(
                    cpu_period=100_000 if wish.cpus else 0,
                    cpu_quota=int(wish.cpus * 100_000),
                    memory_limit_in_bytes=wish.memory,
                    memory_swap_limit_in_bytes=wish.memory,
                ),
                ContainerSecurity(
                    NamespaceOption(pod.config.linux.security_context.namespace_options.network, 1)
                ),
            ),
        )
        request = CreateContainerRequest(pod.sandbox, config, pod.config)
        id = self.call("CreateContainer", request, ContainerId).container_id
        pod.ids[wish.name], pod.attempts[wish.name], pod.wishes[wish.name] = id, attempt, wish
        return id

    def restart(self, pod: Pod, name: str) -> str:
        """What the kubelet does after a container's end: the next attempt of it, a container of its own."""
        return self.start_container(pod, pod.wishes[name])

    def stop_container(self, id: str, timeout: int = 0) -> None:
        """Stop a container of a pod."""
        self.call("StopContainer", StopContainerRequest(id, timeout), Nothing)

    def remove_container(self, id: str) -> None:
        """Remove a container of a pod."""
        self.call("RemoveContainer", ContainerId(id), Nothing)

    def remove_pod(self, pod: Pod) -> None:
        """Stop and remove a pod with all its containers."""
        self.call("StopPodSandbox", SandboxId(pod.sandbox), Nothing)
        self.call("RemovePodSandbox", SandboxId(pod.sandbox), Nothing)

    def status(self, id: str) -> runtime_v1.ContainerStatus:
        """The CRI's word of a container."""
        return self.call("ContainerStatus", ContainerId(id), runtime_v1.ContainerStatusResponse).status

    def stats(self, id: str) -> tuple[float, int]:
        """Seconds of CPU and bytes of the working set, as the CRI tells them."""
        stats = self.call("ContainerStats", ContainerId(id), StatsResponse).stats
        return stats.cpu.usage_core_nano_seconds.value / 1e9, stats.memory.working_set_bytes.value

    def layer(self, id: str) -> int:
        """Bytes in a pod container's writable layer, as the snapshotter adds them up now."""
        usage = self.ctr("--namespace", "k8s.io", "snapshots", "usage", "-b", id).splitlines()
        return next(int(line.split()[1]) for line in usage if line.split()[0] == id)

    def address(self, pod: Pod) -> str:
        """The pod's IP address."""
        request = runtime_v1.PodSandboxStatusRequest(pod.sandbox)
        status = self.call("PodSandboxStatus", request, runtime_v1.PodSandboxStatusResponse).status
        return status.network.ip

    def pid(self, id: str, namespace: str = "k8s.io") -> int:
        """The pid of a container's own process."""

        async def ask() -> int:
            async with Channel(self.socket, "") as channel:
                answer = await channel.call(
                    f"{containerd_v1.TASKS}Get",
                    containerd_v1.GetTaskRequest(id),
                    containerd_v1.GetTaskResponse,
                    namespace,
                )
                return answer.process.pid

        return asyncio.run(ask())

    # Plain containers

    def run_plain(self, id: str, *command: str, options: Sequence[str] = ()) -> None:
        """`ctr run -d` of the test image in a namespace that is not the CRI's."""
        cgroup = f"{self.cgroup_parent}/{PLAIN_NAMESPACE}/{id}"
        self.ctr("-n", PLAIN_NAMESPACE, "run", "-d", "--cgroup", cgroup, *options, IMAGE, id, *command)

    def remove_plain(self, id: str) -> None:
        """Kill and remove a plain container."""
        self.ctr("-n", PLAIN_NAMESPACE, "tasks", "delete", "--force", id, check=False)
        self.ctr("-n", PLAIN_NAMESPACE, "containers", "delete", id, check=False)

    def ctr(self, *arguments: str, check: bool = True) -> str:
        """The `ctr` command against this engine; its standard output."""
        done = subprocess.run(
            ["ctr", "--address", self.socket, *arguments], capture_output=True, timeout=60, check=False
        )
        if check and done.returncode != 0:
            raise AssertionError(f"ctr {' '.join(arguments)}: {done.stderr.decode().strip()}")
        return done.stdout.decode()

    def call(self, method: str, request: Message, shape: type[M]) -> M:
        """One call of the CRI."""

        async def ask() -> M:
            async with Channel(self.socket, "", timeout=60) as channel:
                return await channel.call(SERVICE + method, request, shape)

        return asyncio.run(ask())

    # How it is set up

    def _answers(self) -> bool:
        assert self._process is not None
        if self._process.poll() is not None:
            with open(f"{self.directory}/containerd.log", encoding="utf-8", errors="replace") as log:
                raise Missing(f"containerd does not start here: {log.read()[-500:]}")
        with contextlib.suppress(NoAnswer, NotFound):
            return bool(self.call("Version", Nothing(), runtime_v1.VersionResponse).runtime_name)
        return False

    def _cni(self) -> dict[str, object]:
        """A bridge whose address is the tests' own: a gateway would make the plugin switch on forwarding."""
        ranges = [[{"subnet": f"{self._subnet}.0/24", "rangeStart": f"{self._subnet}.10"}]]
        ipam = {"type": "host-local", "dataDir": f"{self.directory}/addresses", "ranges": ranges}
        bridge = {"type": "bridge", "bridge": self.bridge, "isGateway": False, "ipMasq": False, "ipam": ipam}
        return {"cniVersion": "0.4.0", "name": self.bridge, "plugins": [bridge]}

    def _configuration(self) -> str:
        cri = '[plugins."io.containerd.grpc.v1.cri"'
        unused = ", ".join(
            f'"io.containerd.snapshotter.v1.{name}"' for name in ("aufs", "btrfs", "devmapper", "zfs")
        )
        return f"""
version = 2
root = "{self.root}"
state = "{self.state}"
disabled_plugins = [{unused}]
[grpc]
  address = "{self.socket}"
[ttrpc]
  address = "{self.socket}.ttrpc"
[plugins."io.containerd.internal.v1.opt"]
  path = "{self.directory}/opt"
{cri}]
  sandbox_image = "{PAUSE}"
  disable_apparmor = true
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  stats_collect_period = 1
{cri}.cni]
  bin_dir = "{PLUGINS}"
  conf_dir = "{self.directory}/cni"
{cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
{cri}.containerd.runtimes.runc.options]
  Root = "{self.directory}/runc"
  SystemdCgroup = false
"""


def containerd() -> Iterator[Containerd]:
    """An engine for the length of a session; raises Missing where none can be had."""
    require("containerd", "ctr", "runc", "ip")
    for file in (BUSYBOX, f"{PLUGINS}/bridge", f"{PLUGINS}/loopback"):
        if not os.path.exists(file):
            raise Missing(f"{file} is not installed; tests/install-engines installs it")
    engine = Containerd()
    try:
        engine.start()
        yield engine
    finally:
        engine.stop()


def _identity(pod: str, namespace: str, uid: str) -> dict[str, str]:
    """The labels by which the kubelet knows its own."""
    return {
        "io.kubernetes.pod.name": pod,
        "io.kubernetes.pod.namespace": namespace,
        "io.kubernetes.pod.uid": uid,
    }


def _image(reference: str) -> bytes:
    """An image of busybox alone as an OCI archive; it sleeps when it is asked for nothing else."""
    layer = root_file_system()
    config = json.dumps(
        {
            "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
            "os": "linux",
            "config": {
                "Env": ["PATH=/bin"],
                "Cmd": ["/bin/sleep", "2147483647"],
                "Labels": {"name": reference},
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    kind = "application/vnd.oci.image"
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{kind}.manifest.v1+json",
            "config": _descriptor(f"{kind}.config.v1+json", config),
            "layers": [_descriptor(f"{kind}.layer.v1.tar", layer)],
        }
    ).encode()
    named = _descriptor(f"{kind}.manifest.v1+json", manifest)
    named["annotations"] = {"io.containerd.image.name": reference}
    files = {
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
        "index.json": json.dumps({"schemaVersion": 2, "manifests": [named]}).encode(),
    }
    for blob in (layer, config, manifest):
        files[f"blobs/{_digest(blob).replace(':', '/')}"] = blob
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return archive.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}
