"""A writer of numbered CRI lines that rotates its log, as a process: `python -m tests.integration.logwriter`.

Lines are written whole, some in parts on both streams; each rotation is by rename, with a rising number,
older files are gzipped and then removed, as engines do it.
"""

from __future__ import annotations

import argparse
import gzip
import os
import random
import time

from collectors.logs.times import render


class Log:
    """The file being written and its rotation."""

    def __init__(self, path: str, *, keep: int, plain: int, numbered: bool) -> None:
        self.path = path
        self._keep = keep
        self._plain = plain
        self._numbered = numbered
        self._sequence = 0
        self._fd = _opened(path)

    def write(self, data: bytes) -> None:
        os.write(self._fd, data)

    def rotate(self) -> None:
        """Rename, begin anew, compress all but the newest, forget the oldest."""
        self._sequence += 1
        if self._numbered:
            self._shift()
        else:
            os.rename(self.path, f"{self.path}.{self._sequence:010d}")
        os.close(self._fd)
        self._fd = _opened(self.path)
        if not self._numbered:
            self._compress()

    def _shift(self) -> None:
        for number in range(self._keep - 1, 0, -1):
            for suffix in ("", ".gz"):
                name = f"{self.path}.{number}{suffix}"
                if os.path.exists(name):
                    os.rename(name, f"{self.path}.{number + 1}{suffix}")
        os.rename(self.path, f"{self.path}.1")
        older = f"{self.path}.{self._plain + 1}"
        if os.path.exists(older):
            _gzip(older)

    def _compress(self) -> None:
        older = f"{self.path}.{self._sequence - self._plain:010d}"
        if os.path.exists(older):
            _gzip(older)
        oldest = f"{self.path}.{self._sequence - self._keep:010d}.gz"
        if os.path.exists(oldest):
            os.unlink(oldest)


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)


def _gzip(path: str) -> None:
    with open(path, "rb") as source, gzip.open(f"{path}.tmp", "wb", compresslevel=1) as target:
        target.write(source.read())
    os.rename(f"{path}.tmp", f"{path}.gz")
    os.unlink(path)


def main() -> None:
    """Write for a while and print how many lines and bytes each stream got."""
    parser = argparse.ArgumentParser()
    parser.add_argument("path")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--every", type=float, default=0.2)
    parser.add_argument("--keep", type=int, default=1000)
    parser.add_argument("--plain", type=int, default=2)
    parser.add_argument("--numbered", action="store_true")
    options = parser.parse_args()
    log = Log(options.path, keep=options.keep, plain=options.plain, numbered=options.numbered)
    chance = random.Random(1)
    lines = {"stdout": 0, "stderr": 0}
    size = {"stdout": 0, "stderr": 0}
    half: dict[str, str] = {}
    end = time.monotonic() + options.seconds
    rotation = time.monotonic() + options.every
    while time.monotonic() < end:
        batch: list[str] = []
        for _ in range(200):
            stream = "stderr" if chance.random() < 0.2 else "stdout"
            text = f"{stream} {lines[stream]:08d} " + "x" * chance.randrange(120)
            if stream not in half and chance.random() < 0.02:
                cut = chance.randrange(len(text))
                batch.append(f"{render(time.time_ns())} {stream} P {text[:cut]}\n")
                half[stream] = text[cut:]
                size[stream] += len(text) + 1
                continue
            if stream in half:
                text = half.pop(stream)
            else:
                size[stream] += len(text) + 1
            batch.append(f"{render(time.time_ns())} {stream} F {text}\n")
            lines[stream] += 1
        log.write("".join(batch).encode())
        if time.monotonic() > rotation:
            rotation += options.every
            log.rotate()
        time.sleep(0.005)
    for stream, text in half.items():
        log.write(f"{render(time.time_ns())} {stream} F {text}\n".encode())
        lines[stream] += 1
    print(lines["stdout"], lines["stderr"], size["stdout"], size["stderr"])


if __name__ == "__main__":
    main()
