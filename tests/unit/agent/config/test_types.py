"""Values of the configuration as they are written."""

from __future__ import annotations

from typing import get_args

import pytest

from agent.config.types import Duration, Path, Section, Size, Unit


class _Part(Section, frozen=True):
    wait: Duration = 1.0


def test_durations_sizes_and_paths_say_how_they_are_written() -> None:
    units = [get_args(one)[1] for one in (Duration, Size, Path)]
    assert units == [Unit("duration"), Unit("size"), Unit("path")]


def test_a_section_is_never_changed() -> None:
    part = _Part(wait=2.0)
    with pytest.raises(AttributeError):
        part.wait = 3.0  # type: ignore[misc]
