"""docs/configuration.md, from the documentation of the settings themselves."""

from __future__ import annotations

import yaml

from agent.config.schema import Key, keys

NOTE = "<!-- Made by `make docs` from agent/config; do not edit. -->\n"


def configuration() -> str:
    """docs/configuration.md: how the file is read, and every key."""
    parts = [
        "# Configuration\n",
        NOTE,
        "One YAML file, every key optional. It is looked for at `-c`, `$DECKWATCH_CONFIG`, then "
        "`/etc/deckwatch/deckwatch.yaml` (for an ordinary user `~/.config/deckwatch/deckwatch.yaml`). "
        "`--set KEY=VALUE` overrides one key.\n",
        "- An unknown key, a wrong value and a key that this version does not do yet are errors, all told at "
        "once with line and nearest key: `deckwatch config check`.\n"
        "- `${NAME}` and `${NAME:-default}` expand in values; `$${` writes a literal `${`.\n"
        "- Durations are written `500ms`, `30s`, `15m`, `1h30m`, `2d`; sizes `64Mi`, `1Gi`, `500M`.\n"
        "- Only `true` and `false` are booleans; `yes`, `on` and `22:22` are text.\n"
        "- Relative paths count from the directory of the file they stand in.\n"
        "- SIGHUP and `POST /-/reload` read the file again; a bad one changes nothing and is reported.\n"
        "- `deckwatch config show` prints every value in force, `deckwatch config schema` a JSON Schema.\n",
    ]
    return "\n".join([*parts, *_configuration_tables()])


def _configuration_tables() -> list[str]:
    tables: dict[str, list[str]] = {"": []}
    texts = {"": "Top level"}
    for key in keys():
        section = key.path.rstrip(":").partition(".")[0] if "." in key.path or key.path.endswith(":") else ""
        if key.path.endswith(":"):
            texts.setdefault(section, f"{section}\n\n{key.text}")
        else:
            tables.setdefault(section, []).append(
                f"| `{key.path}` | {key.takes} | {_default(key)} | {key.text} |\n"
            )
    head = "| key | takes | default | |\n| --- | --- | --- | --- |\n"
    return [f"## {texts[section]}\n\n{head}{''.join(rows)}" for section, rows in tables.items()]


def _default(key: Key) -> str:
    own = {
        "node": "`$NODE_NAME`, else the host name",
        "paths.state": "`/var/lib/deckwatch`",
        "paths.run": "`/run/deckwatch`",
    }
    if key.path in own:
        return own[key.path]
    if key.default in ("", None):
        return ""
    return f"`{yaml.safe_dump(key.default, default_flow_style=True, width=10_000).removesuffix('...' + chr(10)).strip()}`"
