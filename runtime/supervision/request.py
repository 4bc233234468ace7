"""What a monitor is asked to run: the OCI configuration and the parameters beside it, in the replica's directory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from runtime.container.bundle import host_user
from runtime.container.exitrecord import signal_number
from runtime.container.protocol import write_file
from runtime.linux.errors import Refused
from runtime.supervision import oci, state
from runtime.supervision.refusals import Host
from runtime.supervision.spec import WorkloadSpec, seconds, size


@dataclass(frozen=True, slots=True)
class Place:
    """Where workloads live on this host. `cgroup_parent` is empty where cgroups cannot be used."""

    run_dir: str
    state_dir: str
    cgroup_parent: str
    hidden: tuple[str, ...]
    host: Host
    boot_id: str
    version: str

    def cgroup(self, replica: str) -> str:
        """Host-absolute cgroup path of a replica; empty without cgroups."""
        return f"{self.cgroup_parent}/workloads/{replica}" if self.cgroup_parent else ""


def refusals(spec: WorkloadSpec, place: Place) -> list[Refused]:
    """Why a workload cannot start here; empty when it can."""
    found = list(oci.check(spec, place.host))
    try:
        signal_number(spec.stop.signal)
    except ValueError as error:
        found.append(Refused("stop.signal", str(error), "name one that kill -l lists"))
    return found


def limits_left_out(spec: WorkloadSpec, place: Place) -> tuple[WorkloadSpec, Sequence[Refused]]:
    """A best-effort workload without what the host cannot enforce, and what that is."""
    return oci.enforceable(spec, place.host) if spec.best_effort else (spec, ())


def write_request(spec: WorkloadSpec, replica: str, run: int, place: Place) -> str:
    """Write `config.json` and `start.json` for one run: the name of its system call filter.

    Refused when the specification cannot be translated.
    """
    spec, _ = limits_left_out(spec, place)
    directory = state.replica_dir(place.run_dir, replica)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    config = oci.config_for(
        spec,
        replica,
        cgroup_path=place.cgroup(replica),
        hidden=place.hidden,
        rootless=place.host.rootless,
        uid=os.geteuid(),
        gid=os.getegid(),
    )
    uid, gid = host_user(config)
    kept = state.workload_dir(place.state_dir, replica)
    write_file(f"{directory}/config.json", config)
    asked = {
        "run": run,
        "version": place.version,
        "boot_id": place.boot_id,
        "rootfs": "/" if spec.rootfs == "host" else spec.rootfs,
        "cgroup": place.cgroup(replica),
        "uid": uid,
        "gid": gid,
        "log_dir": f"{kept}/log",
        "exits_dir": f"{kept}/exits",
        "stop": {"signal": signal_number(spec.stop.signal), "timeout": seconds(spec.stop.timeout)},
        "logs": {
            "max_size": size(spec.logs.max_size),
            "max_files": spec.logs.max_files,
            "compress": spec.logs.compress,
            "block": spec.logs.on_error == "block",
        },
    }
    write_file(f"{directory}/start.json", asked)
    return str(config["annotations"]["deckwatch.io/seccomp"])
