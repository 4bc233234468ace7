"""Where the older parts of a rotated log file lie, oldest first.

Rules of the writers: a small number (`.1`, Docker and conmon; the higher the older), or a date or a rising
sequence (kubelet, logrotate, our own monitor; the higher the newer), each plain or gzipped.
Unfinished work (`.tmp`, `.new`) is nobody's sibling, nor are links, which may lead anywhere. Where a plain file and its archive both stand,
the plain one counts: the archive may not be finished.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

_SUFFIX = re.compile(r"[.-](\d[\d-]*)(\.gz)?")
_ROTATED = re.compile(r"(.*?[^/])[.-]\d[\d-]*(?:\.gz)?", re.DOTALL)
_SMALL = 5


class Sibling(NamedTuple):
    """A rotated file: its path, its inode, whether it is gzipped, whether it is a copy in the spool, whether files
    before it were gone before anybody read them."""

    path: str
    inode: int
    gz: bool
    spooled: bool = False
    gap: bool = False


def rotated(path: str) -> list[Sibling]:
    """The rotated siblings of a log file, oldest first; empty when its directory is gone."""
    directory, name = os.path.split(path)
    found: dict[str, Sibling] = {}
    try:
        with os.scandir(directory or ".") as entries:
            for entry in entries:
                if not entry.name.startswith(name):
                    continue
                match = _SUFFIX.fullmatch(entry.name, len(name))
                if match and entry.is_file(follow_symlinks=False) and (not match[2] or match[1] not in found):
                    found[match[1]] = Sibling(entry.path, entry.inode(), bool(match[2]))
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [found[suffix] for suffix in sorted(found, key=_age)]


def rotated_from(path: str) -> str | None:
    """The path that a file had before it was rotated, if it has the name of a rotated one; else None."""
    found = _ROTATED.fullmatch(path)
    return found[1] if found else None


def _age(suffix: str) -> tuple[bool, int, str]:
    small = suffix.isdigit() and len(suffix) <= _SMALL
    return (True, -int(suffix), "") if small else (False, 0, suffix)
