"""Threads for calls that may never come back: at most one is under way per place, and a stuck one is left behind."""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """A call has not answered; the text says which."""


class Closed(Exception):
    """The crew is being dismissed: whoever works with it ends."""


class _Errand:
    """One call and where its outcome goes. `abandoned` when nobody waits for it any more."""

    __slots__ = ("abandoned", "answer", "call", "doing", "key", "late", "over", "since")

    def __init__(
        self, key: str, doing: str, call: Callable[[], Any], late: Callable[[], None] | None
    ) -> None:
        self.key = key
        self.doing = doing
        self.call = call
        self.late = late
        self.since = time.monotonic()
        self.answer: queue.SimpleQueue[tuple[Any, BaseException | None]] = queue.SimpleQueue()
        self.over = False
        self.abandoned = False


class Crew:
    """Makes calls for one thread, each in a thread of the crew's own, and waits for them with a limit.

    A call that takes longer than `patience` seconds is left to its thread, and another thread takes over; with
    `most_stuck` of them left behind no further call is made. Its place is used again as soon as it has
    come back. `prepare` is what each thread does first.
    """

    def __init__(
        self,
        name: str,
        *,
        patience: float = 2.0,
        most_stuck: int = 8,
        prepare: Callable[[], None] | None = None,
    ) -> None:
        self._name = name
        self._patience = patience
        self._most_stuck = most_stuck
        self._prepare = prepare
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._under_way: dict[str, _Errand] = {}
        self._inbox: queue.SimpleQueue[_Errand | None] | None = None
        self._spent = 0.0

    def ask(self, key: str, doing: str, call: Callable[[], T], late: Callable[[], None] | None = None) -> T:
        """What `call` returns or raises; Stuck when it does not in time, or an earlier one of this key has not yet.

        `key` names the place that may not answer, `doing` the call ("statfs of /mnt"). `late` is called when
        the call comes back after all. To be called from one thread, with calls that let go of the interpreter lock.
        """
        if self._closing.is_set():
            raise Closed
        errand = _Errand(key, doing, call, late)
        with self._lock:
            if (earlier := self._under_way.get(key)) is not None:
                raise Stuck(_unanswered(earlier))
            if len(self._under_way) >= self._most_stuck:
                raise Stuck(f"{doing} is not tried while {len(self._under_way)} others do not answer")
            self._under_way[key] = errand
        if self._inbox is None:
            self._inbox = self._hire()
        self._inbox.put(errand)
        result, error = self._outcome(errand)
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def rest(self, seconds: float) -> None:
        """Wait so long; raises Closed as soon as the crew is being dismissed."""
        if self._closing.wait(seconds):
            raise Closed

    def trouble(self) -> str:
        """The calls that have been left behind, the oldest first, in one line; empty when there are none."""
        with self._lock:
            late = sorted(
                (one for one in self._under_way.values() if one.abandoned), key=lambda one: one.since
            )
        text = ", ".join(_unanswered(errand) for errand in late[:3])
        return f"{text} and {len(late) - 3} more" if len(late) > 3 else text

    def seconds(self) -> float:
        """Processor time that the crew's threads have spent, without what a stuck one spends yet."""
        return self._spent

    def close(self) -> None:
        """Ask whoever rests or asks to end, by Closed. Stuck threads end with the process."""
        self._closing.set()

    def dismiss(self) -> None:
        """Let the idle thread go; the last call of the thread that asks."""
        if self._inbox is not None:
            self._inbox.put(None)
            self._inbox = None

    def _outcome(self, errand: _Errand) -> tuple[Any, BaseException | None]:
        with contextlib.suppress(queue.Empty):
            return errand.answer.get(timeout=self._patience)
        with self._lock:
            if errand.over:
                return errand.answer.get()
            errand.abandoned = True
        # Its thread goes once it comes back.
        self.dismiss()
        raise Stuck(_unanswered(errand))

    def _hire(self) -> queue.SimpleQueue[_Errand | None]:
        inbox: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()
        threading.Thread(target=self._work, args=(inbox,), name=f"{self._name}-call", daemon=True).start()
        return inbox

    def _work(self, inbox: queue.SimpleQueue[_Errand | None]) -> None:
        if self._prepare is not None:
            self._prepare()
        spent = 0.0
        while (errand := inbox.get()) is not None:
            result, error = None, None
            try:
                result = errand.call()
            except BaseException as raised:
                error = raised
            before, spent = spent, time.thread_time()
            with self._lock:
                del self._under_way[errand.key]
                self._spent += spent - before
                errand.answer.put((result, error))
                errand.over = True
            if errand.abandoned and errand.late is not None:
                errand.late()


def _unanswered(errand: _Errand) -> str:
    return f"{errand.doing} has not answered for {time.monotonic() - errand.since:.0f} s"
