"""A file of what a peer refused for good, so that nothing is given up unseen."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

import orjson

from collectors.logs.batch import LogBatch
from collectors.logs.jsonline import JsonLines


class DeadLetterFile:
    """`DIRECTORY/NAME.jsonl` and its predecessor `NAME.1.jsonl`, together at most `most` bytes.

    Each line is the record with `refused: {reason, why}`. What cannot be written, or goes when the files turn, is
    told to `trouble`; it is counted as refused all the same.
    """

    def __init__(self, directory: str, name: str, most: int, trouble: Callable[[str, str], None]) -> None:
        self.path = os.path.join(directory, f"{name}.jsonl")
        self._older = os.path.join(directory, f"{name}.1.jsonl")
        self._most = most
        self._trouble = trouble
        os.makedirs(directory, mode=0o700, exist_ok=True)

    def put(self, batches: Sequence[LogBatch], reason: str, why: str) -> None:
        """Keep these records with the reason; on disk when it returns."""
        lines: list[bytes] = []
        for batch in batches:
            json = JsonLines(batch.target)
            lines += [
                orjson.dumps({"refused": {"reason": reason, "why": why}, **json.mapping(record)})
                for record in batch.records
            ]
        if not lines:
            return
        try:
            self._append(b"\n".join(lines) + b"\n")
        except OSError as error:
            self._trouble(
                "dead_letters_not_written", f"cannot write {self.path}: {error.strerror}; free space there"
            )

    def _append(self, data: bytes) -> None:
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            size = os.fstat(fd).st_size
            if size and size + len(data) > self._most // 2:
                self._turn()
                os.close(fd)
                fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            left = memoryview(data)[: max(self._most // 2, 1)]
            if len(left) < len(data):
                self._trouble("dead_letters_cut", f"{self.path} takes no more; raise dead_letter_bytes")
            while left:
                left = left[os.write(fd, left) :]
            os.fsync(fd)
        finally:
            os.close(fd)

    def _turn(self) -> None:
        if os.path.exists(self._older):
            self._trouble(
                "dead_letters_dropped", f"{self._older} made room for newer ones; raise dead_letter_bytes"
            )
        os.replace(self.path, self._older)
