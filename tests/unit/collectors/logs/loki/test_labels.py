"""Labels, values and series."""

from __future__ import annotations

from tests.unit.collectors.logs.loki.asking import Asking

OWN = {"node": "n1", "engine": "docker", "service_name": "web", "name": "web"}


def test_names_and_values(asking: Asking) -> None:
    asking.targets.append(asking.target("db", asking.log.path))
    names = ["engine", "name", "node", "service_name", "stream"]
    assert asking.ask("labels") == {"status": "success", "data": names}
    assert asking.ask("label_values", name="name")["data"] == ["db", "web"]
    assert asking.ask("label_values", '{name="db"}', name="name")["data"] == ["db"]
    assert asking.ask("label_values", name="nothing")["data"] == []
    assert asking.ask("labels", '{name="nobody"}')["data"] == []


def test_series_are_whole_label_sets(asking: Asking) -> None:
    found = asking.ask("series", selectors=['{name="web"}'])["data"]
    assert found == [{**OWN, "stream": "stderr"}, {**OWN, "stream": "stdout"}]


def test_detected_labels_have_their_cardinality(asking: Asking) -> None:
    found = {one["label"]: one["cardinality"] for one in asking.ask("detected_labels")["detectedLabels"]}
    assert found == {"engine": 1, "name": 1, "node": 1, "service_name": 1, "stream": 2}
