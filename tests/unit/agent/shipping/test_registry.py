"""All sinks are known by their type."""

from __future__ import annotations

import ast
import inspect
import sys

from agent.shipping.registry import SINKS
from agent.shipping.sink import SinkSettings


def test_every_kind_has_settings_that_document_each_key() -> None:
    for name, kind in SINKS.items():
        assert issubclass(kind.settings, SinkSettings), name
        tree = ast.parse(inspect.getsource(sys.modules[kind.settings.__module__]))
        classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
        body = classes[kind.settings.__name__].body
        keys = [index for index, node in enumerate(body) if isinstance(node, ast.AnnAssign)]
        assert all(isinstance(body[index + 1], ast.Expr) for index in keys), name
