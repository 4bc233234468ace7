"""`deckwatch config`: check and show the configuration, print its schema."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from agent.cli.format import as_json, output_option
from runtime.linux.errors import DeckwatchError

if TYPE_CHECKING:
    from agent.config.load import Config


class BadConfig(DeckwatchError):
    """The configuration has errors: one line each, exit code 2."""

    exit_code = 2


config_option = click.option(
    "-c", "--config", "config_file", envvar="DECKWATCH_CONFIG", metavar="FILE", type=click.Path(readable=False),
    help="Configuration; without one the default file, else the defaults.  [env: DECKWATCH_CONFIG]",
)  # fmt: skip
set_option = click.option(
    "--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override one key. May be repeated."
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def config() -> None:
    """Check and show the configuration, print its schema."""


def _load(config_file: str | None, overrides: tuple[str, ...]) -> Config:
    from agent.config.load import ConfigError, load

    try:
        return load(config_file, overrides)
    except ConfigError as error:
        raise BadConfig(str(error)) from None


@config.command()
@config_option
@set_option
def check(config_file: str | None, overrides: tuple[str, ...]) -> None:
    """Tell every error at once; exit 2 if there is any.

    Each with its file, line and key, and the nearest right key.
    """
    loaded = _load(config_file, overrides)
    count = sum(len(specs) for specs in loaded.workload_files.values())
    source = loaded.file or "the defaults"
    click.echo(f"{source}: in order, {count} workload{'' if count == 1 else 's'}")


@config.command()
@config_option
@set_option
@output_option("yaml", "json")
def show(config_file: str | None, overrides: tuple[str, ...], output: str) -> None:
    """Print every key with the value in force; secrets as (secret)."""
    loaded = _load(config_file, overrides)
    from agent.config import show as configshow

    click.echo(as_json(configshow.plain(loaded)) if output == "json" else configshow.as_yaml(loaded).rstrip())


@config.command()
def schema() -> None:
    """Print the JSON Schema, with defaults."""
    from agent.config import schema as configschema

    click.echo(as_json(configschema.schema()))
