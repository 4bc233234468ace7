"""Capabilities by name, and the sets of this process. Source: capabilities(7), capset(2)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from runtime.linux import prctl
from runtime.linux.syscalls import number, syscall

# In the kernel's order: the place is the number.
NAMES: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)
NUMBERS = {name: index for index, name in enumerate(NAMES)}
_VERSION_3 = 0x20080522


def mask(names: Iterable[str]) -> int:
    """Bit mask of capabilities by their names (`CAP_KILL`); KeyError names an unknown one."""
    bits = 0
    for name in names:
        bits |= 1 << NUMBERS[name]
    return bits


def last(proc: str = "/proc") -> int:
    """Highest capability that this kernel knows."""
    with open(f"{proc}/sys/kernel/cap_last_cap", encoding="ascii") as file:
        return int(file.read())


def limit_bounding_set(keep: int, last_capability: int) -> None:
    """Drop everything outside the mask from the bounding set; needs CAP_SETPCAP."""
    for capability in range(last_capability + 1):
        if not keep >> capability & 1:
            prctl.drop_from_bounding_set(capability)


def set_sets(effective: int, permitted: int, inheritable: int) -> None:
    """Set the three sets of this process; more than it may have is EPERM."""
    header = struct.pack("<Ii", _VERSION_3, 0)
    low = 0xFFFFFFFF
    data = struct.pack(
        "<6I",
        effective & low,
        permitted & low,
        inheritable & low,
        effective >> 32,
        permitted >> 32,
        inheritable >> 32,
    )
    syscall(number("capset"), header, data)


def set_ambient(bits: int) -> None:
    """Raise these ambient capabilities; they must be permitted and inheritable."""
    for capability in range(len(NAMES)):
        if bits >> capability & 1:
            prctl.raise_ambient(capability)
