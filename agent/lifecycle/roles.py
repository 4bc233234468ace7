"""What has a story and what is listed among containers: one line for each role."""

from __future__ import annotations

from typing import NamedTuple

from collectors.model import Container, Role


class Part(NamedTuple):
    """`story`: it starts, ends and restarts, so it has events and lifecycle series. `listed`: it is shown with
    the containers without being asked for."""

    story: bool
    listed: bool


PARTS = {
    Role.CONTAINER: Part(story=True, listed=True),
    Role.CGROUP: Part(story=True, listed=True),
    Role.SERVICE: Part(story=True, listed=False),
    # A sandbox lives and dies with its pod, whose containers tell of that; it shares their names, too.
    Role.SANDBOX: Part(story=False, listed=False),
    Role.POD: Part(story=False, listed=False),
    Role.SLICE: Part(story=False, listed=False),
}


def has_story(container: Container) -> bool:
    """Whether its starts and ends are told and counted; all roles are read and have series of use."""
    return PARTS[container.role].story


def is_listed(container: Container) -> bool:
    """Whether it stands in a list of containers that does not ask for all, or for a role."""
    return PARTS[container.role].listed
