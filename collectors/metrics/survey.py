"""What a survey is: a collector that works beside the passes, because what it asks may be slow or never answer.

It looks at containers in threads of its own, at its own pace and within its own budget; a pass takes what was
found last. `collectors.metrics.support` lists the surveys.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from collectors.metrics.rows import Value
from collectors.model import Network


class Subject(NamedTuple):
    """A container to look at: its id, its first process with that one's start in ticks since boot, its network."""

    id: str
    pid: int
    pid_start: int
    network: Network = Network.NONE


Subjects = Callable[[], Sequence[Subject]]


class Survey(Protocol):
    """One kind of figures that are found off the event loop. `fill`, `forget` and the tellers never wait."""

    def start(self, subjects: Subjects) -> None:
        """Begin to look at what `subjects` lists, which is called from the survey's own thread."""

    def fill(self, id: str, values: list[Value]) -> None:
        """Put what was found last of one container into its row; nothing while nothing is known."""

    def forget(self, id: str) -> None:
        """A container is no longer read."""

    def trouble(self) -> str:
        """Why figures are missing at the moment, such as a file system that does not answer; else empty."""

    def seconds(self) -> float:
        """Time spent so far, in seconds."""

    def errors(self) -> int:
        """How many things could not be read or understood so far."""

    def close(self) -> None:
        """Stop; a thread that is stuck in the kernel is left behind and ends with the process."""
