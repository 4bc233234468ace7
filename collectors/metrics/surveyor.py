"""Rounds over the containers in one thread of their own, for whoever looks at what may be slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import structlog

from collectors.metrics.catalogue import INDEX, Family
from collectors.metrics.crew import Closed, Crew, Stuck
from collectors.metrics.rows import Value
from collectors.metrics.survey import Subject, Subjects

log = structlog.get_logger()

SURVEY_FAILED = "survey_failed"

# Containers that a pass asked for in vain are looked at so much later: by then they stand as they will run.
_NEWCOMERS_AFTER = 1.0
# At least so long between rounds, whatever the configuration says.
_LEAST_PERIOD = 1.0
# The thread works so long, then rests: the event loop waits for the interpreter lock meanwhile.
_TURN = 0.002
_REST = 0.01

Item = tuple[int, Value]


class Look(Protocol):
    """How one collector looks at a container; called from the surveyor's thread alone, except `trouble`.

    What may never answer goes through the surveyor's crew. What is raised means that nothing is known of that
    container at the moment; all but Stuck is counted as an error.
    """

    @property
    def families(self) -> tuple[Family, ...]:
        """What `look` returns values of."""

    def begin(self, subjects: Sequence[Subject]) -> None:
        """A round begins; these containers there are."""

    def look(self, subject: Subject) -> Sequence[Value] | None:
        """Values in the order of `families`, or None for nothing."""

    def trouble(self) -> str:
        """Why figures are missing at the moment; else empty. What the crew is stuck in is added."""


class Surveyor:
    """A survey (see `collectors.metrics.survey`) made of rounds each `period` seconds.

    A container that is seen first is looked at a second after the pass that asked for it. A figure that is in the row
    already stays: surveys of one family come in order of preference. `ended` is called at the end of the last round,
    in its thread.
    """

    def __init__(
        self, name: str, look: Look, crew: Crew, period: float, ended: Callable[[], None] | None = None
    ) -> None:
        self._name = name
        self._look = look
        self._crew = crew
        self._period = max(period, _LEAST_PERIOD)
        self._ended = ended
        self._places = tuple(INDEX[family] for family in look.families)
        self._found: dict[str, tuple[Item, ...]] = {}
        self._wake = threading.Event()
        self._own_seconds = 0.0
        self._errors = 0
        self._reported: set[str] = set()
        self._turn_end = 0.0

    def start(self, subjects: Subjects) -> None:
        """Begin the rounds in a daemon thread."""
        threading.Thread(target=self._run, args=(subjects,), name=f"survey-{self._name}", daemon=True).start()

    def fill(self, id: str, values: list[Value]) -> None:
        """Put what was found last into a row."""
        found = self._found.get(id)
        if found is None:
            self._wake.set()
            return
        for place, value in found:
            if values[place] is None:
                values[place] = value

    def forget(self, id: str) -> None:
        """A container is no longer read."""
        self._found.pop(id, None)

    def trouble(self) -> str:
        """What is stuck, and what the look says."""
        return "; ".join(text for text in (self._crew.trouble(), self._look.trouble()) if text)

    def seconds(self) -> float:
        """Processor time of all the threads so far."""
        return self._own_seconds + self._crew.seconds()

    def errors(self) -> int:
        """How many containers could not be looked at so far."""
        return self._errors

    def close(self) -> None:
        """End after the call under way."""
        self._crew.close()
        self._wake.set()

    def _run(self, subjects: Subjects) -> None:
        try:
            while True:
                due = time.monotonic() + self._period
                everybody = subjects()
                self._round(everybody, everybody)
                self._keep(everybody)
                while (left := due - time.monotonic()) > 0:
                    self._wait_for_newcomers(left)
                    everybody = subjects()
                    self._round(everybody, [one for one in everybody if one.id not in self._found])
        except Closed:
            pass
        finally:
            self._crew.dismiss()
            if self._ended is not None:
                self._ended()

    def _wait_for_newcomers(self, seconds: float) -> None:
        if self._wake.wait(seconds):
            self._crew.rest(min(seconds, _NEWCOMERS_AFTER))
        self._wake.clear()

    def _round(self, everybody: Sequence[Subject], subjects: Sequence[Subject]) -> None:
        if not subjects:
            return
        self._turn_end = time.perf_counter() + _TURN
        begun = self._begun(everybody)
        for subject in subjects:
            self._found[subject.id] = self._looked(subject) if begun else ()
            self._own_seconds = time.thread_time()
            if time.perf_counter() > self._turn_end:
                self._crew.rest(_REST)
                self._turn_end = time.perf_counter() + _TURN

    def _begun(self, everybody: Sequence[Subject]) -> bool:
        try:
            self._look.begin(everybody)
        except Closed:
            raise
        except Exception as error:
            self._failed("", error)
            return False
        return True

    def _looked(self, subject: Subject) -> tuple[Item, ...]:
        try:
            values = self._look.look(subject)
        except Closed:
            raise
        except Stuck:
            return ()
        # In a thread nobody sees a mistake end it, and the last figures would stand for ever.
        except Exception as error:
            self._failed(subject.id, error)
            return ()
        if values is None:
            return ()
        return tuple(item for item in zip(self._places, values, strict=True) if item[1] is not None)

    def _keep(self, subjects: Sequence[Subject]) -> None:
        """Drop what was found of containers that went while they were looked at."""
        there = {subject.id for subject in subjects}
        for id in list(self._found):
            if id not in there:
                self.forget(id)

    def _failed(self, cgroup: str, error: Exception) -> None:
        """Count an error; it is logged the first time its kind is seen."""
        self._errors += 1
        kind = f"{type(error).__name__} {getattr(error, 'errno', '')}"
        if kind not in self._reported:
            self._reported.add(kind)
            log.warning(SURVEY_FAILED, collector=self._name, cgroup=cgroup, error=str(error))
