"""Labels, their values, and series: what there is to select by."""

from __future__ import annotations

from typing import Any

from collectors.logs.loki.evaluator import Evaluator
from collectors.logs.loki.streams import label_sets


def names(evaluator: Evaluator) -> dict[str, Any]:
    """`/labels`."""
    found = {name for labels in label_sets(evaluator.asked) for name in labels}
    return {"status": "success", "data": sorted(found)}


def values(evaluator: Evaluator) -> dict[str, Any]:
    """`/label/NAME/values`."""
    name = evaluator.asked.name
    found = {labels[name] for labels in label_sets(evaluator.asked) if name in labels}
    return {"status": "success", "data": sorted(found)}


def series(evaluator: Evaluator) -> dict[str, Any]:
    """`/series`."""
    return {"status": "success", "data": label_sets(evaluator.asked)}


def detected(evaluator: Evaluator) -> dict[str, Any]:
    """`/detected_labels`: each label with how many values it has."""
    found: dict[str, set[str]] = {}
    for labels in label_sets(evaluator.asked):
        for name, value in labels.items():
            found.setdefault(name, set()).add(value)
    return {
        "detectedLabels": [
            {"label": name, "cardinality": len(values)} for name, values in sorted(found.items())
        ]
    }
