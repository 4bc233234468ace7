"""Files that processes have open, and their limit."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

_PROCESSES = "Those in cgroups below its own are in it, where cAdvisor leaves them out, unless these are containers of their own. As of a moment some seconds ago."
_PTRACE = "CAP_SYS_PTRACE for other users' processes"
FILE_DESCRIPTORS = gauge(
    "container_file_descriptors",
    "process",
    "Descriptors that the container's processes have open.",
    compat=Compat.FIXED,
    difference=_PROCESSES,
    proc="/proc/PID/fd st_size, before Linux 6.2 its entries",
    right=f"none since Linux 6.2, before it {_PTRACE}",
)
SOCKETS = gauge(
    "container_sockets",
    "process",
    "Descriptors of sockets that the container's processes have open.",
    compat=Compat.FIXED,
    difference=f"{_PROCESSES} Absent while there are more than 10,000 descriptors to look at, where cAdvisor looks at all of them, and where looking is refused, which cAdvisor counts as 0.",
    proc="/proc/PID/fd/FD",
    right=_PTRACE,
)
FILE_DESCRIPTORS_LIMIT_RATIO = gauge(
    "container_file_descriptors_limit_ratio",
    "process",
    "Open descriptors in proportion to their soft limit, of the container's process that is nearest to it.",
    unit="ratio",
    compat=Compat.OWN,
    difference="As of a moment some seconds ago. Absent where no process has a limit.",
    proc="/proc/PID/fd, /proc/PID/limits Max open files",
    right=f"none since Linux 6.2, before it {_PTRACE}",
)
ULIMITS_SOFT = gauge(
    "container_ulimits_soft",
    "process",
    "Soft limits of the container's first process; -1 for unlimited.",
    "ulimit",
    proc="/proc/PID/limits Max open files",
)

PROCESS: tuple[Family, ...] = (
    FILE_DESCRIPTORS,
    SOCKETS,
    FILE_DESCRIPTORS_LIMIT_RATIO,
    ULIMITS_SOFT,
)
