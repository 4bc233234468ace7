"""Which inventory sources the configuration asks for: one line for each engine."""

from __future__ import annotations

from dataclasses import dataclass

from agent.config.load import Config
from collectors.inventory.base import Source
from collectors.inventory.cgroup import CgroupSource
from collectors.inventory.docker import DockerSource
from collectors.inventory.workloads import WorkloadSource
from runtime.linux.hierarchies import Hierarchies


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources, the most precise first; two of them are fed by the service."""

    workloads: WorkloadSource
    cgroups: CgroupSource
    engines: tuple[Source, ...]

    def all(self) -> list[Source]:
        """In order of precedence: of two that claim one cgroup the earlier is believed."""
        return [self.workloads, *self.engines, self.cgroups]


def sources_for(config: Config, hierarchies: Hierarchies) -> Sources:
    """The sources of a configuration."""
    inventory = config.inventory
    engines: list[Source] = []
    if inventory.docker.enabled is not False:
        engines.append(DockerSource(inventory.docker.socket, hierarchies))
    globs = inventory.cgroup.include if inventory.cgroup.enabled else ()
    return Sources(
        workloads=WorkloadSource(config.paths.state, config.paths.run),
        cgroups=CgroupSource(globs, hierarchies),
        engines=tuple(engines),
    )
