"""The web configuration in force: read again when it or a file that it names changes.

A version that cannot be used changes nothing: the last good one stays, and a condition says why. So does one
that takes a protection away altogether; that one waits for a reload, so that a file which is half written, or
was emptied, opens nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import ssl
from dataclasses import dataclass

import structlog
from aiohttp import web

from agent.conditions import Conditions
from agent.http.basicauth import Passwords
from agent.http.ratelimit import TokenBucket
from agent.http.tls import TlsRefused, context_of
from agent.http.webcheck import WebConfigError, locate, read
from agent.http.webfile import WebFile

log = structlog.get_logger()
TAKEN = "web_config_taken"
REFUSED = "web_config_refused"

CONDITION = "web_config_refused"
READ_LIMIT = 10.0
_USER = re.compile(r"\bbasic_auth_users\.[^:\n]*")

# path: device, inode, size, times of content and of change; None when it cannot be looked at
Stamps = dict[str, tuple[int, ...] | None]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the file, ready for use. `context` is None for plain HTTP."""

    file: WebFile
    context: ssl.SSLContext | None = None


class WebConfig:
    """The settings of one file for all TCP listeners. It grants nothing before `load`."""

    def __init__(self, path: str, conditions: Conditions, *, read_limit: float = READ_LIMIT) -> None:
        self._path = path
        self._conditions = conditions
        self._read_limit = read_limit
        self._reading = asyncio.Lock()
        self._stamps: Stamps = {path: None}
        self._version: Version | None = None
        self.passwords = Passwords({})
        self.bucket = TokenBucket(0, 0)

    @property
    def file(self) -> WebFile:
        """The settings in force."""
        return self._in_force().file

    @property
    def context(self) -> ssl.SSLContext | None:
        """What new connections are served with; None for plain HTTP."""
        return self._in_force().context

    def _in_force(self) -> Version:
        assert self._version is not None, "load() comes first"
        return self._version

    async def load(self) -> None:
        """Take over the file as it is now, whatever it takes away; raises WebConfigError and changes nothing."""
        async with self._reading:
            new = await self._read()
            if isinstance(new, Version):
                self._take(new)
                return
            if self._version is not None:
                self._report(str(new))
            raise new

    async def refresh(self) -> None:
        """Take over a changed file if it can be used and protects what the one in force does."""
        if not self._changed():
            return
        async with self._reading:
            if not self._changed():
                return  # another request was faster
            new = await self._read()
            if isinstance(new, WebConfigError):
                self._report(str(new))
            elif lost := lost_protection(self._in_force().file, new.file):
                self._report(f"{self._path}: {lost}, which waits for a reload")
            else:
                self._take(new)

    def close(self) -> None:
        """End what it runs, and take back what it reported."""
        self.passwords.close()
        self._conditions.clear(CONDITION)

    def _changed(self) -> bool:
        return any(stamp_of(path) != stamp for path, stamp in self._stamps.items())

    async def _read(self) -> Version | WebConfigError:
        try:
            async with asyncio.timeout(self._read_limit):
                self._stamps, new = await asyncio.to_thread(_read, self._path)
        except TimeoutError:
            self._stamps = {path: stamp_of(path) for path in self._stamps}
            return WebConfigError(f"{self._path}: was not read within {self._read_limit:.0f} s")
        return new

    def _report(self, reason: str) -> None:
        # Whoever asks for /-/ready learns the line, not the names of users; the log has both.
        if self._conditions.set(CONDITION, reason=_USER.sub("basic_auth_users", reason)):
            log.error(REFUSED, path=self._path, reason=reason, remedy="the last good version stays in force")

    def _take(self, new: Version) -> None:
        old = self._version
        self._version = new
        self._conditions.clear(CONDITION)
        self.passwords.replace(new.file.basic_auth_users)
        limit = new.file.rate_limit
        if old is None or old.file.rate_limit != limit:
            self.bucket = TokenBucket(limit.interval, limit.burst)
        log.info(TAKEN, path=self._path, tls=new.context is not None, users=len(new.file.basic_auth_users))


def lost_protection(old: WebFile, new: WebFile) -> str:
    """What a new version takes away altogether, in words; empty when nothing."""
    if old.tls and not new.tls:
        return "it switches TLS off"
    if old.requires_certificates and not new.requires_certificates:
        return "it no longer requires client certificates"
    if old.tls and new.tls and old.tls.client_allowed_sans and not new.tls.client_allowed_sans:
        return "it has no client_allowed_sans any more"
    if old.basic_auth_users and not new.basic_auth_users:
        return "it has no basic_auth_users any more"
    return ""


def stamp_of(path: str) -> tuple[int, ...] | None:
    """What tells one version of a file from another."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _read(path: str) -> tuple[Stamps, Version | WebConfigError]:
    """One attempt, in a thread: what it looked at, stamped before it was read, and what came of it."""
    stamps: Stamps = {path: stamp_of(path)}
    if os.path.exists(path) and not os.path.isfile(path):
        return stamps, WebConfigError(
            f"{path}: is no ordinary file"
        )  # a pipe would hold this thread for ever
    try:
        file, tree = read(path)
    except WebConfigError as error:
        return stamps, error
    if file.tls is None:
        return stamps, Version(file)
    stamps |= {named: stamp_of(named) for named in file.tls.files}
    try:
        return stamps, Version(file, context_of(file.tls))
    except TlsRefused as refused:
        names = ("tls_server_config", refused.key)
        return stamps, WebConfigError(str(locate(tree, names).problem(".".join(names), refused.message)))


WEB: web.AppKey[WebConfig] = web.AppKey("web", WebConfig)
