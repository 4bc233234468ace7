"""`deckwatch logs`: what containers printed, and print now."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import click

from agent.cli import completion, logstats, pages
from agent.cli.client import Client, ClientError, client_options, open_client
from agent.cli.follow import follow as follow_stream
from agent.cli.format import colour_of, coloured, harmless, output_option, wants_colour
from agent.units import format_time, parse_time

LEVELS = "trace, debug, info, warn, error, fatal, unknown"
MOST = 100_000
FOLLOWED = 1000

Printer = Callable[[bytes], str]


@click.command()
@click.argument("references", metavar="[C]...", nargs=-1, shell_complete=completion.containers)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is printed from now on; new ones join.")
@click.option(
    "-n",
    "--tail",
    type=click.IntRange(0, MOST),
    metavar="N",
    help="Only the newest N of each container (with -f 1000).",
)
@click.option("--since", metavar="T", help="From this time on: 15m, 2h or 2026-01-31T12:00:00Z.")
@click.option("--until", metavar="T", help="Up to this time.")
@click.option("--previous", is_flag=True, help="The run before the newest one.")
@click.option("--grep", metavar="RE", help="Only messages that contain this RE2 pattern.")
@click.option("--level", metavar="L", help=f"Only these levels, separated by commas: {LEVELS}.")
@click.option("--stream", type=click.Choice(["stdout", "stderr"]), help="Only this stream.")
@click.option("-t", "--timestamps", is_flag=True, help="Print the time before each message.")
@click.option(
    "--stats",
    is_flag=True,
    help="Print instead what became of it: read, shipped, given up and why, not there yet.",
)
@output_option("default", "raw", "json")
@client_options
def logs(
    references: tuple[str, ...],
    follow: bool,
    tail: int | None,
    timestamps: bool,
    stats: bool,
    output: str,
    socket_path: str | None,
    config_file: str | None,
    **filters: Any,
) -> None:
    """Print what containers printed, the oldest first; of all containers when none is named.

    C is a name, an engine's id or a unique prefix of it, a workload (all its replicas),
    namespace/pod/container, or a cgroup path.
    """
    if follow and (filters["until"] or filters["previous"]):
        raise click.UsageError("--follow goes on for ever; leave out --until and --previous")
    if stats and (follow or timestamps or tail is not None or output == "raw" or any(filters.values())):
        raise click.UsageError("--stats tells of all that was printed; leave out what chooses messages")
    filters |= {name: _moment(name, filters[name]) for name in ("since", "until")}
    client = open_client(socket_path, config_file)
    if stats:
        logstats.show(client, references, output)
        return
    several = _are_several(client, references) if output == "default" else False
    show = printer(output, several=several, timestamps=timestamps, colour=wants_colour())
    records = _live if follow else _kept
    for record in records(client, list(references), tail, filters):
        sys.stdout.write(show(record))
        if follow:
            sys.stdout.flush()


def _moment(name: str, text: str | None) -> str | None:
    """A time of the command line as a fixed moment, so that several questions mean the same."""
    if text is None:
        return None
    try:
        return format_time(parse_time(text, time.time()))
    except (ValueError, OverflowError) as error:
        raise click.UsageError(f"--{name}: {error}") from None


def _are_several(client: Client, references: tuple[str, ...]) -> bool:
    """Whether lines need a name in front: more than one container is meant, or may join."""
    if len(references) != 1:
        return True
    containers = client.json("GET", "/api/v1/containers", {"all": 1})
    return any(one["workload"] == references[0] and one["name"] != references[0] for one in containers)


def _kept(
    client: Client, references: list[str], tail: int | None, filters: dict[str, Any]
) -> Iterator[bytes]:
    parameters = {
        "container": references,
        **{name: filters[name] for name in ("since", "until", "grep", "level", "stream")},
        "previous": 1 if filters["previous"] else None,
    }
    if tail is None:
        return pages.records(client, parameters)
    return client.lines(pages.PATH, parameters | {"direction": "forward", "tail": tail})


def _live(
    client: Client, references: list[str], tail: int | None, filters: dict[str, Any]
) -> Iterator[bytes]:
    chosen = {"container": references, **{name: filters[name] for name in ("grep", "level", "stream")}}
    begin = {"since": filters["since"], "tail": FOLLOWED if tail is None and not filters["since"] else tail}
    for kind, data in follow_stream(client, "/api/v1/logs/stream", chosen | begin, chosen):
        if kind == "problem":
            raise ClientError(json.loads(data)["message"])
        yield data


def printer(output: str, *, several: bool, timestamps: bool, colour: bool) -> Printer:
    """What turns a record into text for the terminal."""
    if output == "json":
        return lambda record: record.decode(errors="replace") + "\n"

    def show(record: bytes) -> str:
        parsed = json.loads(record)
        message = str(parsed["message"])
        if output == "raw":
            return message + "\n"
        prefix = f"{parsed['time']} " if timestamps else ""
        name = _name(parsed["container"])
        tag = f"{coloured(name, colour_of(name)) if colour else name} | " if several else ""
        return "".join(f"{tag}{prefix}{harmless(line)}\n" for line in message.split("\n"))

    return show


def _name(container: dict[str, Any]) -> str:
    if container.get("pod"):
        return harmless(f"{container['pod']}/{container.get('container', '')}")
    return harmless(str(container.get("name") or container.get("id") or "?"))
