"""Podman's word of an end belongs to one run; a pod of Podman shows in labels."""

from __future__ import annotations

import pytest

from collectors.inventory.podman.facts import End, Known


@pytest.mark.parametrize(
    ("finished", "end"),
    [
        (None, End()),
        (99.0, End()),
        (100.0, End(100.4, 3)),  # the API's whole seconds
        (105.25, End(105.25, 3)),
    ],
)
def test_an_end_belongs_to_the_run_before_it(finished: float | None, end: End) -> None:
    assert Known(finished_at=finished, exit_code=3).end_of(100.4) == end


def test_a_pod_is_told_by_labels_unless_the_container_says_otherwise() -> None:
    known = Known(labels={"a": "b", "io.podman.pod.name": "mine"}, pod_id="17", pod_name="theirs")
    assert known.all_labels() == {"a": "b", "io.podman.pod.id": "17", "io.podman.pod.name": "mine"}
    assert Known(labels={"a": "b"}).all_labels() == {"a": "b"}
