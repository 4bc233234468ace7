"""The generated documents: `python -m agent.reference docs` writes them into a directory."""

from __future__ import annotations

import os
import sys

from agent.reference.configuration import configuration
from agent.reference.metrics import metrics

__all__ = ["DOCUMENTS", "configuration", "main", "metrics"]

DOCUMENTS = {"configuration.md": configuration, "metrics.md": metrics}


def main(arguments: list[str]) -> int:
    """Write all documents into the directory that is named."""
    if len(arguments) != 1 or not os.path.isdir(arguments[0]):
        print("usage: python -m agent.reference DIRECTORY", file=sys.stderr)
        return 2
    for name, make in DOCUMENTS.items():
        with open(os.path.join(arguments[0], name), "w", encoding="utf-8") as file:
            file.write(make())
    return 0
