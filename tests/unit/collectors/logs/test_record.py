from __future__ import annotations

import msgspec

from collectors.logs.record import LogTarget
from collectors.model import LogSource


def test_a_target_crosses_to_the_worker_unchanged() -> None:
    target = LogTarget(
        id="/x",
        source=LogSource(path="/x.log", format="cri"),
        container={"name": "x", "labels": {"a": "b"}},
        runs=[(1, 1.5)],
        finished=True,
    )
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(target), type=LogTarget) == target
