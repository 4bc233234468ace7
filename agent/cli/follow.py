"""Following a live stream through restarts of the agent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import click

from agent.cli.client import Client, ClientError, Parameters, Unreachable

_PAUSES = (0.5, 1.0, 2.0, 5.0)


def follow(
    client: Client,
    path: str,
    parameters: Parameters,
    resumed: Parameters,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[tuple[str, bytes]]:
    """Events as (kind, data) for ever; after a break it goes on behind the last id.

    `parameters` say where to begin, `resumed` what to ask for once an id is known. The first connection
    must succeed; later the agent is waited for, with one line on standard error.
    """
    last, begun, failures = "", False, 0
    while True:
        try:
            for id, kind, data in client.stream(path, resumed if last else parameters, last):
                begun, failures, last = True, 0, id or last
                yield kind, data
            begun = True  # it answered, if only with silence
        except Unreachable:
            if not begun:
                raise
        except ClientError as error:
            if not begun or error.status != 503:
                raise
        if failures == 0:
            click.echo("deckwatch: the agent closed the stream; waiting for it (Ctrl-C ends)", err=True)
        sleep(_PAUSES[min(failures, len(_PAUSES) - 1)])
        failures += 1
