"""Which entries of which journal are one container's or service's: the path of a LogSource of format `journald`.

`CONTAINER_ID_FULL=4bf9…` in this machine's journal, `/var/log/journal:_SYSTEMD_UNIT=cron.service` in that directory.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from collectors.logs.formats import Unreadable
from collectors.model import LogSource

FORMAT = "journald"
CONTAINER = "CONTAINER_ID_FULL"
UNIT = "_SYSTEMD_UNIT"

_PATH = re.compile(rf"(?:(/.*):)?({CONTAINER}|{UNIT})=([\w.:@\\-]{{1,256}})", re.ASCII)


class Match(NamedTuple):
    """A field and its value, in the journal of a directory; no directory is this machine's journal."""

    directory: str
    field: str
    value: str

    @property
    def source(self) -> LogSource:
        """Where the output of those entries lies."""
        prefix = f"{self.directory}:" if self.directory else ""
        return LogSource(path=f"{prefix}{self.field}={self.value}", format=FORMAT)

    @property
    def words(self) -> str:
        """As journalctl takes it."""
        return f"{self.field}={self.value}"


def match_of(source: LogSource) -> Match:
    """From a LogSource; raises Unreadable when it names no entries of a journal."""
    found = _PATH.fullmatch(source.path)
    if found is None:
        raise Unreadable(
            f"no entries of a journal: {source.path[:200]!r}; [DIRECTORY:]FIELD=VALUE is expected"
        )
    return Match(found[1] or "", found[2], found[3])
