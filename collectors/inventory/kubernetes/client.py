"""HTTPS to a kubelet or an API server: bearer token, certificates, sizes and waits limited, errors with a remedy."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from types import TracebackType
from typing import NamedTuple, TypeVar

import aiohttp
import msgspec

from runtime.linux.errors import DeckwatchError

LIST_LIMIT = 64 << 20
LINE_LIMIT = 8 << 20
TIMEOUT = 15.0
_TOKEN_LIMIT = 64 << 10
# Smaller answers are decoded within a millisecond or two.
_DECODED_HERE = 512 << 10
_URL = re.compile(r"https?://[^/?#]+")

T = TypeVar("T")


class KubernetesError(DeckwatchError):
    """The other side does not answer, or says no; the text names the URL and the remedy."""


class Gone(KubernetesError):
    """The version asked for is no longer kept (410): list again."""


class Access(NamedTuple):
    """How to ask: the base URL, the files of the token and of the certificates, and what a 403 lacks."""

    url: str
    token_file: str
    ca_file: str
    verify: bool
    rights: str


class KubernetesClient:
    """A connection to one of them; `async with` opens it. Every call raises KubernetesError.

    The token's file is read again when it changes, as the kubelet renews it each hour. It is sent over TLS
    alone, and never to where an answer redirects.
    """

    def __init__(self, access: Access, *, timeout: float = TIMEOUT) -> None:
        self._access = access
        self._base = access.url.rstrip("/")
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None
        self._stamp: tuple[int, int, int] | None = None
        self._token = ""

    async def __aenter__(self) -> KubernetesClient:
        if not _URL.match(self._base):
            raise KubernetesError(
                f"{self._base} is no URL; write it as https://ADDRESS:PORT (inventory.kubernetes)"
            )
        # Reading certificates waits for the disk.
        context = await asyncio.to_thread(self._tls)
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context, limit=2))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def get(self, path: str, parameters: Mapping[str, str], decode: Callable[[bytearray], T]) -> T:
        """One answer of at most 64 MiB, decoded, which may raise MsgspecError."""
        content = bytearray()
        async with self._request(path, parameters, self._timeout) as answer:
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > LIST_LIMIT:
                    raise KubernetesError(f"{self._base}{path} answers with more than {LIST_LIMIT} bytes")
        try:
            if len(content) > _DECODED_HERE:
                return await asyncio.to_thread(decode, content)
            return decode(content)
        except msgspec.MsgspecError as error:
            raise self._nonsense(path, error) from error

    async def lines(
        self, path: str, parameters: Mapping[str, str], seconds: float
    ) -> AsyncGenerator[bytes, None]:
        """The lines of a streamed answer, which the other side ends within `seconds`; a silent end is an error.

        Nothing is given before the other side has agreed; then an empty line says so.
        """
        rest = bytearray()
        async with self._request(path, parameters, seconds) as answer:
            yield b""
            async for piece in answer.content.iter_any():
                rest += piece
                *lines, tail = rest.split(b"\n")
                rest = tail
                if len(rest) > LINE_LIMIT:
                    raise KubernetesError(f"{self._base}{path} tells a line of more than {LINE_LIMIT} bytes")
                for line in lines:
                    if line:
                        yield bytes(line)

    def _nonsense(self, path: str, error: Exception) -> KubernetesError:
        return KubernetesError(f"{self._base}{path} answers with something else than pods: {error}")

    @contextlib.asynccontextmanager
    async def _request(
        self, path: str, parameters: Mapping[str, str], seconds: float
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=self._timeout)
        try:
            async with self._session.get(
                self._base + path,
                params=parameters,
                headers=await asyncio.to_thread(self._headers),
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                if answer.status != 200:
                    raise await self._refusal(path, answer)
                yield answer
        except TimeoutError as error:
            raise KubernetesError(f"{self._base}{path} does not answer within {seconds:g} s") from error
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise KubernetesError(
                f"{self._base}: no trust in its certificate ({_reason(error)}); set inventory.kubernetes.ca_file "
                "to the certificate of its issuer, or insecure_skip_verify for a kubelet that signs its own"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise KubernetesError(f"cannot reach {self._base}: {_reason(error)}") from error

    async def _refusal(self, path: str, answer: aiohttp.ClientResponse) -> KubernetesError:
        """What a status other than 200 means, and what to do about it."""
        text = (await answer.content.read(300)).decode("utf-8", "replace")
        said = f"{self._base}{path} answers {answer.status}"
        if answer.status == 401:
            sent = f"the token of {self._access.token_file}" if self._token else "a request without a token"
            return KubernetesError(f"{said}: {sent} is not accepted; set inventory.kubernetes.token_file")
        if answer.status == 403:
            return KubernetesError(f"{said}; {self._access.rights}")
        if answer.status == 410:
            return Gone(said)
        return KubernetesError(f"{said}: {' '.join(text.split()) or answer.reason}")

    def _tls(self) -> ssl.SSLContext:
        certificates = self._access.ca_file if os.path.exists(self._access.ca_file) else None
        try:
            context = ssl.create_default_context(cafile=certificates)
        except (OSError, ssl.SSLError) as error:
            raise KubernetesError(
                f"cannot use the certificates of {certificates}: {error}; set inventory.kubernetes.ca_file"
            ) from error
        if not self._access.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _headers(self) -> dict[str, str]:
        if not self._base.startswith("https:"):
            return {}
        try:
            found = os.stat(self._access.token_file)
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp != self._stamp:
                with open(self._access.token_file, encoding="ascii", errors="replace") as file:
                    self._token, self._stamp = file.read(_TOKEN_LIMIT).strip(), stamp
        except OSError:
            self._token, self._stamp = "", None
        # Anything else in it would be a header of the file's choice.
        return {"Authorization": f"Bearer {self._token}"} if self._token.isprintable() and self._token else {}


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return str(error.strerror)
    return " ".join(str(error).split()) or type(error).__name__
