"""One peer over HTTP: a request, its answer within the time limit, or the reason to try again.

Redirects are not followed: what goes out carries credentials and logs, and the one to say where to is the
configuration.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from agent.shipping.compress import compressed
from agent.shipping.http_secrets import Authorization, SecretUnreadable, secrets_of
from agent.shipping.http_settings import HttpSettings
from agent.shipping.sink import Again

if TYPE_CHECKING:
    import ssl

    import aiohttp

MOST = 64 * 1024
"""Bytes of an answer that are read."""
_WHY = 300
_KEEP = 50.0

MENDABLE = frozenset((401, 403, 404, 405, 407, 415, 421))
"""Statuses that tell of the configuration, here or there, and nothing of the records: to be tried until mended."""
BUSY = frozenset((408, 425, 429))
"""Statuses below 500 that ask to come back later."""


class Answer(NamedTuple):
    """What the peer said. `after` is its Retry-After in seconds; `body` is cut at what was to be read."""

    status: int
    body: bytes
    after: float | None = None

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    @property
    def why(self) -> str:
        """Status and beginning of the body, on one line."""
        said = " ".join("".join(sign if sign.isprintable() else " " for sign in self.text[:_WHY]).split())
        return f"HTTP {self.status}: {said}" if said else f"HTTP {self.status}"

    def again(self) -> Again:
        """To be tried again, not before the peer wants it."""
        return Again(self.why, self.after)


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds that a Retry-After asks for: a number of them, or a date. None when it says nothing."""
    if not value:
        return None
    if value.strip().isascii() and value.strip().isdigit():
        return float(value.strip()[:9])
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, OverflowError):
        return None


class HttpClient:
    """Posts to one peer; connections are kept between requests."""

    def __init__(
        self,
        settings: HttpSettings,
        version: str,
        *,
        authorization: Authorization | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        common, self._certificates = secrets_of(settings)
        self._authorization = authorization or common
        self._headers = {
            "User-Agent": f"deckwatch/{version}",
            "Accept-Encoding": "identity",
            **settings.headers,
        }
        if settings.compression != "none":
            self._headers["Content-Encoding"] = settings.compression
        self._session: aiohttp.ClientSession | None = None
        self._context: ssl.SSLContext | None = None

    async def post(
        self,
        url: str,
        parts: Iterable[bytes],
        headers: Mapping[str, str],
        *,
        method: str = "POST",
        most: int = MOST,
    ) -> Answer | Again:
        """Compress the parts of a body, send it, read up to `most` bytes of the answer."""
        body = await compressed(parts, self._settings.compression)
        import aiohttp

        try:
            async with asyncio.timeout(self._settings.timeout):
                return await self._sent(url, body, headers, method, most)
        except TimeoutError:
            return Again(f"no answer within {self._settings.timeout:g} s")
        except SecretUnreadable as error:
            return Again(str(error))
        except aiohttp.ClientPayloadError:
            return Again("the connection ended in the middle of the answer")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Again(f"{type(error).__name__}: {error}"[:_WHY])

    async def close(self) -> None:
        """Close all connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _sent(
        self, url: str, body: bytes, headers: Mapping[str, str], method: str, most: int
    ) -> Answer:
        session, context = await self._opened(url)
        headers = {**headers, **self._headers}
        if authorization := self._authorization.value():
            headers["Authorization"] = authorization
        async with session.request(
            method, url, data=body, headers=headers, allow_redirects=False, ssl=context or True,
            server_hostname=(self._settings.tls.server_name or None) if context else None,
        ) as response:  # fmt: skip
            said = bytearray()
            while len(said) < most and (piece := await response.content.read(most - len(said))):
                said += piece
            after = retry_after(response.headers.get("Retry-After"), self._clock())
            if len(said) >= most:
                response.close()  # the rest is not wanted
            return Answer(response.status, bytes(said), after)

    async def _opened(self, url: str) -> tuple[aiohttp.ClientSession, ssl.SSLContext | None]:
        """The session, made anew when a certificate changed: connections made with the old one are not kept."""
        import aiohttp

        context = await self._certificates.current() if url.startswith("https:") else None
        if self._session is None or context is not self._context:
            await self.close()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=2, keepalive_timeout=_KEEP),
                timeout=aiohttp.ClientTimeout(total=None),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
            self._context = context
        return self._session, context
