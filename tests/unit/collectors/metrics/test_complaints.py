"""Reasons of containers, in one line."""

from __future__ import annotations

from collectors.metrics.complaints import Complaints


def test_one_is_told_and_the_others_are_counted() -> None:
    complaints = Complaints()
    assert complaints.text() == ""
    complaints.say("/b", "too long")
    assert complaints.text() == "/b: too long"
    complaints.say("/a", "refused")
    complaints.say("/c", "refused")
    assert complaints.text() == "/a: refused (and 2 more)"


def test_what_is_well_again_or_gone_is_not_told() -> None:
    complaints = Complaints()
    for id in ("/a", "/b"):
        complaints.say(id, "refused")
    complaints.say("/a", "")
    complaints.say("/never", "")
    assert complaints.text() == "/b: refused"
    complaints.keep(["/a"])
    assert complaints.text() == ""
