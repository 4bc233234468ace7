"""The machine is left as it was found: whatever the tests made and did not remove is an error of the session."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import leftovers


@pytest.fixture(scope="session", autouse=True)
def machine_as_it_was(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail at the end of the session, naming all that bears the session's own mark and is still there."""
    yield
    left = leftovers.settled(leftovers.Marks(str(tmp_path_factory.getbasetemp()), os.getpid()))
    assert not left, "left behind by the tests:\n" + "\n".join(sorted(left))
