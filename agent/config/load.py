"""The configuration from file, workload directory and `--set`: all of it right, or every error at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import msgspec

from agent.config import check as configcheck
from agent.config import workloads as workloadfile
from agent.config.decode import Decoder
from agent.config.file import Problem, Reader, Tree, overlay, override_trees
from agent.config.settings import Config, default_file
from agent.config.types import Section
from runtime.linux.errors import DeckwatchError
from runtime.supervision.spec import WorkloadSpec

__all__ = ["Config", "ConfigError", "Problem", "default_file", "defaults", "load"]

SectionT = TypeVar("SectionT", bound=Section)


class ConfigError(DeckwatchError):
    """The configuration cannot be used; `errors` names every reason, and the text has one line each."""

    def __init__(self, errors: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = list(errors)


def load(
    path: str | None,
    overrides: Iterable[str] = (),
    environment: Mapping[str, str] = os.environ,
) -> Config:
    """The configuration of a file with `KEY=VALUE` overrides on top; raises ConfigError.

    Without a path the default file is read when it is there. Relative paths count from the file they
    stand in. `Config.workload_files` tells which file owns which workloads.
    """
    if path is None and os.path.exists(default_file()):
        path = default_file()
    reader = Reader(environment, [])
    tree = (reader.read_file(path) if path is not None else None) or Tree({}, path or "", 0)
    for over in override_trees(reader, iter(overrides)):
        overlay(tree, over)
    config = Decoder(reader.problems).decode(tree, Config, "")
    if not isinstance(config, Config):
        raise ConfigError(_sorted(reader.problems))
    config = _filled(config, path)
    owned = dict(_owned_workloads(config, tree, reader))
    config = msgspec.structs.replace(config, workload_files=owned)
    reader.problems += configcheck.problems(config, tree)
    if reader.problems:
        raise ConfigError(_sorted(reader.problems))
    return config


def defaults() -> Config:
    """The configuration of this user without any file."""
    return _filled(Config(), None)


def _filled(config: Config, path: str | None) -> Config:
    """The configuration with what depends on other keys: the socket's and the spool's place."""
    server = config.server
    if not server.socket:
        server = _replace(server, socket=os.path.join(config.paths.run, "deckwatch.sock"))
    logs = config.logs
    if not logs.spool.path:
        logs = _replace(logs, spool=_replace(logs.spool, path=os.path.join(config.paths.state, "spool")))
    return _replace(config, server=server, logs=logs, file=os.path.abspath(path) if path else None)


def _replace(section: SectionT, **changes: object) -> SectionT:
    return msgspec.structs.replace(section, **changes)


def _owned_workloads(
    config: Config, tree: Tree, reader: Reader
) -> Iterator[tuple[str, tuple[WorkloadSpec, ...]]]:
    if config.workloads:
        yield config.file or "--set", config.workloads
    named = config.workloads_dir != Config().workloads_dir
    if not os.path.isdir(config.workloads_dir):
        if named:
            mark = configcheck.locate(tree, "workloads_dir")
            reader.problems.append(mark.problem("workloads_dir", f"{config.workloads_dir} is no directory"))
        return
    for path in workloadfile.files_of(config.workloads_dir):
        specs = workloadfile.read_into(reader, path)
        if specs:
            yield path, tuple(specs)


def _sorted(problems: Iterable[Problem]) -> list[Problem]:
    unique = dict.fromkeys(problems)
    return sorted(unique, key=lambda problem: (problem.file, problem.line))
