"""The generated documents: `python -m agent.reference docs` writes the two references into a directory."""

from __future__ import annotations

import os
import sys

import yaml

from agent.config.schema import Key, keys
from agent.exposition.selfmetrics import FAMILIES
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Compat, Family

NOTE = "<!-- Made by `make docs` from {source}; do not edit. -->\n"
COMPAT = {
    Compat.SAME: "as in cAdvisor",
    Compat.FIXED: "cAdvisor's name, mended",
    Compat.OWN: "own",
}
OUTLIVES = {"end": "ends at once", "final": "`metrics.keep_final`", "kept": "`metrics.keep_dead`"}
SECTIONS: tuple[tuple[str, tuple[Family, ...], str], ...] = (
    (
        "Per container",
        catalogue.ROW,
        "Base labels `id`, `name`, `image`; in Kubernetes also `namespace`, `pod`, `container`.",
    ),
    (
        "Lifecycle",
        catalogue.LIFECYCLE,
        "Per (namespace, pod, container) or else name, without `id`: they survive restarts.",
    ),
    ("Logs", catalogue.LOGS, "Base labels, counted whether logs are shipped or not."),
    (
        "Identity",
        (catalogue.INFO,),
        "Joins engine, workload and the labels of `metrics.container_labels` to the rest.",
    ),
    ("Host", catalogue.HOST, ""),
    ("The agent", FAMILIES, "Beside these: `python_*` and `process_*` of the agent's own process."),
)
OUTSIDE_CONTAINERS = ("host", "agent")


def configuration() -> str:
    """docs/configuration.md: how the file is read, and every key."""
    parts = [
        "# Configuration\n",
        NOTE.format(source="agent/config/settings.py"),
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


def metrics() -> str:
    """docs/metrics.md: every family of the catalogue."""
    parts = [
        "# Metrics\n",
        NOTE.format(source="collectors/metrics/catalogue"),
        "`GET /metrics` reads the host when it is asked: no timestamps, no cache older than 100 ms. What the "
        "kernel does not offer is absent, never 0; `deckwatch_collector_supported{collector,reason}` says why.\n"
        "cAdvisor's names keep cAdvisor's meaning; each difference is told. `?collect[]=cpu` asks for one "
        "collector, `metrics.collectors` switches them.\n",
    ]
    for title, families, text in SECTIONS:
        parts += [f"## {title}\n", *([f"{text}\n"] if text else []), _metrics_table(families)]
    return "\n".join(parts)


def _metrics_table(families: tuple[Family, ...]) -> str:
    rows = [
        "| " + " | ".join((
            f"`{one.name}`",
            str(one.kind),
            ", ".join(f"`{label}`" for label in one.labels),
            one.collector,
            f"{one.help} {one.difference}".strip().replace("|", "\\|"),
            COMPAT[one.compat],
            OUTLIVES[one.dead] if one.collector not in OUTSIDE_CONTAINERS else "",
        )) + " |\n"
        for one in families
    ]  # fmt: skip
    head = "| name | type | own labels | collector | meaning | | after the end |\n"
    return head + "| --- | --- | --- | --- | --- | --- | --- |\n" + "".join(rows)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
