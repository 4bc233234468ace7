"""The words that everything speaks."""

from __future__ import annotations

import msgspec

from collectors.model import Container, Entry, Reason, State, identity


def test_the_identity_leaves_out_what_is_empty() -> None:
    container = Container(id="/x", name="web", engine="docker", image="nginx")
    assert identity(container) == {"id": "/x", "name": "web", "engine": "docker", "image": "nginx"}


def test_what_nobody_knows_is_absent_and_never_zero() -> None:
    shown = msgspec.to_builtins(Container(id="/x", name="web", engine="docker"))
    assert shown["exit_code"] is None and shown["signal"] is None and shown["finished_at"] is None


def test_a_container_survives_the_way_through_json() -> None:
    container = Container(
        id="/x", name="a", engine="docker", state=State.EXITED, reason=Reason.OOM, labels={"k": "v"}
    )
    entry = Entry(container=container, pid=7, ports=(80,))
    assert msgspec.json.decode(msgspec.json.encode(entry), type=Entry) == entry
