"""`deckwatch doctor`: what this host and these rights allow, and what to do about the rest."""

from __future__ import annotations

from typing import Any

import click

from agent import hostcheck
from agent.cli.client import Client, ClientError, client_options
from agent.cli.format import as_json, coloured, harmless, output_option, wants_colour
from agent.conditions import Condition, Severity, condition
from agent.config.load import Config, ConfigError, default_file, defaults, load
from agent.hostcheck import Finding

COLOURS = {"ok": 32, "degraded": 33, "missing": 31}


@click.command()
@output_option("table", "json")
@client_options
def doctor(output: str, socket_path: str | None, config_file: str | None) -> None:
    """Tell what this host and these rights allow: each line ok, degraded or missing, with the remedy.

    It changes nothing. A running agent is asked what it finds wrong itself. The exit code is 0
    whatever is found; scripts read the status in -o json.
    """
    config, problem = _configuration(config_file)
    matrix = [problem, *hostcheck.findings(config), agent(socket_path or config.server.socket)]
    if output == "json":
        click.echo(as_json([as_data(one) for one in matrix]))
    else:
        click.echo(text(matrix, colour=wants_colour()))


def _configuration(config_file: str | None) -> tuple[Config, Finding]:
    """The configuration, or the defaults when it has errors."""
    try:
        config = load(config_file)
    except ConfigError as error:
        count = len(error.errors)
        bad = Condition(
            "configuration_bad",
            Severity.MISSING,
            f"it has {count} error{'s' if count > 1 else ''}, the first: {error.errors[0]}",
            "see them all: deckwatch config check",
        )
        return defaults(), Finding("configuration", config_file or default_file(), [bad])
    return config, Finding("configuration", config.file or "the defaults; no file")


def agent(path: str) -> Finding:
    """Whether an agent answers at a socket, and what it finds wrong."""
    try:
        body = Client(path).json("GET", "/-/ready", timeout=10)
    except ClientError as error:
        if "conditions" not in error.more:
            return Finding("agent", "does not answer", [_absent(error)])
        body = error.more
    wrong = [
        Condition(one["code"], Severity(one["severity"]), one["text"], one["remedy"])
        for one in body["conditions"]
    ]
    return Finding("agent", f"answers at {path}, {'ready' if body['ready'] else 'not ready yet'}", wrong)


def _absent(error: ClientError) -> Condition:
    return condition("agent_absent", reason=str(error).partition(";")[0])


def as_data(one: Finding) -> dict[str, Any]:
    """A finding for programs."""
    return {
        "status": one.status,
        "subject": one.subject,
        "text": one.text,
        "wrong": [{"code": bad.code, "text": bad.text, "remedy": bad.remedy} for bad in one.wrong],
    }


def text(matrix: list[Finding], *, colour: bool = False) -> str:
    """The matrix for people: a line each, what is wrong and its remedy below it."""
    width = max(len(one.subject) for one in matrix)
    lines = []
    for one in matrix:
        status = one.status.ljust(8)
        shown = coloured(status, COLOURS[one.status]) if colour else status
        lines.append(f"{shown}  {one.subject.ljust(width)}  {harmless(one.text)}")
        for bad in one.wrong:
            lines += [f"          {harmless(bad.text)}", f"            → {harmless(bad.remedy)}"]
    return "\n".join(lines)
