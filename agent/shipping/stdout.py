"""The agent's own standard output, for whoever collects that: JSON lines or plain text.

Delivered means that the pipe, socket or terminal took the bytes; what its reader does with them nobody tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from agent.shipping.lines import json_form, rendered
from agent.shipping.output import Output
from agent.shipping.sink import Again, Context, Delivered, SinkSettings, Verdict
from collectors.logs.batch import LogBatch, Record
from collectors.logs.record import LogTarget
from collectors.logs.times import render
from runtime.linux.errors import DeckwatchError

_FD = 1


class StdoutSettings(SinkSettings, frozen=True, kw_only=True):
    """The agent's standard output."""

    format: Literal["json", "text"] = "json"
    """`json`: records as the API gives them. `text`: time, container, stream, level and message; control characters
    in them are escaped, so each record is one line."""


class StdoutSink:
    """Writes records to a descriptor, which is not closed and whose flags, shared with others, are not changed."""

    def __init__(self, settings: StdoutSettings, fd: int = _FD) -> None:
        self._timeout = settings.timeout
        self._form = text_form if settings.format == "text" else json_form
        self._output = Output(fd)

    async def send(self, batches: Sequence[LogBatch]) -> Verdict:
        """Write everything at the reader's pace; after the time limit the rest is to be sent again."""
        lines = await rendered(batches, self._form)
        try:
            async with asyncio.timeout(self._timeout):
                await self._output.write(lines)
        except TimeoutError:
            why = f"standard output has not taken all within {self._timeout:g} s"
        except OSError as error:
            why = f"cannot write standard output: {error.strerror}"
        else:
            return Delivered()
        done = self._output.done
        return Again(why, only=range(done, len(lines)) if done else None)

    async def close(self) -> None:
        """Let go of the descriptor."""
        self._output.close()


async def opened(settings: StdoutSettings, context: Context) -> StdoutSink:
    """The sink on descriptor 1, which the log worker has from the agent. Raises DeckwatchError when that
    is closed."""
    try:
        return StdoutSink(settings)
    except OSError as error:
        raise DeckwatchError(f"cannot write standard output: {error.strerror}") from None


def text_form(target: LogTarget) -> Callable[[Record], bytes]:
    """Lines of text, each with its newline."""
    name = shown(target)
    return lambda record: text_line(name, record)


def shown(target: LogTarget) -> str:
    """How a container is called in text."""
    about = target.container
    if about.get("pod"):
        return f"{about.get('namespace')}/{about.get('pod')}/{about.get('container')}"
    return str(about.get("name") or target.id)


def text_line(name: str, record: Record) -> bytes:
    """One record as a line of text."""
    text = f"{render(record.time)} {name} {record.stream} {record.level or '-'} {record.message}"
    if not text.isprintable():
        text = "".join(sign if sign.isprintable() or sign == "\t" else _escaped(sign) for sign in text)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode("ascii")
