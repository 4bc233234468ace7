"""The project's one error hierarchy: what failed, on what, and what to do about it."""

from __future__ import annotations

import os


class DeckwatchError(Exception):
    """An error whose text is one line for a person: what failed, on what, and the remedy."""


class NotSupported(DeckwatchError):
    """The host does not offer something; `reason` says which part is missing. Not a failure."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Refused(DeckwatchError):
    """A workload cannot be as it was asked: `key` is the setting, `remedy` what would make it possible."""

    def __init__(self, key: str, reason: str, remedy: str) -> None:
        super().__init__(f"{key}: {reason}; {remedy}")
        self.key = key
        self.reason = reason
        self.remedy = remedy


class KernelError(DeckwatchError):
    """A system call failed: `operation` and `path` say which, `errno` is the kernel's answer."""

    def __init__(self, operation: str, path: str, errno: int, remedy: str = "") -> None:
        text = f"cannot {operation} {path}: {os.strerror(errno)}"
        super().__init__(f"{text}; {remedy}" if remedy else text)
        self.operation = operation
        self.path = path
        self.errno = errno
