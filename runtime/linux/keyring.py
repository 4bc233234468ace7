"""A session keyring of one's own. Source: keyctl(2), session-keyring(7)."""

from __future__ import annotations

import errno

from runtime.linux.syscalls import number, syscall

_JOIN_SESSION_KEYRING = 1


def join_new_session() -> bool:
    """Leave the inherited session keyring for a new, empty one; False when the kernel has no keyrings."""
    try:
        syscall(number("keyctl"), _JOIN_SESSION_KEYRING, None)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        return False
    return True
