"""Which inventory sources the configuration asks for: one line for each engine."""

from __future__ import annotations

from dataclasses import dataclass

from agent.config.load import Config
from agent.kubernetes import informants
from collectors.inventory.base import Source
from collectors.inventory.cgroup import CgroupSource
from collectors.inventory.containerd.source import ContainerdSource
from collectors.inventory.crio.source import CrioSource
from collectors.inventory.docker.source import DockerSource
from collectors.inventory.kubernetes.podcgroup import PodCgroups
from collectors.inventory.machines import MachineSource
from collectors.inventory.paths import PathSource
from collectors.inventory.podman.source import PodmanSource
from collectors.inventory.pods import Pods
from collectors.inventory.systemd.source import SystemdSource, manages
from collectors.inventory.workloads import WorkloadSource
from runtime.linux.hierarchies import Hierarchies


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources, the most precise first. The service tells `workloads` of changes, and `paths` of cgroups;
    `pods` is what they know of pods."""

    workloads: WorkloadSource
    engines: tuple[Source, ...]
    paths: tuple[PathSource, ...]
    pods: Pods
    containerd: ContainerdSource | None = None

    def all(self) -> list[Source]:
        """In order of precedence: of two that claim one cgroup the earlier is believed."""
        return [self.workloads, *self.engines, *self.paths]

    def layer_bytes(self, id: str) -> int | None:
        """Bytes in a container's writable layer as its engine counts them; None where none counts.

        Callable from any thread.
        """
        return self.containerd.writable_layers().get(id) if self.containerd is not None else None


def sources_for(config: Config, hierarchies: Hierarchies) -> Sources:
    """The sources of a configuration."""
    inventory = config.inventory
    pods = Pods()
    engines: list[Source] = []
    if inventory.docker.enabled is not False:
        engines.append(DockerSource(inventory.docker.socket, hierarchies))
    containerd: ContainerdSource | None = None
    if (there := inventory.containerd).enabled is not False:
        containerd = ContainerdSource(there.socket, there.state, there.root, hierarchies, pods)
        engines.append(containerd)
    if (crio := inventory.crio).enabled is not False:
        engines.append(CrioSource(crio.root, crio.run, hierarchies, pods, socket=crio.socket))
    if (podman := inventory.podman).enabled is not False:
        engines.append(PodmanSource(podman.root, podman.run, podman.socket, hierarchies))
    told_of_pods = informants(config, pods)
    engines += told_of_pods.all()
    paths: list[PathSource] = []
    if inventory.kubernetes.enabled is not False:
        paths.append(PodCgroups(pods, hierarchies, told_of_pods.news))
    if inventory.machines.enabled is not False:
        paths.append(MachineSource(hierarchies))
    systemd = inventory.systemd.enabled
    if systemd is True or (systemd and manages(config.paths.rootfs)):
        paths.append(SystemdSource(hierarchies, config.paths.rootfs))
    globs = inventory.cgroup.include if inventory.cgroup.enabled else ()
    paths.append(CgroupSource(globs, hierarchies))
    return Sources(
        workloads=WorkloadSource(config.paths.state, config.paths.run),
        engines=tuple(engines),
        paths=tuple(paths),
        pods=pods,
        containerd=containerd,
    )
