"""Project quotas of ext4, xfs and f2fs: which project a directory belongs to, and what the project uses.

Source: ioctl_fsgetxattr (linux/fs.h), quotactl_fd(2) of Linux 5.14, struct if_dqblk of linux/quota.h.
"""

from __future__ import annotations

import ctypes
import fcntl
import struct
from typing import NamedTuple

from runtime.linux import waiting

# struct fsxattr: xflags, extsize, nextents, projid, cowextsize, 8 bytes of padding.
_XATTR = struct.Struct("=5I8x")
_GET_XATTR = (2 << 30) | (_XATTR.size << 16) | (ord("X") << 8) | 31
_INHERITS = 0x200

# struct if_dqblk: limits in KiB, use in bytes, then inodes, grace times and what of it is valid.
_QUOTA = struct.Struct("=8QI4x")
_QUOTACTL_FD = 443
_GET_QUOTA = (0x800007 << 8) | 2


class Project(NamedTuple):
    """The project of a directory, 0 for none; `inherits` is whether what is made below belongs to it, too."""

    id: int
    inherits: bool


class ProjectQuota(NamedTuple):
    """What a project uses and may use, in bytes and inodes; a limit of 0 is none."""

    used: int
    limit: int
    files: int
    files_limit: int


def project(descriptor: int) -> Project:
    """The project of an open directory; OSError where the file system knows none (ENOTTY)."""
    buffer = bytearray(_XATTR.size)
    fcntl.ioctl(descriptor, _GET_XATTR, buffer)
    flags, _, _, id, _ = _XATTR.unpack(buffer)
    return Project(id, bool(flags & _INHERITS))


def used_by(descriptor: int, project: int) -> ProjectQuota:
    """What a project uses of the file system of a descriptor.

    OSError: ESRCH when project quotas are not on, EPERM without CAP_SYS_ADMIN, ENOSYS before Linux 5.14.
    """
    buffer = ctypes.create_string_buffer(_QUOTA.size)
    waiting.syscall(_QUOTACTL_FD, descriptor, _GET_QUOTA, project, buffer)
    return parse(buffer.raw)


def parse(content: bytes) -> ProjectQuota:
    """A struct if_dqblk; of two limits the lower one that is set counts."""
    hard, soft, used, files_hard, files_soft, files, *_ = _QUOTA.unpack(content)
    return ProjectQuota(used, _lower(hard, soft) * 1024, files, _lower(files_hard, files_soft))


def _lower(hard: int, soft: int) -> int:
    return min((limit for limit in (hard, soft) if limit), default=0)
