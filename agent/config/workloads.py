"""Files that hold workloads: a list, a mapping with `workloads:`, or a single workload."""

from __future__ import annotations

import os
from collections.abc import Mapping

from agent.config.decode import BAD, Decoder
from agent.config.file import Problem, Reader, Tree
from runtime.linux.errors import DeckwatchError
from runtime.supervision.spec import WorkloadSpec


class WorkloadFileError(DeckwatchError):
    """A workload file cannot be used; one line for each reason."""

    def __init__(self, errors: list[Problem]) -> None:
        super().__init__("\n".join(str(error) for error in dict.fromkeys(errors)))
        self.errors = errors


def files_of(directory: str) -> list[str]:
    """The workload files of a directory, sorted; hidden ones and editors' backups are none."""
    return sorted(
        os.path.join(directory, name)
        for name in os.listdir(directory)
        if name.endswith((".yaml", ".yml")) and not name.startswith(".")
    )


def read(path: str, environment: Mapping[str, str] = os.environ) -> list[WorkloadSpec]:
    """The workloads of a file; raises WorkloadFileError with every reason."""
    reader = Reader(environment, [])
    return _checked(read_into(reader, path), reader)


def parse(text: str, name: str, environment: Mapping[str, str] = os.environ) -> list[WorkloadSpec]:
    """The workloads of a text called `name`; raises WorkloadFileError with every reason."""
    reader = Reader(environment, [])
    return _checked(decode(reader.read_text(text, name), reader.problems, name), reader)


def _checked(specs: list[WorkloadSpec], reader: Reader) -> list[WorkloadSpec]:
    if reader.problems:
        raise WorkloadFileError(reader.problems)
    return specs


def read_into(reader: Reader, path: str) -> list[WorkloadSpec]:
    """The workloads of a file; what is wrong goes to the reader's problems."""
    before = len(reader.problems)
    tree = reader.read_file(path)
    if len(reader.problems) > before and tree is None:
        return []
    return decode(tree, reader.problems, path)


def decode(tree: Tree | None, problems: list[Problem], name: str) -> list[WorkloadSpec]:
    """The workloads in a tree; what is wrong goes to `problems`."""
    if tree is None:
        return []
    key, items = "", tree
    if isinstance(tree.value, dict):
        if "workloads" in tree.value:
            key, items = "workloads", tree.value["workloads"]
            problems += [
                Problem(
                    name, tree.key_lines[other], other, "unknown key; a workload file holds workloads: alone"
                )
                for other in tree.value
                if other != "workloads"
            ]
        else:
            items = Tree([tree], tree.file, tree.line)
    specs = Decoder(problems).decode(items, tuple[WorkloadSpec, ...], key)
    if specs is BAD:
        return []
    assert isinstance(specs, tuple)
    problems += [
        items.problem(key, f"two workloads are called {twice}")
        for twice in {spec.name for spec in specs if sum(one.name == spec.name for one in specs) > 1}
    ]
    return list(specs)
