"""The service is asked when somebody wants to know, and left alone otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest
from aiohttp import web

from collectors.inventory.podman.ask import TRIES, Asker
from collectors.inventory.podman.facts import Known
from tests.unit.collectors.inventory.podman.test_api import service
from tests.unit.collectors.inventory.tree import id_of

A, B = id_of("a"), id_of("b")


class Asking:
    """An asker that runs, a service that knows `a` alone, and what was told."""

    def __init__(self, socket: str) -> None:
        self.socket = socket
        self.asked = 0
        self.told: list[Mapping[str, Known]] = []
        self.asker = Asker(socket, self.told.append)

    async def answer(self, request: web.Request) -> web.Response:
        self.asked += 1
        return web.json_response([{"Id": A, "Labels": {"x": "y"}}])

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
async def asking(tmp_path: Path) -> AsyncIterator[Asking]:
    asking = Asking(f"{tmp_path}/s")
    task = asyncio.ensure_future(asking.asker.run())
    yield asking
    task.cancel()
    await asyncio.wait([task])


async def test_an_answer_is_told(asking: Asking) -> None:
    async with service(asking.socket, asking.answer):
        assert asking.asker.there
        asking.asker.want([A])
        await asking.until(lambda: bool(asking.told))
    assert asking.told == [{A: Known(labels={"x": "y"})}]


async def test_nobody_is_asked_without_a_question_or_a_service(asking: Asking) -> None:
    asking.asker.want([A])
    assert not asking.asker.there
    async with service(asking.socket, asking.answer):
        asking.asker.want([])
        assert await asking.asker.ask()
    assert asking.asked == 1


async def test_a_container_that_is_never_listed_is_given_up(asking: Asking) -> None:
    async with service(asking.socket, asking.answer):
        for _ in range(TRIES):
            asking.asker.want([B])
            assert await asking.asker.ask()
        # The last question was answered: from now on nobody asks for it.
        before = asking.asked
        asking.asker.want([B])
        asking.asker.want([A])
        await asking.until(lambda: asking.asked > before)


async def test_a_service_that_is_away_is_asked_again_when_it_is_back(asking: Asking) -> None:
    Path(asking.socket).touch()
    asking.asker.want([A])
    await asking.until(lambda: asking.told == [{}])
    assert not asking.asker.there
    Path(asking.socket).unlink()
    async with service(asking.socket, asking.answer):
        await asking.until(lambda: len(asking.told) > 1)
        assert asking.asker.there
    assert asking.told[-1] == {A: Known(labels={"x": "y"})}
