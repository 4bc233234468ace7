"""A replica's output, from its two FIFOs into its log: nothing lost, nothing doubled, whatever is killed.

The invariant: what left a FIFO is in a file (its stage), and what is in the log is recorded in `progress`
or recognised by its content, else cut. In order: FIFO → stage (one splice), stage → log (one writev),
then the record (one pwrite). Killed in between, the next one to open the capture finds the stage longer
than its recorded part, and the log at most one write longer than recorded: whole records whose content
stands at the stage's recorded offset are accepted, anything else is cut and framed again.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable

from runtime.container.framing import PART, Clock, Framed, flush, frame, unframe
from runtime.container.logfile import LogFile
from runtime.container.progress import Progress, ProgressFile
from runtime.container.staging import CHUNK, Stage

NAMES = ("stdout", "stderr")
IDLE = 1.0
RETRY = 1.0
EMPTY_STAGE = 1 << 16
FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)

_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)


class Stream:
    """One of the two outputs: its FIFO (-1 when closed), its stage, and its unfinished line."""

    def __init__(self, number: int, directory: str, progress: Progress) -> None:
        self.number = number
        self.name = NAMES[number].encode()
        self.fifo = os.open(f"{directory}/{NAMES[number]}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        offset = progress.stderr if number else progress.stdout
        self.stage = Stage(f"{directory}/{NAMES[number]}.stage", offset)
        self.open = progress.open_stderr if number else progress.open_stdout
        self.rest_since = 0.0

    def close_fifo(self) -> None:
        """Stop reading."""
        if self.fifo >= 0:
            os.close(self.fifo)
            self.fifo = -1


class Capture:
    """Reads FIFOs into the log; `block` keeps output back while the disk is full, else it is dropped and counted."""

    def __init__(
        self,
        directory: str,
        log: LogFile,
        *,
        block: bool = False,
        clock: Clock | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log = log
        self._block = block
        self._clock = clock or Clock()
        self._monotonic = monotonic
        self._record = ProgressFile(f"{directory}/progress")
        known = self._record.read()
        self.streams = [Stream(number, directory, known or Progress()) for number in (0, 1)]
        self.dropped = known.dropped if known else 0
        self.blocked_until = 0.0
        self._dirty = True
        self._recover(known)

    def _recover(self, known: Progress | None) -> None:
        if known is None or known.inode != self._log.inode:
            # A first run, or a rotation was under way: a file that no record names holds nothing of ours …
            if known is not None and known.inode and known.sequence < self._log.sequence:
                self._log.cut(0)
            else:  # … unless the record is what is missing.
                self._log.cut_torn_line()
        elif known.length < self._log.length:
            self._accept_tail(known.length)
        self._log.sequence = max(self._log.sequence, known.sequence if known else 0)
        self._write_record()

    def _accept_tail(self, length: int) -> None:
        """Judge what the log holds beyond its record: at most one write, of one stream."""
        tail = self._log.tail(length)
        for stream in self.streams:
            content, size, is_open = unframe(tail, stream.name)
            if not size:
                continue
            staged = stream.stage.read(len(content))
            if staged == content or staged + b"\n" == content:
                stream.stage.offset += len(staged)
                stream.open = is_open
                length += size
            break
        self._log.cut(length)

    def _write_record(self) -> None:
        out, err = self.streams
        log = self._log
        self._record.write(
            Progress(
                log.inode,
                log.length,
                log.sequence,
                out.stage.offset,
                err.stage.offset,
                self.dropped,
                out.open,
                err.open,
            )
        )

    def pump(self, stream: Stream) -> int:
        """One step: move what the FIFO holds to the log. Bytes moved; 0 at the end; -1 when it is empty.

        While the disk is full and the policy is to block, nothing is read and -1 is returned.
        """
        if self.blocked_until > self._monotonic():
            return -1
        try:
            moved = stream.stage.take(stream.fifo)
        except BlockingIOError:
            return -1
        except OSError as error:
            return self._stage_full(stream, error)
        if moved:
            self._dirty = True
            self.process(stream)
        return moved

    def _stage_full(self, stream: Stream, error: OSError) -> int:
        if error.errno not in FULL_ERRORS:
            raise error
        if self._block:
            self.blocked_until = self._monotonic() + RETRY
            return -1
        lost = len(os.read(stream.fifo, CHUNK))
        self.dropped += lost
        self._write_record()
        return lost

    def process(self, stream: Stream, last: bool = False) -> None:
        """Frame and write what the stage holds; with `last` also a rest without newline."""
        stage = stream.stage
        while stage.pending and self.blocked_until <= self._monotonic():
            data = stage.read()
            framed = frame(data, self._head(stream), stream.open)
            if framed.used:
                self._write(stream, framed)
            if not framed.used or len(data) < CHUNK:
                break  # what is left, if anything, is an unfinished line
        if last and stage.pending and self.blocked_until <= self._monotonic():
            self._write(stream, flush(stage.read(PART), self._head(stream), True))
        stream.rest_since = self._monotonic() if stage.pending and not self.blocked_until else 0.0
        if not stage.release():
            self._reset_by_force(stream)
        if last and stream.open and not stage.pending:
            self._write(stream, flush(b"", self._head(stream), True))

    def _head(self, stream: Stream) -> bytes:
        return b"%b %b " % (self._clock.stamp(), stream.name)

    def _write(self, stream: Stream, framed: Framed) -> None:
        try:
            self._log.write(framed.buffers, framed.size)
        except OSError as error:
            if error.errno not in FULL_ERRORS:
                raise
            if self._block:
                self.blocked_until = self._monotonic() + RETRY
                return
            self.dropped += framed.used
        stream.stage.offset += framed.used
        stream.open = framed.open
        self._write_record()
        if self._log.full:
            self._log.rotate()
            self._write_record()
            self._log.prune()

    def _reset_by_force(self, stream: Stream) -> None:
        """Where holes cannot be punched, a stage is emptied by giving its short rest out as a part."""
        rest = stream.stage.read(PART)
        if rest:
            self._write(stream, flush(rest, self._head(stream), False))
        self._empty(stream)

    def _empty(self, stream: Stream) -> None:
        if not stream.stage.pending and stream.stage.size:
            stream.stage.reset()
            self._write_record()

    def tick(self, quiet: bool = True) -> float:
        """What is done now and then, more of it when output is `quiet`; seconds to the next time (inf: never)."""
        now = self._monotonic()
        wait = float("inf")
        if self.blocked_until:
            if self.blocked_until > now:
                return self.blocked_until - now
            self.blocked_until = 0.0
        for stream in self.streams:
            if stream.stage.pending:
                wait = min(wait, self._tick_rest(stream, now))
            elif quiet and stream.stage.size > EMPTY_STAGE:
                self._empty(stream)
        if not quiet:
            return wait
        if self._dirty and wait == float("inf"):
            self._dirty = False
            if _trim is not None:
                _trim(0)
        return RETRY if self._log.tidy() else wait

    def _tick_rest(self, stream: Stream, now: float) -> float:
        if not stream.rest_since:
            # Left over from a disk that was full, or from an earlier process: may hold whole lines.
            self.process(stream)
        elif now - stream.rest_since >= IDLE:
            rest = stream.stage.read(PART)
            self._write(stream, flush(rest, self._head(stream), False))
            stream.rest_since = now if stream.stage.pending else 0.0
        if not stream.stage.pending:
            return float("inf")
        return max(0.01, (stream.rest_since or now) + IDLE - now)

    def finish(self) -> None:
        """After the last writer is gone: everything to the log, unfinished lines too. Waits for no disk."""
        for stream in self.streams:
            if self._block:
                self.blocked_until = 0.0
            self.process(stream, last=True)
            self._empty(stream)

    def close(self) -> None:
        """Close all files."""
        for stream in self.streams:
            stream.close_fifo()
            stream.stage.close()
        self._record.close()
        self._log.close()
