"""The switches of one process that containers need: dumpable, no_new_privs, keepcaps, name.

Source: prctl(2).
"""

from __future__ import annotations

from runtime.linux.syscalls import number, syscall

_SET_PDEATHSIG = 1
_GET_DUMPABLE = 3
_SET_DUMPABLE = 4
_SET_KEEPCAPS = 8
_SET_NAME = 15
_CAPBSET_DROP = 24
_SET_CHILD_SUBREAPER = 36
_SET_NO_NEW_PRIVS = 38
_CAP_AMBIENT = 47


def _prctl(option: int, a: int | bytes = 0, b: int = 0) -> int:
    return syscall(number("prctl"), option, a, b, 0, 0)


def set_dumpable(dumpable: bool) -> None:
    """Whether others of the same user may trace this process and read its /proc entries."""
    _prctl(_SET_DUMPABLE, int(dumpable))


def dumpable() -> bool:
    """Whether this process may be traced by its user."""
    return _prctl(_GET_DUMPABLE) == 1


def set_no_new_privs() -> None:
    """From here on no execve gives more rights (setuid bits, file capabilities); for good."""
    _prctl(_SET_NO_NEW_PRIVS, 1)


def set_keep_capabilities(keep: bool) -> None:
    """Whether permitted capabilities survive the next change from uid 0."""
    _prctl(_SET_KEEPCAPS, int(keep))


def set_name(name: str) -> None:
    """Name of this process in `ps` and /proc/PID/comm, cut at 15 bytes."""
    _prctl(_SET_NAME, name.encode()[:15] + b"\0")


def set_child_subreaper() -> None:
    """Orphaned descendants become children of this process."""
    _prctl(_SET_CHILD_SUBREAPER, 1)


def drop_from_bounding_set(capability: int) -> None:
    """Take a capability out of reach of this process and all it starts."""
    _prctl(_CAPBSET_DROP, capability)


def raise_ambient(capability: int) -> None:
    """Keep a capability (permitted and inheritable already) across execve of ordinary programs."""
    _prctl(_CAP_AMBIENT, 2, capability)
