"""Passwords, tokens and certificates from their files, read again when those change."""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.shipping.http_settings import BasicAuth, ClientTls, HttpSettings
from runtime.linux.errors import DeckwatchError

if TYPE_CHECKING:
    import ssl

_MOST = 64 * 1024
_Mark = tuple[tuple[int, int, int], ...]


class SecretUnreadable(DeckwatchError):
    """A file with a password, token or certificate cannot be used."""


def _mark(paths: Sequence[str]) -> _Mark:
    """What is another when a file was changed or replaced."""
    found = []
    for path in paths:
        try:
            state = os.stat(path)
        except OSError as error:
            raise SecretUnreadable(f"cannot read {path}: {error.strerror}") from None
        found.append((state.st_ino, state.st_mtime_ns, state.st_size))
    return tuple(found)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            text = file.read(_MOST).decode("utf-8").rstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretUnreadable(f"cannot read {path}: {error}") from None
    if not text or not text.isprintable():
        raise SecretUnreadable(f"{path} must hold one line of printable text")
    return text


class Authorization:
    """The value of the header `Authorization`: user and password, or the `scheme` and a token."""

    def __init__(self, basic: BasicAuth | None, token_file: str, scheme: str = "Bearer") -> None:
        self._basic = basic
        self._scheme = scheme
        self._path = basic.password_file if basic else token_file
        self._read: _Mark | None = None
        self._value = ""

    def value(self) -> str | None:
        """As of now; None when none is wanted. Raises SecretUnreadable."""
        if not self._path:
            return None
        mark = _mark((self._path,))
        if mark != self._read:
            self._value, self._read = self._made(_text(self._path)), mark
        return self._value

    def _made(self, secret: str) -> str:
        if self._basic is None:
            return f"{self._scheme} {secret}"
        return f"Basic {base64.b64encode(f'{self._basic.username}:{secret}'.encode()).decode('ascii')}"


class Certificates:
    """The SSLContext that a peer is spoken to with."""

    def __init__(self, tls: ClientTls) -> None:
        self._tls = tls
        self._paths = [path for path in (tls.ca_file, tls.cert_file, tls.key_file) if path]
        self._read: _Mark | None = None
        self._context: ssl.SSLContext | None = None

    async def current(self) -> ssl.SSLContext:
        """`context()`, made in a thread when it has to be made: the system's authorities take 50 ms to read."""
        if self._context is not None and _mark(self._paths) == self._read:
            return self._context
        return await asyncio.to_thread(self.context)

    def context(self) -> ssl.SSLContext:
        """As of now: the same object until a file changes. Raises SecretUnreadable."""
        mark = _mark(self._paths)
        if self._context is None or mark != self._read:
            self._context, self._read = self._made(), mark
        return self._context

    def _made(self) -> ssl.SSLContext:
        import ssl

        tls = self._tls
        try:
            context = ssl.create_default_context(cafile=tls.ca_file or None)
            if tls.cert_file:
                context.load_cert_chain(tls.cert_file, tls.key_file)
        except (OSError, ssl.SSLError) as error:
            raise SecretUnreadable(f"cannot use {', '.join(self._paths)}: {error}") from None
        if tls.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def secrets_of(settings: HttpSettings) -> tuple[Authorization, Certificates]:
    """Both, from the settings of a sink."""
    return Authorization(settings.basic_auth, settings.bearer_token_file), Certificates(settings.tls)
