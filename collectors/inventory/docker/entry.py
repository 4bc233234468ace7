"""A container as Docker tells it, made into the inventory's words."""

from __future__ import annotations

import datetime
import signal
from typing import NamedTuple

from msgspec.structs import replace as altered

from collectors.inventory.docker.api import (
    LOCAL,
    DockerEvent,
    HostSettings,
    Inspect,
    Networks,
    RunState,
    Summary,
)
from collectors.model import Container, Entry, Health, Limits, LogSource, Network, Reason, State
from runtime.linux.hierarchies import Hierarchies
from runtime.linux.process import start_time

ENGINE = "docker"
NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
POD_LABEL = "io.kubernetes.pod.name"
LIVE = (State.RUNNING, State.PAUSED)

_STATES = {
    "created": State.CREATED,
    "running": State.RUNNING,
    "paused": State.PAUSED,
    "restarting": State.RESTARTING,
}
HEALTH = {"healthy": Health.HEALTHY, "unhealthy": Health.UNHEALTHY, "starting": Health.STARTING}
_LOG_FORMATS = {"json-file": "docker_json", LOCAL: "docker_local"}
_DEFAULT_PERIOD = 100_000
_ANNOTATION = "annotation."
_NO_LABELS = {"name", "image", "exitCode", "signal", "oldName", "execID", "execDuration"}
_SIGNALS = {int(number) for number in signal.Signals}


class Process(NamedTuple):
    """A container's own process: pid and start as in `Entry`, and the cgroup that is the container's id."""

    pid: int = 0
    start: int = 0
    id: str = ""


def process_of(told: Inspect, hierarchies: Hierarchies) -> Process:
    """The process of an inspected container; nothing when it does not run any more.

    Not for the event loop: /proc/PID/cgroup waits for whoever moves a process between cgroups, which is for
    tens of milliseconds while containers start.
    """
    pid = told.state.pid if state_of(told.state.status) in LIVE else 0
    start = start_time(pid, hierarchies.proc) if pid else 0
    id = cgroup_id(hierarchies, pid, told.id) if start else ""
    return Process(pid, start, id) if start else Process()


def entry_of(told: Inspect, process: Process, *, last: Entry | None, began: float | None) -> Entry:
    """The entry of an inspected container; `last` is what was known of it, `began` when its run did.

    The id comes from the cgroups of the container's own process, so each cgroup driver and each parent
    is right; of a container that does not run it is the last that was known, else empty.
    """
    state = _state(told.state)
    labels = told.config.labels or {}
    stopped = last is not None and last.stop_requested and last.container.started_at == began
    exit_code = told.state.exit_code if state in (State.EXITED, State.RESTARTING) else None
    network = _network(told.host_config.network_mode)
    container = Container(
        id=process.id or (last.container.id if last else ""),
        name=told.name.removeprefix("/"),
        engine=ENGINE,
        engine_id=told.id,
        image=told.config.image,
        state=state,
        health=_health(told.state),
        created_at=seconds(told.created),
        started_at=began,
        finished_at=seconds(told.state.finished_at) if exit_code is not None else None,
        exit_code=exit_code,
        signal=signal_of(exit_code),
        reason=reason_of(exit_code, stopped=stopped, state=told.state),
        restarts=told.restart_count,
        labels=labels,
        limits=_limits(told.host_config),
        namespace=labels.get(NAMESPACE_LABEL, ""),
        pod=labels.get(POD_LABEL, ""),
        container=_pod_container(labels),
    )
    return Entry(
        container=container,
        pid=process.pid,
        pid_start=process.start,
        network=network,
        log=_log(told),
        annotations=_annotations(labels),
        addresses=_addresses(told.network_settings) if network is Network.OWNER else (),
        ports=_ports(told),
        stop_requested=stopped,
    )


def entry_of_summary(told: Summary) -> Entry:
    """What the list alone tells: for a container whose own answer cannot be had."""
    labels = told.labels or {}
    container = Container(
        id="",
        name=(told.names or [""])[0].removeprefix("/"),
        engine=ENGINE,
        engine_id=told.id,
        image=told.image,
        state=state_of(told.state),
        labels=labels,
        namespace=labels.get(NAMESPACE_LABEL, ""),
        pod=labels.get(POD_LABEL, ""),
        container=_pod_container(labels),
    )
    return Entry(container=container, annotations=_annotations(labels), network=Network.NONE)


def entry_of_event(event: DockerEvent) -> Entry:
    """What an event alone tells of a container that is new, or gone before it could be asked."""
    attributes = event.attributes
    labels = {key: value for key, value in attributes.items() if key not in _NO_LABELS}
    container = Container(
        id="",
        name=attributes.get("name", ""),
        engine=ENGINE,
        engine_id=event.container_id,
        image=attributes.get("image", ""),
        state=State.CREATED,
        labels=labels,
        namespace=labels.get(NAMESPACE_LABEL, ""),
        pod=labels.get(POD_LABEL, ""),
        container=_pod_container(labels),
    )
    return Entry(container=container, annotations=_annotations(labels), network=Network.NONE)


def started(entry: Entry, time: float | None) -> Entry:
    """The entry as it was while the run that began at `time` lasted, when nobody looked in time."""
    container = altered(
        entry.container,
        state=State.RUNNING,
        started_at=time,
        finished_at=None,
        exit_code=None,
        signal=None,
        reason=None,
    )
    return altered(entry, container=container, pid=0, pid_start=0, stop_requested=False)


def ended(entry: Entry, time: float | None, exit_code: int | None, *, stopped: bool) -> Entry:
    """The entry after its run ended at `time`; an exit code that nobody saw is None and its reason unknown."""
    container = altered(
        entry.container,
        state=State.EXITED,
        finished_at=time,
        exit_code=exit_code,
        signal=signal_of(exit_code),
        reason=reason_of(exit_code, stopped=stopped) or Reason.UNKNOWN,
    )
    return altered(entry, container=container, pid=0, pid_start=0, stop_requested=stopped)


def cgroup_id(hierarchies: Hierarchies, pid: int, engine_id: str) -> str:
    """The container's cgroup from its process; empty when the process is gone.

    A process may have moved below the cgroup its engine made (systemd inside a container does): the part
    of the path that names the container is the container's.
    """
    paths = hierarchies.paths_of_pid(pid)
    if not paths:
        return ""
    path = hierarchies.id_of(paths)
    at = path.find(engine_id)
    if at < 0:
        return path
    end = path.find("/", at)
    return path if end < 0 else path[:end]


def signal_of(exit_code: int | None) -> int | None:
    """The signal behind an exit code above 128, if there is one of that number."""
    number = (exit_code or 0) - 128
    return number if number in _SIGNALS else None


def reason_of(exit_code: int | None, *, stopped: bool, state: RunState | None = None) -> Reason | None:
    """Why a run ended, as far as Docker tells; None when it did not end or nobody knows.

    Docker's OOM flag also stands for a child that was killed long before, so it only explains a SIGKILL;
    the cgroup's counter has the last word elsewhere.
    """
    if exit_code is None:
        return None
    if state is not None and state.error and seconds(state.started_at) is None:
        return Reason.START_FAILED
    if exit_code == 0:
        return Reason.STOPPED if stopped else Reason.COMPLETED
    if stopped:
        return Reason.STOPPED
    if state is not None and state.oom_killed and exit_code == 128 + signal.SIGKILL:
        return Reason.OOM
    return Reason.SIGNAL if signal_of(exit_code) else Reason.ERROR


def seconds(text: str) -> float | None:
    """A time of the API in seconds since the epoch; None for its zero (year 1) and for an empty text."""
    if not text or text.startswith("0001-"):
        return None
    moment = datetime.datetime.fromisoformat(text)
    whole = int(moment.replace(microsecond=0).timestamp())
    digits = text.partition(".")[2]
    fraction = digits[: len(digits) - len(digits.lstrip("0123456789"))]
    return whole + (float(f"0.{fraction}") if fraction else 0.0)


def state_of(word: str) -> State:
    """A status word of the engine; `removing` and `dead` containers have ended too."""
    return _STATES.get(word, State.EXITED)


def _state(state: RunState) -> State:
    failed = state.status == "created" and state.error
    return State.EXITED if failed else state_of(state.status)


def _health(state: RunState) -> Health:
    return HEALTH.get(state.health.status, Health.NONE) if state.health else Health.NONE


def _network(mode: str) -> Network:
    if mode == "host":
        return Network.HOST
    return Network.FOLLOWER if mode.startswith("container:") else Network.OWNER


def _limits(host: HostSettings) -> Limits:
    memory = host.memory or None
    cpus = (host.nano_cpus or 0) / 1e9
    if not cpus and (host.cpu_quota or 0) > 0:
        cpus = (host.cpu_quota or 0) / (host.cpu_period or _DEFAULT_PERIOD)
    swap = (host.memory_swap or 0) - (memory or 0) if (host.memory_swap or 0) > 0 else None
    pids = host.pids_limit if (host.pids_limit or 0) > 0 else None
    return Limits(cpus=cpus or None, memory=memory, swap=swap, pids=pids)


def _log(told: Inspect) -> LogSource | None:
    format = _LOG_FORMATS.get(told.host_config.log_config.type)
    return LogSource(path=told.log_path, format=format) if format and told.log_path else None


def _pod_container(labels: dict[str, str]) -> str:
    """The kubelet's name of the container; a pod's sandbox has none."""
    name = labels.get("io.kubernetes.container.name", "")
    return "" if name == "POD" else name


def _annotations(labels: dict[str, str]) -> dict[str, str]:
    return {
        key.removeprefix(_ANNOTATION): value for key, value in labels.items() if key.startswith(_ANNOTATION)
    }


def _addresses(settings: Networks | None) -> tuple[str, ...]:
    endpoints = (settings.networks or {}) if settings else {}
    found = [
        address
        for _, endpoint in sorted(endpoints.items())
        if endpoint is not None
        for address in (endpoint.ip_address, endpoint.global_ipv6_address)
        if address
    ]
    return tuple(dict.fromkeys(found))


def _ports(told: Inspect) -> tuple[int, ...]:
    ports = [port.partition("/") for port in told.config.exposed_ports or {}]
    return tuple(sorted(int(number) for number, _, kind in ports if kind == "tcp" and number.isdigit()))
