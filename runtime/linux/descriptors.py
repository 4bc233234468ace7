"""Descriptors in bulk: close them, or mark them to be closed at execve. Source: close_range(2)."""

from __future__ import annotations

from runtime.linux.syscalls import CLOSE_RANGE, syscall

_ALL = 0xFFFFFFFF
_CLOEXEC = 4


def close_from(first: int) -> None:
    """Close this descriptor and all above it."""
    syscall(CLOSE_RANGE, first, _ALL, 0)


def close_on_exec_from(first: int) -> None:
    """Mark this descriptor and all above it to be closed at execve."""
    syscall(CLOSE_RANGE, first, _ALL, _CLOEXEC)
