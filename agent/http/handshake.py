"""TLS handshakes that fail in a way the client can read.

asyncio closes a connection whose handshake fails without sending what OpenSSL wrote to say why, so that a client
sees no more than an end of file. Here the failure is kept back until asyncio has sent that alert (RFC 8446,
section 6.2), and told to the one who waits for the handshake, who then ends it.
"""

from __future__ import annotations

import contextvars
import ssl
from collections.abc import Callable

Failed = Callable[[str], None]

# Who wants to know that the handshake failed which the present task waits for: callbacks inherit the variable.
ON_FAILURE: contextvars.ContextVar[Failed] = contextvars.ContextVar("ON_FAILURE")


class Handshake(ssl.SSLObject):
    """One end of a connection, which asks for a moment more when the handshake has failed."""

    _failure = ""

    def do_handshake(self) -> None:
        """Go on with the handshake; raises SSLWantReadError once between a failure and its error."""
        if self._failure:
            raise ssl.SSLError(ssl.SSL_ERROR_SSL, self._failure)
        try:
            super().do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except ssl.SSLError as error:
            # Not the error itself: its frames would keep this object, and the connection, from ending.
            self._failure = str(error)
            told = ON_FAILURE.get(None)
            if told is not None:
                told(self._failure)
            raise ssl.SSLWantReadError(ssl.SSL_ERROR_WANT_READ, "the alert is to be sent first") from None


class ServerContext(ssl.SSLContext):
    """A context whose connections send their alerts."""

    sslobject_class = Handshake
