"""The two homes of state: made, their owner checked, and locked against a second agent.

`paths.run` holds what a reboot invalidates, `paths.state` all else. Each carries a format version.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat

from runtime.linux.errors import DeckwatchError, KernelError

FORMAT = 1


class Home:
    """One directory of state, locked while this object is open. Raises DeckwatchError with the remedy."""

    def __init__(self, path: str, key: str, *, mode: int = 0o700) -> None:
        self.path = os.path.abspath(path)
        self._key = key
        self._lock = -1
        self._make(mode)
        self._take()
        try:
            self._check_format()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let another agent have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _make(self, mode: int) -> None:
        try:
            os.makedirs(self.path, mode=mode, exist_ok=True)
            found = os.stat(self.path)
        except OSError as error:
            raise KernelError(
                "create", self.path, error.errno or 0, f"set {self._key} to a directory of this user"
            ) from None
        if found.st_uid != os.geteuid():
            raise DeckwatchError(
                f"{self.path} belongs to uid {found.st_uid}, not to this user ({os.geteuid()}); "
                f"chown it, or set {self._key} to a directory of this user"
            )
        if stat.S_IMODE(found.st_mode) & 0o022:
            raise DeckwatchError(f"{self.path} can be written by others; chmod go-w {self.path}")

    def _take(self) -> None:
        path = f"{self.path}/lock"
        try:
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise KernelError(
                "open", path, error.errno or 0, f"check the owner, or set {self._key}"
            ) from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip() or "unknown"
            self.close()
            raise DeckwatchError(
                f"another agent (pid {holder}) uses {self.path}; stop it, or set {self._key} to another directory"
            ) from None
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def _check_format(self) -> None:
        path = f"{self.path}/format.json"
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file).get("format")
        except FileNotFoundError:
            with open(path, "w", encoding="utf-8") as file:
                json.dump({"format": FORMAT}, file)
            return
        except (OSError, ValueError, AttributeError):
            found = None
        if found != FORMAT:
            raise DeckwatchError(
                f"{path} says format {found}, this version writes format {FORMAT}; "
                f"use the version that wrote it, or set {self._key} to an empty directory"
            )
