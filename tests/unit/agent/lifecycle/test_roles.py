"""What has a story, and what is listed without being asked for."""

from __future__ import annotations

import pytest

from agent.lifecycle.roles import PARTS, has_story, is_listed
from collectors.model import Container, Role


@pytest.mark.parametrize(
    ("role", "story", "listed"),
    [
        (Role.CONTAINER, True, True),
        (Role.CGROUP, True, True),
        (Role.SERVICE, True, False),
        (Role.SANDBOX, False, False),
        (Role.POD, False, False),
        (Role.SLICE, False, False),
    ],
)
def test_each_role_has_its_part(role: Role, story: bool, listed: bool) -> None:
    one = Container(id="/a", name="a", engine="x", role=role)
    assert (has_story(one), is_listed(one)) == (story, listed)


def test_no_role_is_forgotten() -> None:
    assert PARTS.keys() == set(Role)
