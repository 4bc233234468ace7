"""One inotify instance for all directories that hold logs. It only hastens: polling stays the truth.

Source: inotify(7). A queue that ran over is told as `None`, after which everything is to be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator

from runtime.linux import inotify
from runtime.linux.errors import KernelError
from runtime.linux.inotify import IN_CREATE, IN_IGNORED, IN_MODIFY, IN_MOVED_TO, IN_Q_OVERFLOW

_MASK = IN_MODIFY | IN_MOVED_TO | IN_CREATE


class Directories:
    """Watches directories; `fd` becomes readable when something happened in one of them."""

    def __init__(self) -> None:
        try:
            self._kernel = inotify.Inotify()
        except OSError as error:
            raise KernelError(
                "create", "an inotify instance", error.errno or 0, "raise fs.inotify.max_user_instances"
            ) from None
        self.fd = self._kernel.descriptor
        self._directories: dict[int, str] = {}
        self._watches: dict[str, int] = {}

    def watch(self, directory: str) -> None:
        """Begin to watch; once is enough. Raises KernelError, for a missing directory too."""
        if directory in self._watches:
            return
        try:
            watch = self._kernel.watch(directory, _MASK)
        except OSError as error:
            raise KernelError(
                "watch", directory, error.errno or 0, "raise fs.inotify.max_user_watches"
            ) from None
        self._directories[watch] = directory
        self._watches[directory] = watch

    def unwatch(self, directory: str) -> None:
        """Stop watching a directory."""
        watch = self._watches.pop(directory, None)
        if watch is not None:
            self._directories.pop(watch, None)
            self._kernel.unwatch(watch)

    def read(self) -> Iterator[str | None]:
        """The paths on which something happened since the last call; None when some were lost."""
        for watch, mask, name in self._kernel.events():
            if mask & IN_Q_OVERFLOW:
                yield None
            elif mask & IN_IGNORED:
                self._watches.pop(self._directories.pop(watch, ""), None)
            elif watch in self._directories:
                yield f"{self._directories[watch]}/{name}"

    def close(self) -> None:
        """Let go of all watches."""
        self._kernel.close()
