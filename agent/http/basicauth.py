"""Users and passwords of HTTP basic authentication, checked against bcrypt hashes.

A check takes tens of milliseconds of a processor by design. So one thread does them one after the other, few
may wait for it, and each result is remembered, under a keyed hash that tells nothing about the password.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import functools
import hmac
import os
from collections import OrderedDict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import bcrypt

WAITING = 16
REMEMBERED = 256
_BCRYPT_BYTES = 72  # bcrypt looks at no more of a password; some versions of the library refuse longer ones
_SALT = b"." * 22
_DIGEST = b"." * 31


class Busy(Exception):
    """Too many passwords wait to be checked."""


def credentials(header: str) -> tuple[bytes, bytes] | None:
    """User and password of an `Authorization` header; None when it is no well-formed `Basic` one (RFC 7617)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return (user, password) if colon else None


def matches(password: bytes, stored: bytes) -> bool:
    """Whether a bcrypt hash is that of a password; takes as long whether it is or not."""
    return bcrypt.checkpw(password, stored)


class Passwords:
    """The users of a file. An unknown user costs what a known one with a wrong password does."""

    def __init__(
        self,
        users: Mapping[str, str],
        *,
        waiting: int = WAITING,
        remembered: int = REMEMBERED,
        compare: Callable[[bytes, bytes], bool] = matches,
    ) -> None:
        self._waiting = waiting
        self._remembered = remembered
        self._compare = compare
        self._secret = os.urandom(32)
        self._thread = ThreadPoolExecutor(1, "bcrypt")
        self._running: dict[bytes, asyncio.Future[bool]] = {}
        # Apart, so that a flood of wrong passwords pushes no right one out.
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._users: dict[bytes, bytes] = {}
        self.replace(users)

    def replace(self, users: Mapping[str, str]) -> None:
        """Other users from now on; what is remembered counts for unchanged hashes only."""
        self._users = {name.encode(): stored.encode() for name, stored in users.items()}

    def __bool__(self) -> bool:
        """Whether there are users at all."""
        return bool(self._users)

    async def knows(self, user: bytes, password: bytes) -> bool:
        """Whether this is a user's password; raises Busy when too many are being checked."""
        if not self._users:
            return False
        stored = self._users.get(user, self._decoy(user))
        password = password[:_BCRYPT_BYTES]
        key = self._hash(user, password, stored)
        for results in (self._right, self._wrong):
            if key in results:
                results.move_to_end(key)
                return results is self._right
        return await asyncio.shield(self._running.get(key) or self._start(key, user, password, stored))

    def _start(self, key: bytes, user: bytes, password: bytes, stored: bytes) -> asyncio.Future[bool]:
        if len(self._running) >= self._waiting:
            raise Busy
        known = user in self._users

        def check() -> bool:
            return self._compare(password, stored) and known

        begun = asyncio.get_running_loop().run_in_executor(self._thread, check)
        self._running[key] = begun
        begun.add_done_callback(functools.partial(self._ended, key))
        return begun

    def _ended(self, key: bytes, ended: asyncio.Future[bool]) -> None:
        del self._running[key]
        if ended.cancelled() or ended.exception() is not None:
            return
        results = self._right if ended.result() else self._wrong
        results[key] = None
        if len(results) > self._remembered:
            results.popitem(last=False)

    def _decoy(self, user: bytes) -> bytes:
        """A hash that nothing matches, at the cost of one of the users': always the same one's for one name."""
        hashes = sorted(self._users.values())
        chosen = hashes[int.from_bytes(self._hash(user)[:8], "big") % len(hashes)]
        return chosen[:7] + _SALT + _DIGEST

    def _hash(self, *parts: bytes) -> bytes:
        whole = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return hmac.digest(self._secret, whole, "sha256")

    def close(self) -> None:
        """End the thread; checks that have not begun are dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)
