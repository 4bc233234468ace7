"""Starts the agent in the foreground: configuration, log, limits of the process, and how it ends."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
from collections.abc import Sequence

from agent import logsetup
from agent.config.load import Config, ConfigError, load
from agent.service import Service, Started
from runtime.linux.errors import DeckwatchError

_GARBAGE = (20_000, 10, 10)


def main(
    path: str | None,
    overrides: Sequence[str] = (),
    started: Started | None = None,
) -> int:
    """Run the agent in the foreground; 0 after an orderly end, 1 when it cannot run, 2 for a bad configuration."""
    try:
        config = load(path, overrides)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 2
    logsetup.configure(config.logging.level, config.logging.format)
    _allow_open_files()
    _collect_less()
    try:
        asyncio.run(_run(config, path, overrides, started))
    except DeckwatchError as error:
        print(f"deckwatch: {error}", file=sys.stderr)
        return 1
    except BaseExceptionGroup as group:
        ours, others = group.split(DeckwatchError)
        if others is not None or ours is None:
            raise
        print(f"deckwatch: {_first(ours)}", file=sys.stderr)
        return 1
    return 0


def _collect_less() -> None:
    """Leave what lives as long as the agent out of garbage collections, and collect when more has come together.

    A reading makes some ten thousand objects that references free; with Python's own threshold they had all
    containers looked through several times a scrape.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_GARBAGE)


def _allow_open_files() -> None:
    """Use what the hard limit allows: descriptors kept open are what makes a pass over cgroups cheap."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _run(
    config: Config,
    path: str | None,
    overrides: Sequence[str],
    started: Started | None,
) -> None:
    await Service(config, path, overrides).run(started)


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error = group.exceptions[0]
    return _first(error) if isinstance(error, BaseExceptionGroup) else error
