"""docs/metrics.md, from the catalogue: every family with its source, and what became of each of cAdvisor's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from agent.exposition.selfmetrics import FAMILIES
from collectors.metrics import catalogue
from collectors.metrics.catalogue import Compat, Family, cadvisor

NOTE = "<!-- Made by `make docs` from collectors/metrics/catalogue; do not edit. -->\n"
COMPAT = {Compat.SAME: "same", Compat.FIXED: "fixed", Compat.OWN: ""}
OUTLIVES = {"end": "ends at once", "final": "`keep_final`", "kept": "`keep_dead`"}
INTRODUCTION = (
    "`GET /metrics` reads the host when it is asked: no timestamps, no cache older than 100 ms. What the "
    "kernel does not offer is absent, never 0; `deckwatch_collector_supported{collector,reason}` says why.\n"
    "cAdvisor's names keep cAdvisor's meaning; each difference is told, and the last table says what became "
    "of each of its families. `?collect[]=cpu` asks for one collector, `metrics.collectors` switches them.\n\n"
    "Base labels of a container's series: `id`, `name`, `image`; in Kubernetes also `namespace`, `pod`, "
    "`container`. After its end the counters stay at their final value for `metrics.keep_final`, the lifecycle "
    "series for `metrics.keep_dead`; gauges of use end at once.\n\n"
    "The columns v1 and v2 name the file that a value comes from under each cgroup version, and the key in it; "
    "a dash says that this version has none. Right is what reading it takes beyond an ordinary user's rights. "
    "The last but one column is what the family is to a user of cAdvisor.\n"
)
BESIDE: tuple[tuple[str, Sequence[Family], str], ...] = (
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


def metrics() -> str:
    """The whole document."""
    parts = ["# Metrics\n", NOTE, INTRODUCTION]
    for collector in catalogue.COLLECTORS:
        families = [family for family in catalogue.ROW if family.collector == collector]
        switch = "on" if catalogue.SWITCHES[collector] else "off"
        parts += [f"## {collector} ({switch} by default)\n", _containers(families)]
    for title, several, text in BESIDE:
        parts += [f"## {title}\n", *([f"{text}\n"] if text else []), _beside(several)]
    parts += ["## From cAdvisor\n", _from_cadvisor()]
    return "\n".join(parts)


def _containers(families: Sequence[Family]) -> str:
    head = ("name", "type", "unit", "own labels", "meaning", "v1", "v2", "right", "cAdvisor", "after the end")
    return _table(
        head,
        (
            (
                f"`{one.name}`",
                str(one.kind),
                one.unit,
                _labels(one),
                _meaning(one),
                *_sources(one),
                one.right,
                COMPAT[one.compat],
                OUTLIVES[one.dead],
            )
            for one in families
        ),
    )


def _beside(families: Sequence[Family]) -> str:
    head = ("name", "type", "unit", "own labels", "collector", "meaning", "source", "cAdvisor")
    return _table(
        head,
        (
            (
                f"`{one.name}`",
                str(one.kind),
                one.unit,
                _labels(one),
                one.collector,
                _meaning(one),
                f"`{one.proc}`" if one.proc else "",
                COMPAT[one.compat],
            )
            for one in families
        ),
    )


def _from_cadvisor() -> str:
    ours = {family.name: family for family in (*catalogue.ALL, *FAMILIES) if family.compat is not Compat.OWN}

    def rows() -> Iterator[tuple[str, str, str]]:
        for name in cadvisor.NAMES:
            if (family := ours.get(name)) is not None:
                yield f"`{name}`", COMPAT[family.compat], family.difference
            else:
                yield f"`{name}`", "left out", cadvisor.LEFT_OUT[name]

    return _table(("cAdvisor's family", "here", "how, or why"), rows())


def _table(head: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def _labels(family: Family) -> str:
    return ", ".join(f"`{label}`" for label in family.labels)


def _meaning(family: Family) -> str:
    return f"{family.help} {family.difference}".strip()


def _sources(family: Family) -> tuple[str, str]:
    if family.proc:
        return f"`{family.proc}`", f"`{family.proc}`"
    return (f"`{family.v1}`" if family.v1 else "–", f"`{family.v2}`" if family.v2 else "–")
