"""What agent, zygote and monitors say to each other: JSON, one object per line or packet.

To the zygote (SOCK_SEQPACKET): `ping`, `start` and `adopt` of a replica (with one descriptor: the socket on
which the monitor tells its events), `exit`. To a monitor (SOCK_STREAM): `state`, `watch`, `stop`, `kill`.
Commands are only ever added; `PROTOCOL` says which set a process serves.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import re
import socket
import struct
from collections.abc import Iterator
from typing import Any

PROTOCOL = 1
PACKET = 65536
REPLICA = re.compile(r"[a-z0-9][a-z0-9-]{0,60}")
# A socket's address takes 108 bytes, the last of them NUL.
ADDRESS = 107
# Made once: a process forked later only uses what it finds.
_encode = json.JSONEncoder(separators=(",", ":")).encode
_PIECE = 65536


def encode(message: dict[str, Any]) -> bytes:
    """One message as a line."""
    return _encode(message).encode() + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """One message; ValueError when it is not an object."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a message is a JSON object")
    return message


def peer_uid(connection: socket.socket) -> int:
    """User of the process at the other end, as the kernel knows it (SO_PEERCRED)."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    _, uid, _ = struct.unpack("iII", credentials)
    return int(uid)


def trusted(connection: socket.socket) -> bool:
    """Whether the peer is root or this process's own user."""
    return peer_uid(connection) in (0, os.geteuid())


@contextlib.contextmanager
def short_path(path: str) -> Iterator[str]:
    """The path, or another way to say one that is too long for a socket's address."""
    if len(os.fsencode(path)) <= ADDRESS:
        yield path
        return
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


def receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """One packet and the descriptors sent with it, close-on-exec; the caller owns them."""
    size = array.array("i").itemsize
    content, ancillary, _, _ = connection.recvmsg(
        PACKET, socket.CMSG_SPACE(4 * size), socket.MSG_CMSG_CLOEXEC
    )
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % size])
    return content, list(descriptors)


def write_file(path: str, content: dict[str, Any], *, sync: bool = False) -> None:
    """Put a JSON file in place at once; with `sync` it also survives a power cut."""
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, encode({"format": 1, **content}))
        if sync:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(temporary, path)


def read_file(path: str) -> dict[str, Any] | None:
    """A JSON file; None when there is none or it is not whole."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    content = b""
    try:
        while piece := os.read(descriptor, _PIECE):
            content += piece
        return decode(content)
    except ValueError:
        return None
    finally:
        os.close(descriptor)
