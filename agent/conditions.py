"""What can be wrong with the host or the agent: one list, with a remedy each.

`/-/ready` and `deckwatch doctor` speak from this list alone, so that a person reads the same words in
both. A new condition is one line in `KINDS`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from string import Formatter


class Severity(enum.StrEnum):
    """How much of the agent is affected."""

    DEGRADED = "degraded"  # a part works less well
    MISSING = "missing"  # a part does not work


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing that is not as it should be. `text` says what, `remedy` what to do; one line each."""

    code: str
    severity: Severity
    text: str
    remedy: str

    def line(self) -> str:
        """What and remedy on one line."""
        return f"{self.text}; {self.remedy}" if self.remedy else self.text


D, M = Severity.DEGRADED, Severity.MISSING

# code: (severity, text, remedy); names in braces are filled by the one who reports it.
KINDS: dict[str, tuple[Severity, str, str]] = {
    # the agent
    "inventory_incomplete": (D, "the first look at all containers is not complete yet", "wait a moment"),
    "engine_unavailable": (
        D,
        "{engine} does not answer: {reason}",
        "start it, or set inventory.{engine}.enabled: false",
    ),
    "kubernetes_unavailable": (
        D,
        "{engine} does not tell of this node's pods: {reason}",
        "pods show without labels, owners and restart counts until then",
    ),
    "listener_failed": (
        D,
        "cannot listen on {address}: {reason}",
        "free the address or change server.listen, then reload",
    ),
    "web_config_refused": (
        D,
        "the new web configuration is not in force: {reason}",
        "mend it, or reload when it is meant so; the last good one stays in force meanwhile",
    ),
    "runtime_off": (
        D,
        "workloads are off: {reason}",
        "run as root with a writable cgroup tree, or set runtime.enabled: false",
    ),
    "log_worker_down": (
        D,
        "the log worker ended ({reason}) and is started again in {delay}",
        "read the agent's own log for its last words",
    ),
    "log_unreadable": (
        D,
        "cannot read {count} log files, the first is {path}: {reason}",
        "run as root or add CAP_DAC_READ_SEARCH",
    ),
    "watch_degraded": (
        D,
        "cgroups are found by a rescan each minute: {reason}",
        "raise fs.inotify.max_user_watches",
    ),
    "collector_unsupported": (
        D,
        "no {collector} metrics: {reason}",
        "see docs/metrics.md, or set metrics.collectors.{collector}: false",
    ),
    "kernel_log_unreadable": (
        D,
        "OOM kills are told without the process that died: {reason}",
        "run as root or add CAP_SYSLOG, and in a container mount the host's /dev/kmsg",
    ),
    "collector_stuck": (
        D,
        "some {collector} metrics are missing: {reason}",
        "see to that, or set metrics.collectors.{collector}: false",
    ),
    "series_limit": (
        D,
        "{dropped} series are left out of /metrics: the limit is {limit}",
        "raise metrics.series_limit or narrow inventory.include",
    ),
    "descriptors_low": (
        D,
        "only {limit} open files are allowed, so {count} containers are read without kept files",
        "raise RLIMIT_NOFILE (LimitNOFILE= in a unit) to 65536",
    ),
    "reload_failed": (
        D,
        "the new configuration was refused: {reason}",
        "mend it and reload; the old one is in force",
    ),
    "restart_needed": (
        D,
        "changed in the configuration, but in force only after a restart: {keys}",
        "restart the agent; workloads go on meanwhile with runtime.on_exit: keep",
    ),
    "store_reset": (
        D,
        "{path} was damaged and was put aside as {aside}",
        "nothing; events before now are in that file",
    ),
    "disk_full": (D, "cannot write to {path}: {reason}", "free some space there, or move paths.state"),
    "workload_failed": (D, "workload {name} is {state}: {reason}", "see: deckwatch inspect {name}"),
    # the host
    "cgroup_missing": (
        M,
        "no cgroup hierarchy is mounted",
        "mount one: mount -t cgroup2 none /sys/fs/cgroup",
    ),
    "controller_missing": (
        D,
        "the cgroup controller {controller} is not available, so {what} cannot be read",
        "enable it: {how}",
    ),
    "cgroup_readonly": (
        D,
        "cgroups under {path} cannot be created ({reason}), so workloads run without limits or not at all",
        "run as root with /sys/fs/cgroup writable, or delegate a subtree (Delegate=yes in a unit)",
    ),
    "psi_missing": (
        D,
        "the kernel offers no pressure stall information, so pressure metrics are absent",
        "boot with psi=1",
    ),
    "swap_accounting_missing": (
        D,
        "swap is not accounted per cgroup, so a workload's swap limit cannot be enforced",
        "boot with swapaccount=1",
    ),
    "not_root": (
        D,
        "running as uid {uid}: other users' processes, logs and engines may be unreadable",
        "run as root, or grant the capabilities below",
    ),
    "capability_missing": (
        D,
        "{capability} is missing: {what}",
        "add it (AmbientCapabilities={capability} in a unit), or run as root",
    ),
    "socket_unreachable": (
        D,
        "{engine}: cannot connect to {path}: {reason}",
        "start the engine, or let this user read and write its socket",
    ),
    "inotify_low": (
        D,
        "fs.inotify.{key} is {value}, less than {wanted}",
        "raise it: sysctl fs.inotify.{key}={wanted}",
    ),
    "nofile_low": (
        D,
        "at most {value} files may be open, which suits {containers} containers",
        "raise RLIMIT_NOFILE (LimitNOFILE= in a unit) to 65536",
    ),
    "userns_missing": (
        D,
        "user namespaces cannot be created: {reason}",
        "sysctl user.max_user_namespaces=15000 (Debian also kernel.unprivileged_userns_clone=1)",
    ),
    "mount_api_missing": (
        M,
        "the kernel has no {call}, so workloads cannot be started",
        "use Linux 5.12 or newer, and a seccomp profile that allows it",
    ),
    "directory_unusable": (M, "cannot use {path}: {reason}", "create it for this user, or set {key}"),
    "directory_shared": (
        M,
        "{path} belongs to uid {owner} or is open to others",
        "chown it to this user and chmod 0700, or set {key}",
    ),
    "agent_absent": (D, "the agent cannot be asked: {reason}", "start one: deckwatch run"),
}


def condition(code: str, **values: object) -> Condition:
    """The condition of this code with its text filled in; KeyError when code or a value is missing."""
    severity, text, remedy = KINDS[code]
    filled = {name: _one_line(value) for name, value in values.items()}
    return Condition(code, severity, text.format(**filled), remedy.format(**filled))


def placeholders(code: str) -> set[str]:
    """Names of the values that a condition wants."""
    _, text, remedy = KINDS[code]
    return {name for part in (text, remedy) for _, name, _, _ in Formatter().parse(part) if name}


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


class Conditions:
    """What is wrong at present, by code and subject; the service sets and clears, the doors read."""

    def __init__(self) -> None:
        self._current: dict[tuple[str, str], Condition] = {}

    def set(self, code: str, subject: str = "", /, **values: object) -> bool:
        """Report a condition (of one engine, listener, … when `subject` is given); True when it is news."""
        return self.put(condition(code, **values), subject)

    def put(self, new: Condition, subject: str = "", /) -> bool:
        """Report a condition that somebody else found; True when it is news."""
        old = self._current.get((new.code, subject))
        self._current[(new.code, subject)] = new
        return new != old

    def clear(self, code: str, subject: str = "", /) -> bool:
        """The condition is over; True when it was there."""
        return self._current.pop((code, subject), None) is not None

    def current(self) -> list[Condition]:
        """All present conditions, the worst first."""
        return sorted(self._current.values(), key=lambda one: (one.severity is not M, one.code, one.text))
