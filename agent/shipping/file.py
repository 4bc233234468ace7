"""Files on this host: JSON lines, rotated by size."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from agent.config.types import Count, Path, Size
from agent.shipping.lane import Busy, Lane
from agent.shipping.lines import json_form, rendered
from agent.shipping.rotated import Rotated
from agent.shipping.sink import Again, Context, Delivered, SinkSettings, Verdict
from collectors.logs.batch import LogBatch


class FileSettings(SinkSettings, frozen=True, kw_only=True):
    """JSON lines in a file, as the API gives them."""

    path: Path
    """The file; its directory must exist. Rotated ones stand beside it: `PATH.1`, `PATH.2`, … One agent may write
    it, and nothing else."""
    max_size: Size = 100 << 20
    """Bytes of a file before it is rotated."""
    max_files: Count = 5
    """Files kept in all, the one being written among them; the oldest goes."""
    compress: bool = True
    """Whether rotated files are compressed with gzip (`PATH.1.gz`)."""

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError("path must name a file")
        if self.max_size < 1:
            raise ValueError("max_size must be above 0")


class FileSink:
    """Writes one file. A batch is delivered when it is synced to disk; of a failed write nothing stays."""

    def __init__(self, settings: FileSettings) -> None:
        self._path = settings.path
        self._timeout = settings.timeout
        self._file = Rotated(settings.path, settings.max_size, settings.max_files, compress=settings.compress)
        self._lane = Lane("sink-file")

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """Append everything and sync it."""
        lines = await rendered(batches, json_form)
        try:
            async with asyncio.timeout(self._timeout):
                await self._lane.call(lambda: self._file.append(lines))
        except (TimeoutError, Busy):
            return Again(f"the disk of {self._path} has not answered within {self._timeout:g} s")
        except BlockingIOError:
            return Again(f"cannot write {self._path}: another process writes it")
        except OSError as error:
            return Again(f"cannot write {self._path}: {error.strerror}")
        return Delivered()

    async def close(self) -> None:
        """Close the file, behind what the disk has still to do."""
        try:
            await self._lane.call(self._file.close)
        except Busy:
            pass
        finally:
            self._lane.close()


async def opened(settings: FileSettings, context: Context) -> FileSink:
    """The sink; the file is opened with the first batch."""
    return FileSink(settings)
