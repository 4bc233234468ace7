"""Subvolumes of btrfs and what their quota groups count.

Source: linux/btrfs.h (BTRFS_IOC_INO_LOOKUP, BTRFS_IOC_TREE_SEARCH) and linux/btrfs_tree.h (quota tree).
"""

from __future__ import annotations

import ctypes
import struct
from typing import NamedTuple

from runtime.linux import waiting

# A subvolume's topmost directory has this inode.
SUBVOLUME_INODE = 256

_SIZE = 4096
_READ_WRITE = (3 << 30) | (_SIZE << 16) | (0x94 << 8)
_TREE_SEARCH = _READ_WRITE | 17
_INODE_LOOKUP = _READ_WRITE | 18

# tree, objectid from and to, offset from and to, transaction from and to, type from and to, number of items.
_KEY = struct.Struct("=7Q3I36x")
_HEADER = struct.Struct("=3Q2I")
_QUOTA_TREE = 8
_INFO = 242
_LIMIT = 244
_INFO_ITEM = struct.Struct("=5Q")
_LIMIT_ITEM = struct.Struct("=5Q")
_LIMITS_REFERENCED = 1
_LIMITS_EXCLUSIVE = 2
_MOST = (1 << 64) - 1


class Qgroup(NamedTuple):
    """What a subvolume refers to, what of it no other refers to, and the limits on both (0 for none); bytes."""

    referenced: int
    exclusive: int
    referenced_limit: int
    exclusive_limit: int


def subvolume(descriptor: int) -> int:
    """Id of the subvolume that an open directory belongs to; OSError (ENOTTY) when it lies on no btrfs."""
    buffer = ctypes.create_string_buffer(struct.pack("=2Q", 0, SUBVOLUME_INODE), _SIZE)
    waiting.ioctl(descriptor, _INODE_LOOKUP, buffer)
    return int(struct.unpack_from("=Q", buffer)[0])


def qgroup(descriptor: int, subvolume: int) -> Qgroup | None:
    """The quota group of a subvolume of the descriptor's file system; None where quotas are not on.

    OSError: EPERM without CAP_SYS_ADMIN.
    """
    try:
        info = _item(descriptor, _INFO, subvolume)
        limit = _item(descriptor, _LIMIT, subvolume)
    except FileNotFoundError:
        return None
    return parse(info, limit) if info else None


def parse(info: bytes, limit: bytes) -> Qgroup:
    """The items of a quota group; `limit` may be empty."""
    _, referenced, _, exclusive, _ = _INFO_ITEM.unpack(info)
    flags, most_referenced, most_exclusive, _, _ = _LIMIT_ITEM.unpack(limit or bytes(_LIMIT_ITEM.size))
    return Qgroup(
        referenced,
        exclusive,
        most_referenced if flags & _LIMITS_REFERENCED else 0,
        most_exclusive if flags & _LIMITS_EXCLUSIVE else 0,
    )


def _item(descriptor: int, kind: int, offset: int) -> bytes:
    """The one item (0, kind, offset) of the quota tree; empty when there is none."""
    key = _KEY.pack(_QUOTA_TREE, 0, 0, offset, offset, 0, _MOST, kind, kind, 1)
    buffer = ctypes.create_string_buffer(key, _SIZE)
    waiting.ioctl(descriptor, _TREE_SEARCH, buffer)
    content = buffer.raw
    (found,) = struct.unpack_from("=I", content, _KEY.size - 40)
    if not found:
        return b""
    *_, length = _HEADER.unpack_from(content, _KEY.size)
    start = _KEY.size + _HEADER.size
    return content[start : start + length]
