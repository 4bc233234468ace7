"""The host's own root file system as a container's root: seen, never changed.

The tree is a recursive clone, read-only at every mount in it, and a slave: an unmount on the host reaches
it, so nothing on the host stays busy because a workload runs. What must not be seen lies under mounts of
the container's own (`own_mounts`, and the hidden paths of the configuration).
"""

from __future__ import annotations

import os
from typing import Any

# Directories of the host that a workload finds empty, writable and its own.
OWN_DIRECTORIES = ("/tmp", "/var/tmp", "/run", "/root")


def own_mounts(root: str = "/") -> list[dict[str, Any]]:
    """OCI mounts of the private directories, for those that the host has (never through a symlink)."""
    return [
        {
            "destination": path,
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "nodev", "mode=1777", "size=64m"],
        }
        for path in OWN_DIRECTORIES
        if os.path.isdir(root + path) and not os.path.islink(root + path)
    ]
