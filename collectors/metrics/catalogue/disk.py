"""File systems: what the writable layer and volumes use, and what is left."""

from __future__ import annotations

from collectors.metrics.catalogue.family import Compat, Family, gauge

_RIGHT = "CAP_DAC_READ_SEARCH for the engine's directories, CAP_SYS_PTRACE for roots that are no overlay"
_QUOTA = f"{_RIGHT}, CAP_SYS_ADMIN for quotas"
_VOLUME_RIGHT = "CAP_SYS_PTRACE for other users' processes"
_VOLUME_QUOTA = f"{_VOLUME_RIGHT}, CAP_SYS_ADMIN for quotas"
_LAYER = (
    "Of the file system that holds the writable layer, whichever engine made it: containerd's containers"
    " have them too. The root `/` has one series for each of the host's file systems."
)

FS_LIMIT = gauge(
    "container_fs_limit_bytes",
    "disk",
    "Bytes the container may use: its quota's limit, else the size of the file system.",
    "device",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_LAYER + " With a quota its limit.",
    proc="/proc/PID/mountinfo, statfs",
    right=_RIGHT,
)
FS_USAGE = gauge(
    "container_fs_usage_bytes",
    "disk",
    "Bytes the writable layer uses.",
    "device",
    unit="bytes",
    compat=Compat.FIXED,
    difference=_LAYER
    + " From a project quota, a btrfs quota group (exclusive bytes; referenced ones where they are limited),"
    " a file system of its own, or the engine; else absent, or with `disk_walk` the sum of its files' blocks."
    " cAdvisor walks all trees, and adds the log.",
    proc="quotactl, BTRFS_IOC_TREE_SEARCH, statfs",
    right=_QUOTA,
)
FS_INODES = gauge(
    "container_fs_inodes_total",
    "disk",
    "Inodes the container may use; absent where the file system does not count them.",
    "device",
    compat=Compat.FIXED,
    difference=_LAYER,
    proc="/proc/PID/mountinfo, statfs",
    right=_RIGHT,
)
FS_INODES_FREE = gauge(
    "container_fs_inodes_free",
    "disk",
    "Inodes that are left.",
    "device",
    compat=Compat.FIXED,
    difference=_LAYER,
    proc="/proc/PID/mountinfo, statfs",
    right=_RIGHT,
)

_VOLUME = ("device", "mountpoint")
VOLUME_LIMIT = gauge(
    "container_volume_limit_bytes",
    "disk",
    "Bytes a volume may hold: its quota's limit, else the size of its file system. Volumes on the file system"
    " of the host's root or of the writable layer are told only with a quota of their own.",
    *_VOLUME,
    unit="bytes",
    compat=Compat.OWN,
    proc="/proc/PID/mountinfo, statfs",
    right=_VOLUME_RIGHT,
)
VOLUME_USAGE = gauge(
    "container_volume_usage_bytes",
    "disk",
    "Bytes a volume uses, where a quota counts them; of a file system of its own what df tells.",
    *_VOLUME,
    unit="bytes",
    compat=Compat.OWN,
    proc="quotactl, BTRFS_IOC_TREE_SEARCH, statfs",
    right=_VOLUME_QUOTA,
)
VOLUME_INODES = gauge(
    "container_volume_inodes",
    "disk",
    "Inodes a volume may hold.",
    *_VOLUME,
    compat=Compat.OWN,
    proc="/proc/PID/mountinfo, statfs",
    right=_VOLUME_RIGHT,
)
VOLUME_INODES_FREE = gauge(
    "container_volume_inodes_free",
    "disk",
    "Inodes that are left in a volume's file system or quota.",
    *_VOLUME,
    compat=Compat.OWN,
    proc="/proc/PID/mountinfo, statfs",
    right=_VOLUME_RIGHT,
)
FS_WALKED = gauge(
    "container_fs_walk_timestamp_seconds",
    "disk_walk",
    "When the walk ended that container_fs_usage_bytes comes from, in seconds since the epoch.",
    unit="seconds",
    compat=Compat.OWN,
    proc="the files of the writable layer",
    right="CAP_DAC_READ_SEARCH for other users' files",
)

DISK: tuple[Family, ...] = (
    FS_LIMIT,
    FS_USAGE,
    FS_INODES,
    FS_INODES_FREE,
    VOLUME_LIMIT,
    VOLUME_USAGE,
    VOLUME_INODES,
    VOLUME_INODES_FREE,
    FS_WALKED,
)
