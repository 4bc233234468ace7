"""Journals for tests: entries in the Export format, and real journal files made of them."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from collectors.logs.record import LogTarget
from collectors.logs.rule import Rule
from collectors.model import LogSource

REMOTE = "/lib/systemd/systemd-journal-remote"
WEB = "ab" * 32
BOOT = "b" * 32
needs_journal = pytest.mark.skipif(
    not (Path(REMOTE).exists() and shutil.which("journalctl")),
    reason="needs journalctl and systemd-journal-remote",
)


def exported(message: bytes, number: int = 1, at: float | None = None, **fields: str | bytes) -> bytes:
    """One entry; `at` is when the journal took it."""
    micros = int((time.time() if at is None else at) * 1_000_000)
    cursor = f"s={'1' * 32};i={number:x};b={BOOT};m={number:x};t={micros:x};x={number:x}"
    fixed: dict[str, str | bytes] = {
        "__CURSOR": cursor,
        "__REALTIME_TIMESTAMP": str(micros),
        "__MONOTONIC_TIMESTAMP": str(number),
        "_BOOT_ID": BOOT,
    }
    fields = {"PRIORITY": "6", **fields}
    return (
        b"".join(field(name, value) for name, value in {**fixed, **fields, "MESSAGE": message}.items())
        + b"\n"
    )


def field(name: str, value: str | bytes) -> bytes:
    """One field, as text where that may be."""
    data = value.encode() if isinstance(value, str) else value
    if b"\n" in data or any(byte < 32 and byte != 9 for byte in data):
        return name.encode() + b"\n" + len(data).to_bytes(8, "little") + data + b"\n"
    return name.encode() + b"=" + data + b"\n"


class Journal:
    """A directory of journal files. Each message is one of Docker's container `WEB` unless told otherwise."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "system.journal"
        self.count = 0
        directory.mkdir(exist_ok=True)

    def print(self, *messages: bytes, at: float | None = None, **fields: str | bytes) -> None:
        """Append messages, each a microsecond later than the one before."""
        self.append([(message, fields) for message in messages], at=at)

    def append(self, entries: list[tuple[bytes, dict[str, str | bytes]]], at: float | None = None) -> None:
        """Append messages with fields of their own."""
        at = time.time() if at is None else at
        text = b""
        for message, fields in entries:
            self.count += 1
            owner = {} if "_SYSTEMD_UNIT" in fields else {"CONTAINER_ID_FULL": WEB}
            text += exported(message, self.count, at + self.count / 1_000_000, **{**owner, **fields})
        subprocess.run([REMOTE, "-o", str(self.file), "-"], input=text, check=True, capture_output=True)

    def rotate(self) -> None:
        """Leave the file as journald leaves one that is full."""
        self.file.rename(
            self.directory / f"system@{self.count:032x}-{self.count:016x}-{self.count:016x}.journal"
        )

    def target(self, match: str = f"CONTAINER_ID_FULL={WEB}", **members: object) -> LogTarget:
        """What is read of it."""
        source = LogSource(path=f"{self.directory}:{match}", format="journald")
        told: dict[str, object] = {"id": "/a", "source": source, "container": {}, "rule": Rule(), **members}
        return LogTarget(**told)  # type: ignore[arg-type]
