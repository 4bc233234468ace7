"""Values of the agent held against the kernel's files before and after the scrape, in the same second."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from tests.integration.agents import Scrape
from tests.integration.oracle import Own, Values

Row = dict[tuple[str, Own], float]


def compare(
    names: Collection[str],
    scrape: Callable[[], Scrape],
    told_of: Callable[[Scrape, str], Row],
    kernels: Callable[[str], Values],
    counters: Collection[str],
    attempts: int = 30,
) -> None:
    """Assert that each value of each name lies between the two readings at least once.

    A gauge may leave them for a moment, but a wrong one never comes to lie there; one of `counters` never
    exceeds what the file says afterwards. What either side does not offer, the other must not have.
    """
    pending: dict[tuple[str, str, Own], str] = {}
    for attempt in range(attempts):
        began = time.monotonic()
        before = {name: kernels(name) for name in names}
        reading = scrape()
        after = {name: kernels(name) for name in names}
        if time.monotonic() - began > 1.0:
            continue
        told = {name: told_of(reading, name) for name in names}
        if attempt == 0 or not pending:
            pending = {
                (name, *key): "never read" for name in names for key in told[name].keys() | after[name].keys()
            }
        for name, family, own in list(pending):
            key = family, own
            value = told[name].get(key)
            low, high = sorted((before[name].get(key, 0.0), after[name].get(key, 0.0)))
            problem = f"{value} is not within {low} and {high}"
            if value is not None and key in after[name] and low - 1e-9 <= value <= high + 1e-9:
                del pending[name, family, own]
                continue
            assert value is None or family not in counters or value <= high + 1e-9, (
                f"{name} {family} {dict(own)}: {problem}"
            )
            pending[name, family, own] = problem
        if not pending:
            return
    lines = [f"{name} {family}{dict(own)}: {why}" for (name, family, own), why in pending.items()]
    raise AssertionError("\n".join(sorted(lines)))
