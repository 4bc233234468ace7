"""What containers/storage keeps on disk of the containers that Podman and CRI-O made in it.

`ROOT/DRIVER-containers/` holds their list and a directory for each, `RUN/DRIVER-containers/` what a reboot
invalidates. The list is `containers.json`; those that need not survive a crash stand beside it in
`volatile-containers.json`. Source: containers/storage, docs/containers-storage.md.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from typing import TypeVar

import msgspec

from collectors.inventory.docker.entry import seconds
from runtime.linux.errors import DeckwatchError

LISTS = ("containers.json", "volatile-containers.json")
LIST_LIMIT = 64 << 20
FILE_LIMIT = 4 << 20
FOLDER = "-containers"

_ID = re.compile(r"[0-9a-f]{64}")

T = TypeVar("T")


class StorageUnreadable(DeckwatchError):
    """A storage is not there or cannot be read; the text names it and the remedy."""


class Metadata(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What an engine wrote beside a container. Only CRI-O's have a pod; `pod` marks a pod's sandbox."""

    name: str = ""
    image_name: str = ""
    pod_name: str = ""
    pod_id: str = ""
    metadata_name: str = ""
    namespace: str = ""
    uid: str = ""
    attempt: int = 0
    pod: bool = False


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """A container in a storage. `directory` outlives a reboot, `run_directory` does not."""

    id: str
    name: str
    created_at: float | None = None
    metadata: Metadata
    directory: str
    run_directory: str


class _Line(msgspec.Struct, frozen=True):
    id: str
    names: list[str] | None = None
    metadata: str = ""
    created: str = ""


def folders(top: str) -> list[str]:
    """The directories of containers in a storage's root or run directory, one for each storage driver."""
    try:
        return sorted(f"{top}/{name}" for name in os.listdir(top) if name.endswith(FOLDER))
    except (FileNotFoundError, NotADirectoryError):
        return []


def require(root: str) -> None:
    """Raise StorageUnreadable where there is no storage: one look, so that an absent one costs nothing."""
    try:
        os.stat(root)
    except OSError as error:
        raise _unreadable(root, error) from error


def containers(root: str, run: str) -> list[Stored]:
    """All containers of a storage, whoever made them; not for the event loop. Raises StorageUnreadable."""
    require(root)
    try:
        found = {
            one.id: one
            for top in (root, run)
            for folder in folders(top)
            for name in LISTS
            for one in _listed(f"{folder}/{name}", root, run)
        }
    except OSError as error:
        raise _unreadable(root, error) from error
    return list(found.values())


def decoded(path: str, shape: type[T], limit: int = FILE_LIMIT) -> T | None:
    """A JSON file as a struct; None when it is missing, too large, no file, or holds something else."""
    try:
        content = content_of(path, limit)
    except OSError:
        return None
    try:
        return msgspec.json.decode(content or b"", type=shape)
    except msgspec.MsgspecError:
        return None


def content_of(path: str, limit: int = FILE_LIMIT) -> bytes | None:
    """A whole file; None when it is larger than `limit` bytes or no regular file. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    with open(descriptor, "rb") as file:
        told = os.fstat(descriptor)
        if not stat.S_ISREG(told.st_mode) or told.st_size > limit:
            return None
        return file.read(limit)


def _listed(path: str, root: str, run: str) -> list[Stored]:
    try:
        content = content_of(path, LIST_LIMIT)
    except FileNotFoundError:
        return []
    if content is None:
        raise StorageUnreadable(f"{path} is no file of at most {LIST_LIMIT} bytes")
    try:
        lines = msgspec.json.decode(content, type=list[_Line])
    except msgspec.MsgspecError as error:
        raise StorageUnreadable(f"{path} is no list of containers: {error}") from error
    folder = os.path.basename(os.path.dirname(path))
    return [_stored(line, f"{root}/{folder}", f"{run}/{folder}") for line in lines if _ID.fullmatch(line.id)]


def _stored(line: _Line, root: str, run: str) -> Stored:
    try:
        metadata = msgspec.json.decode(line.metadata or "{}", type=Metadata)
    except msgspec.MsgspecError:
        metadata = Metadata()
    return Stored(
        id=line.id,
        name=(line.names or [""])[0] or metadata.name,
        created_at=_time(line.created),
        metadata=metadata,
        directory=f"{root}/{line.id}/userdata",
        run_directory=f"{run}/{line.id}/userdata",
    )


def _time(text: str) -> float | None:
    try:
        return seconds(text)
    except ValueError:
        return None


def _unreadable(root: str, error: OSError) -> StorageUnreadable:
    remedies = {errno.ENOENT: "nothing to do where its engine is not used", errno.EACCES: "run as root"}
    remedy = remedies.get(error.errno or 0, "make it readable")
    return StorageUnreadable(f"cannot read the storage {root}: {error.strerror}; {remedy}")
