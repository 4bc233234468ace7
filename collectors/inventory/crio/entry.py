"""A container or sandbox of CRI-O as its files and its process tell it, in the inventory's words.

What it is stands in annotations of its bundle, how far it has come in `state.json` beside it. Source: CRI-O,
pkg/annotations and internal/oci.
"""

from __future__ import annotations

import signal
from typing import NamedTuple

import msgspec
from msgspec.structs import replace as altered

from collectors.inventory.bundle import Spec, UnreadableBundle, cgroup_path, read_spec
from collectors.inventory.docker.entry import reason_of, seconds, signal_of
from collectors.inventory.pods import Pod
from collectors.inventory.storage.conmon import Exit, Process, Run, exit_in, process_at, run_of
from collectors.inventory.storage.lists import Stored, decoded
from collectors.model import Container, Entry, LogSource, Network, Reason, Role, State
from runtime.linux.hierarchies import Hierarchies

ENGINE = "crio"
STATE_FILE = "state.json"
# conmon's note of the end, which stays as long as the container.
EXIT_FILE = "exit"

_CRIO = "io.kubernetes.cri-o."
_POD_NAME = "io.kubernetes.pod.name"
_POD_NAMESPACE = "io.kubernetes.pod.namespace"
_POD_UID = "io.kubernetes.pod.uid"
_CONTAINER_NAME = "io.kubernetes.container.name"
_IPS = 8
_OOM_EXIT = 128 + signal.SIGKILL


class Status(msgspec.Struct, frozen=True, rename="camel"):
    """What CRI-O last wrote of a container's run."""

    status: str = ""
    started: str = ""
    finished: str = ""
    exit_code: int | None = None
    oom_killed: bool = False
    pid: int = 0


class _Metadata(msgspec.Struct, frozen=True):
    name: str = ""
    attempt: int = 0


class Look(NamedTuple):
    """What was found of one container at one moment."""

    stored: Stored
    spec: Spec
    status: Status | None
    run: Run
    process: Process | None
    left_behind: Exit | None

    def text(self, annotation: str) -> str:
        """One of CRI-O's own annotations; empty without it."""
        return self.spec.annotations.get(_CRIO + annotation, "")

    def mapping(self, annotation: str) -> dict[str, str]:
        """One of those that hold a mapping, such as the labels that the kubelet gave."""
        try:
            return msgspec.json.decode(self.text(annotation) or "{}", type=dict[str, str])
        except msgspec.MsgspecError:
            return {}

    @property
    def is_sandbox(self) -> bool:
        """Whether it holds the namespaces of a pod."""
        return self.stored.metadata.pod or self.stored.id == self.stored.metadata.pod_id

    @property
    def pod(self) -> Pod:
        """The pod that it is of, as far as it tells."""
        labels, metadata = self.mapping("Labels"), self.stored.metadata
        if self.is_sandbox:
            # The name of the sandbox's own process is none of the pod's labels.
            labels.pop(_CONTAINER_NAME, None)
        return Pod(
            uid=labels.get(_POD_UID) or metadata.uid,
            namespace=labels.get(_POD_NAMESPACE) or self.text("Namespace") or metadata.namespace,
            name=labels.get(_POD_NAME) or self.text("KubeName") or metadata.pod_name,
            labels=labels,
            annotations=self.mapping("Annotations"),
        )

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses of the pod, of which a sandbox tells."""
        found = [self.text(f"IP.{number}") for number in range(_IPS)]
        return tuple(address for address in found if address)


class Course(NamedTuple):
    """How far a container has come."""

    state: State
    began: float | None = None
    finished: float | None = None
    code: int | None = None
    reason: Reason | None = None


def look_at(stored: Stored, hierarchies: Hierarchies) -> Look:
    """Read a container's files and processes; not for the event loop."""
    try:
        spec = read_spec(stored.directory) or read_spec(stored.run_directory) or Spec()
    except UnreadableBundle:
        spec = Spec()
    status = decoded(f"{stored.directory}/{STATE_FILE}", Status)
    run = run_of(stored.run_directory, stored.id, hierarchies)
    # Another monitor than conmon leaves no files of its own.
    process = run.process or process_at(status.pid if status else 0, stored.id, hierarchies)
    return Look(stored, spec, status, run, process, exit_in(stored.directory, EXIT_FILE))


def course_of(look: Look, noted: Exit | None) -> Course | None:
    """How far it has come; None while conmon has more to say. `noted` is an end that conmon told in the moment.

    CRI-O writes a state a moment after the fact, and not at all while it is away.
    """
    end = noted if noted is not None and noted.code is not None else look.left_behind or noted
    status = look.status
    if status is None or status.status in ("", "creating", "created"):
        return Course(State.CREATED)
    began = _time(status.started)
    if status.status == "stopped":
        return _ended(began, _time(status.finished), status.exit_code, oom=status.oom_killed)
    if end is not None and end.time >= (began or 0.0):
        return _ended(began, end.time, end.code, oom=False)
    if look.process is not None:
        return Course(State.PAUSED if status.status == "paused" else State.RUNNING, began)
    if look.run.monitor is not None:
        return None
    if look.is_sandbox:
        # A pod's namespaces may stand without a process that holds them.
        return Course(State.RUNNING, began)
    return _ended(began, look.run.left, None, oom=False)


def entry_of(look: Look, course: Course, sandbox: Look | None, last: Entry | None) -> Entry:
    """The entry of a container, or of a sandbox, which owns its pod's network and has no container name."""
    process = look.process if course.state in (State.RUNNING, State.PAUSED) else None
    # The sandbox tells the pod's own labels, the container those that the kubelet gave it beside them.
    of_pod = sandbox or look
    pod = look.pod
    metadata = _metadata(look)
    known = cgroup_path(look.spec.cgroup) if course.began is not None and not look.is_sandbox else ""
    container = Container(
        id=process.id if process else (last.container.id if last else "") or known,
        name=look.stored.id,
        engine=ENGINE,
        engine_id=look.stored.id,
        image=look.text("ImageName") or look.stored.metadata.image_name or look.text("Image"),
        state=course.state,
        created_at=look.stored.created_at,
        started_at=course.began,
        finished_at=course.finished,
        exit_code=course.code,
        signal=signal_of(course.code),
        reason=course.reason,
        restarts=metadata.attempt,
        namespace=pod.namespace or of_pod.pod.namespace,
        pod=pod.name or of_pod.pod.name,
        container="" if look.is_sandbox else metadata.name or look.stored.metadata.metadata_name,
        role=Role.SANDBOX if look.is_sandbox else Role.CONTAINER,
        labels=of_pod.pod.labels | pod.labels,
        limits=look.spec.limits,
    )
    entry = Entry(
        container=container,
        pid=process.pid if process else 0,
        pid_start=process.start if process else 0,
        log=_log(look),
        annotations=pod.annotations,
        pod_uid=pod.uid or of_pod.pod.uid,
    )
    return _in_its_network(entry, look, of_pod)


def _in_its_network(entry: Entry, look: Look, of_pod: Look) -> Entry:
    in_the_hosts = look.spec.network is Network.HOST and not look.is_sandbox
    if of_pod.text("HostNetwork") == "true" or in_the_hosts:
        return altered(entry, network=Network.HOST)
    network = Network.OWNER if look.is_sandbox else Network.FOLLOWER
    return altered(entry, network=network, addresses=of_pod.addresses)


def _ended(began: float | None, finished: float | None, code: int | None, *, oom: bool) -> Course:
    reason = reason_of(code, stopped=False)
    if began is None:
        reason = Reason.START_FAILED
    elif oom and code == _OOM_EXIT:
        reason = Reason.OOM
    return Course(State.EXITED, began, finished, code, reason or Reason.UNKNOWN)


def _log(look: Look) -> LogSource | None:
    path = look.text("LogPath")
    if look.is_sandbox or not path.startswith("/"):
        return None
    return LogSource(path=path, format="cri")


def _metadata(look: Look) -> _Metadata:
    try:
        return msgspec.json.decode(look.text("Metadata") or "{}", type=_Metadata)
    except msgspec.MsgspecError:
        return _Metadata()


def _time(text: str) -> float | None:
    try:
        return seconds(text)
    except ValueError:
        return None
