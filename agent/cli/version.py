"""`deckwatch version`."""

from __future__ import annotations

import importlib.metadata
import json
import platform

import click


@click.command()
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="Form of the output."
)
def version(output: str) -> None:
    """Print the version of deckwatch, of Python and of the kernel."""
    own = importlib.metadata.version("deckwatch")
    python, kernel = platform.python_version(), platform.release()
    if output == "json":
        click.echo(json.dumps({"version": own, "python": python, "kernel": kernel}))
    else:
        click.echo(f"deckwatch {own} (Python {python}, Linux {kernel})")
