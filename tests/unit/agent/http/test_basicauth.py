"""Passwords against bcrypt hashes: right, wrong, many, and what they cost."""

from __future__ import annotations

import asyncio
import base64
import threading
from collections.abc import AsyncIterator, Callable

import bcrypt
import pytest

from agent.http.basicauth import Busy, Passwords, credentials, matches

ALICE = bcrypt.hashpw(b"secret", bcrypt.gensalt(4)).decode()


class Compare:
    """Counts what is compared, and waits when told to."""

    def __init__(self) -> None:
        self.asked: list[tuple[bytes, bytes]] = []
        self.go = threading.Event()
        self.go.set()

    def __call__(self, password: bytes, stored: bytes) -> bool:
        self.asked.append((password, stored))
        assert self.go.wait(20)
        return matches(password, stored)


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Passwords]]:
    made: list[Passwords] = []

    def passwords(*args: object, **options: object) -> Passwords:
        made.append(Passwords(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield passwords
    for one in made:
        one.close()


def header(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (header("a", "b:c"), (b"a", b"b:c")),
        (header("", ""), (b"", b"")),
        (header("é", "ü").replace("Basic", "bAsIc"), ("é".encode(), "ü".encode())),
        ("Basic YQ==", None),
        ("Basic !!!!", None),
        ("Basic ü", None),
        ("Basic", None),
        ("Bearer YTpi", None),
        ("", None),
    ],
)
def test_the_header(text: str, found: tuple[bytes, bytes] | None) -> None:
    assert credentials(text) == found


async def test_right_and_wrong(make: Callable[..., Passwords]) -> None:
    users = make({"alice": ALICE, "bob": ALICE.replace("$2b$", "$2y$"), "eve": ALICE.replace("$2b$", "$2a$")})
    for user in (b"alice", b"bob", b"eve"):
        assert await users.knows(user, b"secret")
        assert not await users.knows(user, b"Secret")
        assert not await users.knows(user, b"")
    assert not await users.knows(b"mallory", b"secret")
    assert not await users.knows(b"\xff\xfe", b"\x00" * 5000)
    assert not await make({}).knows(b"alice", b"secret")


async def test_a_hundred_scrapes_cost_one_check(make: Callable[..., Passwords]) -> None:
    compare = Compare()
    users = make({"alice": ALICE}, compare=compare)
    at_once = await asyncio.gather(*(users.knows(b"alice", b"secret") for _ in range(50)))
    later = [await users.knows(b"alice", b"secret") for _ in range(50)]
    assert all(at_once) and all(later)
    assert len(compare.asked) == 1
    assert not any([await users.knows(b"alice", b"wrong") for _ in range(50)])
    assert len(compare.asked) == 2


async def test_an_unknown_user_costs_what_a_known_one_does(make: Callable[..., Passwords]) -> None:
    compare = Compare()
    dear = bcrypt.hashpw(b"x", bcrypt.gensalt(6)).decode()
    users = make({"alice": ALICE, "bob": dear}, compare=compare)
    for number in range(64):
        assert not await users.knows(b"nobody%d" % number, b"secret")
    costs = {stored[:7] for _, stored in compare.asked}
    assert len(compare.asked) == 64
    assert costs == {ALICE[:7].encode(), dear[:7].encode()}
    assert {len(stored) for _, stored in compare.asked} == {60}
    compare.asked.clear()
    assert not await users.knows(b"nobody1", b"another")
    assert not await users.knows(b"nobody1", b"third")
    assert len({stored for _, stored in compare.asked}) == 1


async def test_a_changed_hash_is_checked_anew(make: Callable[..., Passwords]) -> None:
    users = make({"alice": ALICE})
    assert await users.knows(b"alice", b"secret")
    users.replace({"alice": bcrypt.hashpw(b"other", bcrypt.gensalt(4)).decode()})
    assert not await users.knows(b"alice", b"secret")
    assert await users.knows(b"alice", b"other")
    users.replace({"bob": ALICE})
    assert not await users.knows(b"alice", b"other")
    assert await users.knows(b"bob", b"secret")
    users.replace({})
    assert not users


async def test_only_so_many_wait_and_the_known_pass_them(make: Callable[..., Passwords]) -> None:
    compare = Compare()
    users = make({"alice": ALICE}, waiting=3, compare=compare)
    assert await users.knows(b"alice", b"secret")
    compare.go.clear()
    flood = [asyncio.ensure_future(users.knows(b"alice", b"wrong%d" % number)) for number in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await users.knows(b"alice", b"one more")
    assert await users.knows(b"alice", b"secret")
    for one in flood:
        one.cancel()
    await asyncio.wait(flood)
    # Who goes away leaves no room for another before the thread is done with it.
    with pytest.raises(Busy):
        await users.knows(b"alice", b"one more")
    assert len(compare.asked) <= 2
    compare.go.set()
    async with asyncio.timeout(20):
        while True:
            try:
                assert not await users.knows(b"alice", b"one more")
                break
            except Busy:
                await asyncio.sleep(0.01)


async def test_a_flood_of_wrong_passwords_pushes_no_right_one_out(make: Callable[..., Passwords]) -> None:
    compare = Compare()
    users = make({"alice": ALICE}, remembered=4, compare=compare)
    assert await users.knows(b"alice", b"secret")
    for number in range(20):
        assert not await users.knows(b"alice", b"wrong%d" % number)
    asked = len(compare.asked)
    assert await users.knows(b"alice", b"secret")
    assert len(compare.asked) == asked == 21
    assert not await users.knows(b"alice", b"wrong0")
    assert len(compare.asked) == 22


async def test_bcrypt_looks_at_72_bytes(make: Callable[..., Passwords]) -> None:
    long = b"p" * 80
    users = make({"alice": bcrypt.hashpw(long[:72], bcrypt.gensalt(4)).decode()})
    assert await users.knows(b"alice", long)
    assert not await users.knows(b"alice", long[:71])
