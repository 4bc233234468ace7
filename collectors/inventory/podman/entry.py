"""A container of Podman as its files, its processes and Podman's own word tell it, in the inventory's words."""

from __future__ import annotations

import os
import signal
from typing import NamedTuple

import msgspec

from collectors.inventory.addresses import addresses_of
from collectors.inventory.bundle import Spec, UnreadableBundle, read_spec
from collectors.inventory.docker.entry import HEALTH, LIVE, reason_of, signal_of
from collectors.inventory.podman.facts import End, Known
from collectors.inventory.storage.conmon import Exit, Run, run_of
from collectors.inventory.storage.lists import Stored, decoded
from collectors.model import Container, Entry, Health, Limits, LogSource, Network, Reason, Role, State
from runtime.linux.errors import NotSupported
from runtime.linux.hierarchies import Hierarchies

ENGINE = "podman"
HEALTH_FILE = "healthcheck.log"
LOG_DRIVER = "k8s-file"

_LOG_FILE = "ctr.log"
_OOM_FILE = "oom"
_OOM_EXIT = 128 + signal.SIGKILL
_OWN_ANNOTATIONS = ("io.podman.", "io.container.", "io.kubernetes.cri-o.")


class _HealthLog(msgspec.Struct, frozen=True, rename="pascal"):
    status: str = ""


class Look(NamedTuple):
    """What was found of one container at one moment. `left` is when its files last came or went."""

    stored: Stored
    run: Run
    spec: Spec | None
    health: Health
    frozen: bool
    ran_out: bool
    log: str
    left: float | None
    addresses: tuple[str, ...]


class Course(NamedTuple):
    """How far a container has come: its state, when its run began and ended, and how."""

    state: State
    began: float | None = None
    finished: float | None = None
    code: int | None = None
    failed: bool = False


def look_at(stored: Stored, hierarchies: Hierarchies) -> Look:
    """Read a container's files and processes; not for the event loop."""
    run = run_of(stored.run_directory, stored.id, hierarchies)
    spec = spec_of(stored.directory)
    log = (
        run.monitor.logs.get(LOG_DRIVER, "") if run.monitor else _existing(f"{stored.directory}/{_LOG_FILE}")
    )
    owner = run.process is not None and spec is not None and spec.network is Network.OWNER
    times = [_changed(directory) for directory in (stored.directory, stored.run_directory)]
    return Look(
        stored=stored,
        run=run,
        spec=spec,
        health=_health(stored),
        frozen=run.process is not None and frozen(hierarchies, run.process.id),
        ran_out=os.path.exists(f"{stored.directory}/{_OOM_FILE}"),
        log=log,
        left=max((time for time in times if time is not None), default=None),
        addresses=addresses_of(run.process.pid, hierarchies.proc) if owner and run.process else (),
    )


def course_of(look: Look, known: Known | None, end: Exit | None, last: Entry | None) -> Course | None:
    """How far it has come; None while conmon has more to say, as between its start and the container's.

    `end` is what conmon noted of the last end, `last` what was known of the container.
    """
    run = look.run
    if run.began is None:
        return _without_run(look, known, end, last)
    told = known.end_of(run.began) if known is not None else End()
    if end is not None and end.time >= run.began:
        return Course(State.EXITED, run.began, end.time, told.code if end.code is None else end.code)
    if run.process is not None:
        return Course(State.PAUSED if look.frozen else State.RUNNING, run.began)
    if run.monitor is not None:
        return None
    if told.time is None and not run.pidfile and _failed_to_start(run.began, known, last):
        return Course(State.EXITED, None, run.began, None, failed=True)
    return Course(State.EXITED, run.began, told.time or look.left, told.code)


def _without_run(look: Look, known: Known | None, end: Exit | None, last: Entry | None) -> Course:
    """It has not run since the host started: it never did, is about to, or did before a reboot.

    While it is removed its files go before it is off the list.
    """
    if last is not None and last.container.state in LIVE:
        began = last.container.started_at
        told = end if end is not None and end.time >= (began or 0.0) else (None, None)
        return Course(State.EXITED, began, *told)
    if last is not None and known is None:
        one = last.container
        return Course(one.state, one.started_at, one.finished_at, one.exit_code)
    begun = known.begun if known is not None else look.spec is not None and look.run.left is None
    if not begun:
        return Course(State.CREATED)
    known = known or Known()
    return Course(State.EXITED, None, known.finished_at, known.exit_code)


def entry_of(look: Look, course: Course, known: Known | None, last: Entry | None) -> Entry:
    """The entry of a container that has come so far; `last` is what was known of it."""
    stored, process = look.stored, look.run.process
    known = known or Known()
    live = course.state in LIVE
    stopped = bool(known.stopped) and (course.state is State.EXITED or live)
    network = look.spec.network if look.spec else last.network if last else Network.NONE
    container = Container(
        id=process.id if live and process else last.container.id if last else "",
        name=stored.name,
        engine=ENGINE,
        engine_id=stored.id,
        image=stored.metadata.image_name,
        state=course.state,
        health=look.health,
        created_at=look.stored.created_at,
        started_at=course.began,
        finished_at=course.finished,
        exit_code=course.code,
        signal=signal_of(course.code),
        reason=_reason(look, course, stopped=stopped),
        restarts=known.restarts,
        role=Role.SANDBOX if known.infra else Role.CONTAINER,
        labels=known.all_labels(),
        limits=look.spec.limits if look.spec else Limits(),
    )
    return Entry(
        container=container,
        pid=process.pid if live and process else 0,
        pid_start=process.start if live and process else 0,
        network=network,
        log=_log(look, known, last),
        annotations=_annotations(look.spec),
        addresses=look.addresses,
        ports=known.ports,
        stop_requested=stopped,
    )


def spec_of(directory: str) -> Spec | None:
    """The bundle that a container was last started from; None before that, or when it is damaged."""
    try:
        return read_spec(directory)
    except UnreadableBundle:
        return None


def frozen(hierarchies: Hierarchies, id: str) -> bool:
    """Whether a cgroup is paused: by the freezer controller of v1, or by the cgroup's own freezer in v2."""
    if not id:
        return False
    names = (("freezer", "freezer.state", b"FROZEN"), ("unified", "cgroup.freeze", b"1"))
    for hierarchy, name, word in names:
        try:
            with open(f"{hierarchies.directory(hierarchy, id)}/{name}", "rb") as file:
                if file.read(16).strip() == word:
                    return True
        except (OSError, NotSupported):
            continue
    return False


def _failed_to_start(began: float, known: Known | None, last: Entry | None) -> bool:
    """Whether a run without a process failed to start, or is one that ended before anybody looked."""
    return last.container.started_at != began if last is not None else known is not None


def _reason(look: Look, course: Course, *, stopped: bool) -> Reason | None:
    if course.state is not State.EXITED:
        return None
    if course.failed:
        return Reason.START_FAILED
    if look.ran_out and course.code == _OOM_EXIT and not stopped:
        return Reason.OOM
    return reason_of(course.code, stopped=stopped) or Reason.UNKNOWN


def _annotations(spec: Spec | None) -> dict[str, str]:
    annotations = spec.annotations if spec else {}
    return {key: value for key, value in annotations.items() if not key.startswith(_OWN_ANNOTATIONS)}


def _log(look: Look, known: Known, last: Entry | None) -> LogSource | None:
    path = look.log or known.log
    if path.startswith("/"):
        return LogSource(path=path, format="cri")
    return last.log if last is not None and look.run.monitor is None else None


def _health(stored: Stored) -> Health:
    told = decoded(f"{os.path.dirname(stored.run_directory)}/{HEALTH_FILE}", _HealthLog)
    return HEALTH.get(told.status, Health.NONE) if told else Health.NONE


def _existing(path: str) -> str:
    return path if os.path.isfile(path) else ""


def _changed(path: str) -> float | None:
    try:
        return os.stat(path).st_mtime
    except OSError:
        return None
