"""A storage as Podman and conmon leave it, with a /proc of its own: what no test may do to the machine's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from runtime.linux.hierarchies import Hierarchies, Hierarchy

CREATED = "2026-11-24T08:06:30.25Z"
CREATED_AT = 1_795_507_590.25
BEGAN = 1_795_507_591.5
CONMON = 900


def id_of(name: str) -> str:
    """An engine id that one can tell from others: the name's letters as hexadecimal digits."""
    return name.encode().hex().ljust(64, "0")[:64]


class Tree:
    """Containers are made, started and ended as by the engine; each file is renamed into place where it is there."""

    def __init__(self, top: Path) -> None:
        self.root, self.run, self.temporary = str(top / "root"), str(top / "run"), str(top / "tmp")
        self.proc, self.sys = str(top / "proc"), str(top / "sys")
        for directory in (
            f"{self.root}/overlay-containers", f"{self.root}/libpod", f"{self.run}/overlay-containers",
            f"{self.temporary}/exits", self.proc, self.sys,
        ):  # fmt: skip
            os.makedirs(directory)
        self.lines: dict[str, dict[str, object]] = {}
        self.hierarchies = Hierarchies({}, Hierarchy(2, frozenset(), self.sys, "/"), self.proc)
        self.list_anew()

    def list_anew(self) -> None:
        """Write the list of containers."""
        self.put(f"{self.root}/overlay-containers/containers.json", json.dumps(list(self.lines.values())))

    def create(self, name: str, /, **metadata: object) -> str:
        """`podman create`; the container's id."""
        id = id_of(name)
        told = {"image-name": "localhost/i:1", "name": name, "created-at": int(BEGAN)} | metadata
        self.lines[id] = {"id": id, "names": [name], "metadata": json.dumps(told), "created": CREATED}
        os.makedirs(self.directory(id))
        os.makedirs(self.run_directory(id))
        self.list_anew()
        return id

    def crio(self, name: str, sandbox: str, *, labels: Mapping[str, str], **annotations: str) -> str:
        """CRI-O makes a container of a sandbox, or the sandbox itself where both have one name; its id."""
        pod = {"pod-id": id_of(sandbox), "pod-name": f"k8s_{sandbox}_shop_u17_0", "pod": name == sandbox}
        id = self.create(name, **pod, **{"metadata-name": name, "image-name": "quay.io/i:1"})
        kind = "sandbox" if name == sandbox else "container"
        kubelets = {
            "io.kubernetes.pod.name": sandbox, "io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.uid": "u17",
        }  # fmt: skip
        told = {
            "ContainerType": kind, "SandboxID": id_of(sandbox), "Labels": json.dumps(kubelets | labels),
            "Metadata": json.dumps({"name": name, "attempt": 2}), "ImageName": "quay.io/i:1",
        } | annotations  # fmt: skip
        own = {f"io.kubernetes.cri-o.{key}": value for key, value in told.items()}
        linux = {
            "cgroupsPath": f"kubepods-pod17.slice:crio:{id}",
            "namespaces": [{"type": "network", "path": "/run/netns/x"}],
        }
        self.configure(id, annotations=own, linux=linux)
        return id

    def state(self, id: str, status: str, **more: object) -> None:
        """CRI-O writes how far a container has come."""
        state = {"ociVersion": "1.0.2", "id": id, "status": status, "created": "2026-01-01T00:00:00Z"}
        self.put(f"{self.directory(id)}/state.json", json.dumps(state | more))

    def rename(self, id: str, name: str) -> None:
        """`podman rename`."""
        self.lines[id]["names"] = [name]
        self.list_anew()

    def remove(self, id: str) -> None:
        """`podman rm`."""
        del self.lines[id]
        self.list_anew()
        shutil.rmtree(os.path.dirname(self.directory(id)))
        shutil.rmtree(os.path.dirname(self.run_directory(id)))

    def configure(self, id: str, *, network: object = (), **more: object) -> None:
        """Write the bundle's configuration; `network` is its namespace's path, None for the host's."""
        namespaces = [] if network is None else [{"type": "network", "path": network or ""}]
        config = {"annotations": {"io.container.manager": "libpod"}, "linux": {"namespaces": namespaces}}
        self.put(f"{self.directory(id)}/config.json", json.dumps(config | more))

    def conmon(self, id: str, began: float = BEGAN, *, alive: bool = True, log: str = "") -> None:
        """conmon starts: it writes its own pid."""
        log = log or f"k8s-file:{self.directory(id)}/ctr.log"
        self.put(f"{self.run_directory(id)}/conmon.pid", str(CONMON), began)
        if alive:
            options = ["conmon", "-c", id, "--exit-dir", f"{self.temporary}/exits", "-l", log]
            self.process(CONMON, 1, "/conmon", options)

    def start(self, id: str, pid: int, began: float = BEGAN, **how: object) -> None:
        """`podman start`: configuration, conmon, then the container's process."""
        self.configure(id, **how)  # type: ignore[arg-type]
        self.conmon(id, began)
        self.process(pid, CONMON, self.cgroup(id))
        self.put(f"{self.run_directory(id)}/pidfile", str(pid), began + 0.04)

    def end(self, id: str, pid: int, code: int | None, at: float) -> None:
        """The process ends; conmon notes its code (None: it is gone before anybody reads it) and leaves."""
        self.gone(pid)
        self.gone(CONMON)
        path = f"{self.temporary}/exits/{id}"
        self.put(path, str(code or 0), at)
        if code is not None and '"pod-id"' in str(self.lines[id]["metadata"]):
            # CRI-O has it noted in a second place, where it stays.
            self.put(f"{self.directory(id)}/exit", str(code), at)
        if code is None:
            os.unlink(path)

    def cgroup(self, id: str) -> str:
        """A container's cgroup."""
        return f"/machine.slice/libpod-{id}.scope"

    def process(self, pid: int, parent: int, cgroup: str, options: Sequence[str] = ("sh",)) -> None:
        """A process appears in /proc."""
        directory = f"{self.proc}/{pid}"
        os.makedirs(directory, exist_ok=True)
        after = " ".join(["0"] * 17)
        self.put(f"{directory}/stat", f"{pid} (a) S {parent} {after} 4711")
        self.put(f"{directory}/cgroup", f"0::{cgroup}\n")
        self.put(f"{directory}/cmdline", "\0".join(options) + "\0")

    def gone(self, pid: int) -> None:
        """A process leaves /proc."""
        shutil.rmtree(f"{self.proc}/{pid}", ignore_errors=True)

    def freeze(self, id: str, frozen: bool) -> None:
        """`podman pause`, and the database that Podman writes then."""
        os.makedirs(self.sys + self.cgroup(id), exist_ok=True)
        self.put(f"{self.sys}{self.cgroup(id)}/cgroup.freeze", "1\n" if frozen else "0\n")
        self.database()

    def database(self) -> None:
        """Podman writes its state."""
        with open(f"{self.root}/libpod/bolt_state.db", "ab") as file:
            file.write(b"x")

    def directory(self, id: str) -> str:
        """What outlives a reboot."""
        return f"{self.root}/overlay-containers/{id}/userdata"

    def run_directory(self, id: str) -> str:
        """What does not."""
        return f"{self.run}/overlay-containers/{id}/userdata"

    def put(self, path: str, content: str, at: float | None = None) -> None:
        """Rename a file into place, as atomic writers do."""
        beside = f"{os.path.dirname(path)}/.new-{os.path.basename(path)}"
        with open(beside, "w", encoding="utf-8") as file:
            file.write(content)
        if at is not None:
            os.utime(beside, (at, at))
        os.rename(beside, path)
