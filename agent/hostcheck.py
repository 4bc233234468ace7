"""What this host and these rights allow: one probe per question, each changing nothing.

A probe answers with a `Finding`: what it looked at, what it found, and the conditions that speak against it.
"""

from __future__ import annotations

import asyncio
import ctypes
import errno
import os
import resource
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.conditions import Condition, Severity, condition
from agent.config.settings import Config
from runtime.linux import hierarchies
from runtime.linux.errors import DeckwatchError
from runtime.linux.hierarchies import Hierarchies

# controller (v1 names after a slash): what is lost without it
CONTROLLERS = {
    "cpu": "CPU quotas and throttling",
    "cpuacct": "CPU time",
    "memory": "memory and OOM kills",
    "pids": "threads and their limit",
    "io": "disk traffic",
    "cpuset": "pinning to CPUs",
}
_V1_NAMES = {"io": "blkio"}
_V2_NONE = {"cpuacct"}  # part of the core of v2

# capability: (its bit, what is lost without it); see capabilities(7)
CAPABILITIES = {
    "CAP_DAC_READ_SEARCH": (2, "log files of engines and of other users cannot be read"),
    "CAP_KILL": (5, "workloads of other users cannot be stopped"),
    "CAP_NET_ADMIN": (12, "what tasks waited for (delays) cannot be read"),
    "CAP_SYS_PTRACE": (19, "network and processes of other users' containers cannot be read"),
    "CAP_SYS_ADMIN": (21, "workloads with limits and own root file systems cannot be started"),
}
# System calls that starting a workload needs; their numbers are the same on every architecture.
MOUNT_CALLS = {"open_tree": 428, "move_mount": 429, "fsopen": 430, "mount_setattr": 442}
WATCHES = 65_536
INSTANCES = 128
FILES = 8192
FILES_PER_CONTAINER = 8
CLONE_NEWUSER = 0x10000000
SOCKET_TIMEOUT = 2.0


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the matrix: the subject, what was found, and what is wrong with it."""

    subject: str
    text: str
    wrong: list[Condition] = field(default_factory=list)

    @property
    def status(self) -> str:
        """`ok`, `degraded` or `missing`: the worst of what is wrong."""
        if not self.wrong:
            return "ok"
        missing = any(one.severity is Severity.MISSING for one in self.wrong)
        return Severity.MISSING.value if missing else Severity.DEGRADED.value


def findings(config: Config) -> Iterator[Finding]:
    """The whole matrix of this host, for this configuration."""
    proc = config.paths.proc
    found = hierarchies.detect(proc)
    yield cgroups(found)
    yield cgroup_rights(found, config.runtime.cgroup_parent)
    yield pressure(proc)
    yield swap(found)
    yield kernel_log()
    yield rights(proc)
    yield user_namespaces(proc)
    yield mount_calls()
    yield engine("docker", config.inventory.docker.socket)
    yield from pods(config)
    yield inotify(proc)
    yield open_files()
    yield directory("paths.state", config.paths.state)
    yield directory("paths.run", config.paths.run)


def cgroups(found: Hierarchies) -> Finding:
    """Mode of the cgroup tree, and its controllers."""
    if not found.all():
        return Finding("cgroups", "none", [condition("cgroup_missing")])
    present, wrong = [], []
    for name, what in CONTROLLERS.items():
        if name in _V2_NONE and found.mode == "v2":
            continue
        shown = name if found.mode == "v2" else _V1_NAMES.get(name, name)
        if found.of(shown) is not None or found.of(name) is not None:
            present.append(shown)
        else:
            how = f"mount it: mount -t cgroup -o {shown} none /sys/fs/cgroup/{shown}"
            if found.mode == "v2":
                how = f"echo +{name} > cgroup.subtree_control of the parent cgroups"
            wrong.append(condition("controller_missing", controller=shown, what=what, how=how))
    return Finding("cgroups", f"{found.mode}, with {', '.join(present)}", wrong)


def cgroup_rights(found: Hierarchies, parent: str) -> Finding:
    """Whether workloads' cgroups can be made, in every hierarchy that limits them."""
    for name in ("unified", "cpu", "memory", "pids"):
        hierarchy = found.of(name)
        if hierarchy is None:
            continue
        try:
            path = _nearest(hierarchy.directory(parent))
        except DeckwatchError as error:
            return _readonly(parent, str(error))
        if os.statvfs(path).f_flag & os.ST_RDONLY:
            return _readonly(path, "mounted read-only")
        if not os.access(path, os.W_OK):
            return _readonly(path, "not writable by this user")
    return Finding("workload cgroups", f"can be created under {parent}")


def _readonly(path: str, reason: str) -> Finding:
    return Finding(
        "workload cgroups", "cannot be created", [condition("cgroup_readonly", path=path, reason=reason)]
    )


def _nearest(path: str) -> str:
    """The path itself, or the nearest directory above it that exists."""
    while not os.path.isdir(path) and path != "/":
        path = os.path.dirname(path)
    return path


def pressure(proc: str) -> Finding:
    """Whether the kernel tells how long tasks wait for cpu, memory and io."""
    try:
        with open(f"{proc}/pressure/cpu", "rb") as file:
            file.read(1)
    except OSError:
        return Finding("pressure (PSI)", "not offered", [condition("psi_missing")])
    return Finding("pressure (PSI)", "offered")


def kernel_log(path: str = "/dev/kmsg") -> Finding:
    """Whether the kernel's log can be read, which names the processes that are killed for want of memory."""
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except OSError as error:
        reason = f"{path}: {error.strerror}"
        return Finding("kernel log", "not readable", [condition("kernel_log_unreadable", reason=reason)])
    return Finding("kernel log", "readable")


def swap(found: Hierarchies) -> Finding:
    """Whether a swap limit can be enforced."""
    memory = found.of("memory")
    if memory is None:
        return Finding("swap accounting", "no memory controller", [condition("swap_accounting_missing")])
    if memory.version == 1:
        offered = os.path.exists(f"{memory.mountpoint}/memory.memsw.limit_in_bytes")
    else:
        offered = any(
            os.path.exists(f"{entry.path}/memory.swap.max")
            for entry in os.scandir(memory.mountpoint)
            if entry.is_dir()
        )
    if offered:
        return Finding("swap accounting", "offered")
    if _has_no_swap(found.proc):
        return Finding("swap accounting", "not offered, and this host has no swap")
    return Finding("swap accounting", "not offered", [condition("swap_accounting_missing")])


def _has_no_swap(proc: str) -> bool:
    with open(f"{proc}/meminfo", encoding="ascii") as file:
        return any(line.split()[:2] == ["SwapTotal:", "0"] for line in file)


def rights(proc: str) -> Finding:
    """User and capabilities of this process."""
    held = effective_capabilities(proc)
    missing = [
        condition("capability_missing", capability=name, what=what)
        for name, (bit, what) in CAPABILITIES.items()
        if not held >> bit & 1
    ]
    uid = os.geteuid()
    if uid != 0 and missing:
        missing.insert(0, condition("not_root", uid=uid))
    return Finding("rights", "root" if uid == 0 else f"uid {uid}", missing)


def effective_capabilities(proc: str) -> int:
    """The effective set of this process as a bit mask."""
    with open(f"{proc}/self/status", encoding="ascii", errors="replace") as file:
        line = next((line for line in file if line.startswith("CapEff:")), "CapEff: 0")
    return int(line.split()[1], 16)


def user_namespaces(proc: str) -> Finding:
    """Whether a user namespace can be made, tried in a child process."""
    child = os.fork()
    if child == 0:
        os._exit(_unshare_user())
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code == 0:
        return Finding("user namespaces", "can be created")
    reason = os.strerror(code) if code > 0 else f"signal {-code}"
    return Finding("user namespaces", "cannot be created", [condition("userns_missing", reason=reason)])


def _unshare_user() -> int:
    libc = ctypes.CDLL(None, use_errno=True)
    return 0 if libc.unshare(CLONE_NEWUSER) == 0 else ctypes.get_errno() & 0x7F


def mount_calls() -> Finding:
    """Whether the kernel, and a seccomp filter before it, let the mount calls through that workloads need."""
    missing = [name for name, number in MOUNT_CALLS.items() if not _exists(name, number)]
    if missing:
        return Finding("mount calls", "not all", [condition("mount_api_missing", call=", ".join(missing))])
    return Finding("mount calls", "all there (Linux 5.12 or newer)")


def _exists(name: str, number: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.syscall(number, -1, None, -1, None, -1)  # arguments that no call accepts
    answer = ctypes.get_errno()
    # The kernel itself says EPERM to an ordinary user for these two; for the others a filter does.
    own_refusal = name in ("move_mount", "fsopen")
    return answer != errno.ENOSYS and (answer != errno.EPERM or own_refusal)


def engine(name: str, path: str) -> Finding:
    """Whether an engine's socket can be connected to."""
    subject = f"engine {name}"
    if not os.path.exists(path):
        return Finding(subject, f"no socket at {path}; nothing to mend unless it runs here")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(SOCKET_TIMEOUT)
        try:
            probe.connect(path)
        except OSError as error:
            reason = error.strerror or "no answer"
            return Finding(
                subject,
                "not reachable",
                [condition("socket_unreachable", engine=name, path=path, reason=reason)],
            )
    return Finding(subject, f"answers at {path}")


def pods(config: Config) -> Iterator[Finding]:
    """Whether those tell of this node's pods who are asked: nobody on a host without Kubernetes."""
    if config.inventory.kubernetes.enabled is False:
        return
    # An HTTP client, for those who have somebody to ask.
    from agent.kubernetes import informants
    from collectors.inventory.pods import Pods

    for one in informants(config, Pods()).all():
        subject = f"pods by {one.name}"
        if reason := asyncio.run(one.trouble()):
            refused = condition("kubernetes_unavailable", engine=one.name, reason=reason)
            yield Finding(subject, "not told", [refused])
        else:
            yield Finding(subject, f"told by {one.url}")


def inotify(proc: str) -> Finding:
    """Whether enough directories can be watched."""
    wanted = {"max_user_watches": WATCHES, "max_user_instances": INSTANCES}
    shown, wrong = [], []
    for key, least in wanted.items():
        try:
            with open(f"{proc}/sys/fs/inotify/{key}", encoding="ascii") as file:
                value = int(file.read())
        except (OSError, ValueError):
            continue
        shown.append(f"{key} {value}")
        if value < least:
            wrong.append(condition("inotify_low", key=key, value=value, wanted=least))
    return Finding("inotify", ", ".join(shown) or "limits cannot be read", wrong)


def open_files() -> Finding:
    """Whether enough files may be open."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard == resource.RLIM_INFINITY:
        return Finding("open files", "unlimited")
    if hard < FILES:
        few = condition("nofile_low", value=hard, containers=hard // FILES_PER_CONTAINER)
        return Finding("open files", str(hard), [few])
    return Finding("open files", f"{hard}, enough for {hard // FILES_PER_CONTAINER} containers")


def directory(key: str, path: str) -> Finding:
    """Whether a directory of state is this user's, or can be made."""
    if not os.path.isdir(path):
        parent = _nearest(path)
        if os.access(parent, os.W_OK | os.X_OK):
            return Finding(key, f"{path} will be created")
        reason = f"{parent} is not writable by this user"
        return Finding(key, path, [condition("directory_unusable", path=path, reason=reason, key=key)])
    found = os.stat(path)
    if found.st_uid != os.geteuid() or found.st_mode & 0o022:
        shared = condition("directory_shared", path=path, owner=found.st_uid, key=key)
        return Finding(key, path, [shared])
    return Finding(key, path)
