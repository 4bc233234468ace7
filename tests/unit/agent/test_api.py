"""The front doors offer everything that may be asked of the agent."""

from __future__ import annotations

import inspect

from agent.api import AgentApi
from agent.doors import Doors


def test_the_doors_have_each_member_with_the_same_parameters() -> None:
    wanted = {name: member for name, member in vars(AgentApi).items() if not name.startswith("_")}
    assert {"scrape", "containers", "targets", "reload"} <= wanted.keys()
    for name, member in wanted.items():
        offered = inspect.getattr_static(Doors, name)
        assert type(offered) is type(member), name
        if inspect.isfunction(member):
            assert inspect.signature(offered) == inspect.signature(member), name
            assert inspect.iscoroutinefunction(offered) == inspect.iscoroutinefunction(member), name
