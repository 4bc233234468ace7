"""The configuration in force as text, with secrets hidden."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import yaml

from agent.config.schema import shown
from agent.config.settings import Config

HIDDEN = "(secret)"
_SECRET = re.compile(
    r"pass(word|wd|phrase)?$|secret|token$|api_?key|credential|private_?key|auth$", re.IGNORECASE
)
_USER_INFO = re.compile(r"(\w+://)[^/@\s]+@")


def plain(config: Config) -> dict[str, Any]:
    """Every key with its value as it would be written; secrets as `(secret)`."""
    written = shown(config, Config)
    for sink in written["logs"]["sinks"]:
        # Whatever a header is called, its value may be a credential.
        if "headers" in sink:
            sink["headers"] = dict.fromkeys(sink["headers"], HIDDEN)
    written["workloads"] = [
        _hidden(msgspec.to_builtins(spec)) for specs in config.workload_files.values() for spec in specs
    ]
    return written if isinstance(written, dict) else {}


def _hidden(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _hidden(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_hidden(item) for item in value]
    if isinstance(value, str):
        return HIDDEN if value and _SECRET.search(name) else _USER_INFO.sub(rf"\g<1>{HIDDEN}@", value)
    return value


def as_yaml(config: Config) -> str:
    """The configuration as YAML, in the order of the reference."""
    return str(yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True, width=100))
