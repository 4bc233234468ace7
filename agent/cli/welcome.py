"""What `deckwatch run` tells at its start: where the agent answers, and the command that asks it."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from agent.cli.client import ClientError, find_socket

if TYPE_CHECKING:
    from agent.config.load import Config

NO_ADDRESS = "deckwatch answers on its socket alone: no address of server.listen is open"


def announce(config: Config, urls: Sequence[str], config_file: str | None) -> None:
    """Tell it on standard output; one that is closed is nobody who wants to know."""
    command = ask_command(config.server.socket, config_file, sys.argv[0])
    with contextlib.suppress(OSError, ValueError):
        click.echo(welcome(urls, command, people=sys.stdout.isatty()))


def welcome(urls: Sequence[str], command: str, *, people: bool) -> str:
    """Page, metrics and the first command to try for people, one line with the URLs for programs."""
    pages = [(f"{url}/", f"{url}/metrics") for url in urls]
    if not people:
        return " ".join(
            ["deckwatch answers at", *(url for page in pages for url in page)] if pages else [NO_ADDRESS]
        )
    where = [line for page, metrics in pages for line in (f"  page     {page}", f"  metrics  {metrics}")]
    head = "deckwatch answers at" if pages else NO_ADDRESS
    return "\n".join(["", head, *where, f"  ask it   {command}", "  end it   Ctrl-C", ""])


def ask_command(socket: str, config_file: str | None, program: str) -> str:
    """`deckwatch ps`, with what another shell in this directory needs to find the program and the agent."""
    command = f"{_shown(program)} ps"
    if _leads_to(socket, None):
        return command
    if config_file is not None and _leads_to(socket, config_file):
        return f"DECKWATCH_CONFIG={shlex.quote(config_file)} {command}"
    return f"{command} --socket {shlex.quote(socket)}"


def _leads_to(socket: str, config_file: str | None) -> bool:
    try:
        return find_socket(config_file) == socket
    except ClientError:
        return False


def _shown(program: str) -> str:
    """The program as it was called; `deckwatch` where PATH leads to it, or when it was called by module."""
    if os.path.basename(program) != "deckwatch":
        return "deckwatch"
    found = shutil.which("deckwatch")
    if found is not None and os.path.realpath(found) == os.path.realpath(program):
        return "deckwatch"
    return shlex.quote(program)
