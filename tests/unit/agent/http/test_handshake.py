"""Alerts of handshakes that fail, between two ends in memory."""

from __future__ import annotations

import ssl

import pytest

from agent.http.handshake import ON_FAILURE, ServerContext


def test_the_alert_is_written_before_the_failure_is_raised() -> None:
    """No certificate on the server's side: no suite can be agreed on."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ServerContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    client = ssl.create_default_context().wrap_bio(to_client, to_server, server_hostname="localhost")
    failures: list[str] = []
    token = ON_FAILURE.set(failures.append)
    try:
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        assert not failures and not to_client.pending
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        with pytest.raises(ssl.SSLWantReadError):
            server.do_handshake()
        assert len(failures) == 1
        with pytest.raises(ssl.SSLError, match="ALERT_HANDSHAKE_FAILURE"):
            client.do_handshake()
        with pytest.raises(ssl.SSLError) as caught:
            server.do_handshake()
        assert failures[0] in str(caught.value)
    finally:
        ON_FAILURE.reset(token)


def test_nobody_needs_to_listen() -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ServerContext(ssl.PROTOCOL_TLS_SERVER).wrap_bio(to_server, to_client, server_side=True)
    to_server.write(b"GET / HTTP/1.1\r\n\r\n")
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    with pytest.raises(ssl.SSLError, match="HTTP_REQUEST"):
        server.do_handshake()
