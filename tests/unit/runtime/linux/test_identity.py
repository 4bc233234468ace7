"""All three ids change, and the groups."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from runtime.linux import identity


@pytest.mark.root
@pytest.mark.usefixtures("as_root")
def test_ids_and_groups(in_child: Callable[[Callable[[], object]], str]) -> None:
    def action() -> tuple[object, ...]:
        identity.set_groups((7, 9))
        identity.set_group(1001)
        identity.set_user(1000)
        return os.getresuid(), os.getresgid(), sorted(os.getgroups())

    assert in_child(action) == "((1000, 1000, 1000), (1001, 1001, 1001), [7, 9])"
