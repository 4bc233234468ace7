"""What one process sees mounted, without what only looks like a file system. Source: proc_pid_mountinfo(5)."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Mapping
from typing import NamedTuple

from runtime.linux import mountinfo
from runtime.linux.mountinfo import Mount

# Bytes of a container's list that are looked at, as it may mount what it likes.
_MOST_BYTES = 256 << 10

# Types that hold no files of anybody's, or that are full by nature.
VIRTUAL = frozenset(
    b"autofs binfmt_misc bpf cgroup cgroup2 configfs cramfs debugfs devpts devtmpfs efivarfs erofs fuse.gvfsd-fuse"
    b" fuse.lxcfs fuse.portal fusectl hostfs hugetlbfs iso9660 mqueue nsfs proc pstore ramfs rootfs rpc_pipefs"
    b" securityfs selinuxfs smackfs squashfs sysfs tracefs udf".split()
)
# A program serves these, and may never answer.
_SERVED = (b"fuse", b"fuseblk")


class Mounts(NamedTuple):
    """One process's mounts: what its `/` is, whatever its type, and the other file systems that hold files.

    `served` are the ids of those that a program serves (FUSE), and of those that are reached through one; `overlays`
    tells where overlays are mounted, by the number of their device.
    """

    root: Mount | None
    others: tuple[Mount, ...]
    served: frozenset[int]
    overlays: Mapping[str, str]


def parse(content: bytes) -> Mounts:
    """What a mountinfo lists, in the kernel's order. Overlays that are not the root are somebody's containers."""
    root, others = None, []
    served: set[bytes] = set()
    parents: list[tuple[bytes, bytes]] = []
    overlays: dict[str, str] = {}
    for line in content.split(b"\n"):
        _, _, rest = line.partition(b" - ")
        kind = rest[: rest.find(b" ")]
        fields = line.split(b" ", 5)
        if len(fields) < 6 or not kind:
            continue
        parents.append((fields[0], fields[1]))
        if kind in _SERVED or kind.startswith(b"fuse."):
            served.add(fields[0])
        if kind in VIRTUAL and fields[4] != b"/":
            continue
        if kind == b"overlay" and fields[4] != b"/":
            # Its options are long, and nobody asks for them.
            line = b" ".join(fields[:5]) + b" rw - overlay overlay rw"
        with contextlib.suppress(ValueError, IndexError):
            mount = mountinfo.parse(line)
            if mount.target == "/":
                root = mount
            elif kind == b"overlay":
                overlays[mount.device] = mount.target
            else:
                others.append(mount)
    return Mounts(root, tuple(others), _with_what_is_below(served, parents), overlays)


def _with_what_is_below(served: set[bytes], parents: list[tuple[bytes, bytes]]) -> frozenset[int]:
    found = 0
    while len(served) > found:
        found = len(served)
        served.update(mount for mount, parent in parents if parent in served)
    return frozenset(int(mount) for mount in served)


def of_process(proc: str, pid: int) -> Mounts:
    """What a container's first process sees, as far as it is looked at; OSError without the right to look.

    Raises ProcessLookupError for one that has ended: it stands in proc without a mount namespace until it is waited
    for, and is answered with EINVAL. Source: mounts_open_common in fs/proc_namespace.c.
    """
    content = b""
    try:
        file = open(f"{proc}/{pid}/mountinfo", "rb", buffering=0)  # noqa: SIM115
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ProcessLookupError(errno.ESRCH, "has ended", error.filename) from None
        raise
    with file:
        while len(content) < _MOST_BYTES and (part := file.read(_MOST_BYTES - len(content))):
            content += part
    whole, _, _ = content.rpartition(b"\n")
    return parse(whole)


def device_of(mount: Mount) -> str:
    """What cAdvisor calls the device: the source; for tmpfs, which has none, where it is mounted."""
    if mount.fs_type == "overlay":
        return f"overlay_{mount.device.replace(':', '-')}"
    if mount.fs_type == "tmpfs" or not mount.source or mount.source == "none":
        return mount.target
    return mount.source
