"""The agent's own workloads: whether this host can run them, and the supervisor that does."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable

import structlog

from agent.conditions import Conditions
from agent.config.load import Config
from agent.discovery import Metrics
from agent.hostcheck import cgroup_rights
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies
from runtime.supervision.events import WorkloadEvent
from runtime.supervision.supervisor import Supervisor

log = structlog.get_logger()

RUNTIME_OFF = "runtime_off"
WORKLOADS_REFUSED = "workloads_refused"

# PROC_PID_INIT_INO of the kernel's proc_ns.h: the same on every host.
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC

# Where engines keep what is theirs: out of sight of a workload on the host's root file system.
_ENGINES = (
    "/var/lib/docker",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/kubelet",
    "/etc/kubernetes",
    "/var/lib/rancher",
)


def hidden_directories(config: Config) -> list[str]:
    """Directories that no workload on `rootfs: host` may look into."""
    return [*_ENGINES, os.path.abspath(config.paths.state), os.path.abspath(config.paths.run)]


def why_off(config: Config, namespaces: str = "/proc/self/ns") -> str:
    """Why workloads are not run here; empty when they are.

    `runtime.enabled: auto` leaves it off in a container that has not the host's pid namespace: what it
    started would be seen, and ended, with the container.
    """
    if config.runtime.enabled is False:
        return "runtime.enabled is false"
    if config.runtime.enabled == "auto" and not _host_pids(namespaces):
        return "the agent runs in a pid namespace of its own, as in a container without hostPID"
    if os.geteuid() != 0 and not os.path.exists(f"{namespaces}/user"):
        return "an ordinary user needs user namespaces, and this kernel has none"
    return ""


def _host_pids(namespaces: str) -> bool:
    try:
        return os.stat(f"{namespaces}/pid").st_ino == _INITIAL_PID_NAMESPACE
    except OSError:
        return False


class Hosting:
    """Holds the supervisor, or the reason why there is none."""

    def __init__(
        self,
        config: Config,
        hierarchies: Hierarchies,
        conditions: Conditions,
        on_event: Callable[[WorkloadEvent], None],
    ) -> None:
        self.reason = why_off(config)
        self._conditions = conditions
        self._on_exit = config.runtime.on_exit
        self._cgroups = cgroup_rights(hierarchies, config.runtime.cgroup_parent)
        self.supervisor: Supervisor | None = None
        if self.reason:
            if config.workloads or config.runtime.enabled is True:
                conditions.set("runtime_off", reason=self.reason)
                log.warning(RUNTIME_OFF, reason=self.reason)
            return
        self.supervisor = Supervisor(
            run_dir=config.paths.run,
            state_dir=config.paths.state,
            cgroup_parent=config.runtime.cgroup_parent,
            hierarchies=hierarchies,
            hidden=hidden_directories(config),
            on_event=on_event,
        )

    async def run(self) -> None:
        """Keep the workloads running until cancelled."""
        if self.supervisor is not None:
            await self.supervisor.run()

    async def apply(self, config: Config) -> None:
        """Bring the workloads that files own in line with the configuration."""
        self._on_exit = config.runtime.on_exit
        if self.supervisor is None:
            return
        owned = dict(config.workload_files)
        for owner in {one.owner for one in self.supervisor.status()} - {"api"}:
            owned.setdefault(owner, ())
        for owner, specs in owned.items():
            try:
                await self.supervisor.apply(specs, owner=owner, prune=True)
                self._conditions.clear("workload_failed", owner)
            except DeckwatchError as error:
                log.error(WORKLOADS_REFUSED, owner=owner, reason=str(error))
                self._conditions.set("workload_failed", owner, name=owner, state="refused", reason=str(error))

    def metrics(self) -> dict[str, Metrics]:
        """Where workloads serve metrics of their own, by name."""
        if self.supervisor is None:
            return {}
        specs = [self.supervisor.spec(one.name) for one in self.supervisor.status()]
        return {spec.name: Metrics(spec.metrics.port, spec.metrics.path) for spec in specs if spec.metrics}

    def report(self, conditions: Conditions) -> None:
        """Say which replicas do not run though they should, and when none of them can be limited or measured."""
        if self.supervisor is None:
            return
        workloads = self.supervisor.status()
        if workloads:
            for wrong in self._cgroups.wrong:
                conditions.put(wrong)
        for workload in workloads:
            for replica in workload.replicas:
                if replica.state in ("refused", "crash_loop"):
                    reason = replica.message or f"ended {replica.restarts} times"
                    conditions.set(
                        "workload_failed", replica.name, name=replica.name, state=replica.state, reason=reason
                    )
                else:
                    conditions.clear("workload_failed", replica.name)

    async def shutdown(self) -> None:
        """End as the configuration says: the workloads go on, or all of them are stopped."""
        if self.supervisor is not None:
            async with asyncio.timeout(60):
                await self.supervisor.shutdown(self._on_exit)
