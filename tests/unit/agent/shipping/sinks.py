"""What the tests of the sinks share: a container of Kubernetes, records of it, and where sinks are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from agent.shipping.sink import Context
from collectors.logs.batch import LogBatch, Record
from collectors.logs.record import LogTarget
from collectors.model import LogSource

TIME = 1_795_486_577_123_456_789
"""2026-11-24T02:16:17.123456789Z in ns."""
CONTEXT = Context("node-1", {"cluster": "blue"}, "", "1.2.3")


def pod_target(**changes: Any) -> LogTarget:
    """A container of a pod; `changes` are to what its records say about it."""
    about = {
        "id": "/kubepods/pod1/c1",
        "engine_id": "c1",
        "name": "c1",
        "engine": "containerd",
        "namespace": "shop",
        "pod": "web-5d4f-x",
        "container": "web",
        "workload": "web",
        "image": "registry.example/web:1",
        "labels": {"app.kubernetes.io/name": "webshop"},
        **changes,
    }
    source = LogSource(path="/0.log", format="cri")
    return LogTarget(id=str(about["id"]), source=source, container={k: v for k, v in about.items() if v})


def record(message: str, number: int = 0, **changes: Any) -> Record:
    """A record, `number` ns behind TIME, whose uid is its number."""
    made = Record(
        TIME + number, "stdout", "info", message, {}, None, None, 1, f"{number:024x}", len(message.encode())
    )
    return msgspec.structs.replace(made, **changes)


def batch(messages: Sequence[str], **changes: Any) -> LogBatch:
    """A batch of one container of a pod, a record a ns."""
    return LogBatch(pod_target(**changes), [record(text, number) for number, text in enumerate(messages)])


def delivery(sink: Any, timeout: float = 5.0) -> tuple[Any, list[tuple[list[str], str, str]]]:
    """A real delivery over a sink that waits for nothing, and what it sets aside: (messages, reason, why)."""
    from agent.shipping.backoff import Backoff
    from agent.shipping.delivery import Delivery

    aside: list[tuple[list[str], str, str]] = []

    class Dead:
        def put(self, batches: Sequence[LogBatch], reason: str, why: str) -> None:
            aside.append(([each.message for one in batches for each in one.records], reason, why))

    class Deaf:
        def tried(self, *_: object) -> None:
            """Nothing is told to anybody."""

    async def at_once(_: float) -> None:
        """No waiting."""

    made = Delivery(sink, Backoff(0.001, 0.002), Dead(), Deaf(), timeout=timeout, sleep=at_once)
    return made, aside
