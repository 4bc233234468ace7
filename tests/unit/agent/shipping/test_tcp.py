"""A connection is kept while it lives, and one that does not is noticed before it is used."""

from __future__ import annotations

import asyncio

from agent.shipping.sink import Again, Delivered, Verdict
from agent.shipping.tcp import Connection, TcpClient, TcpSettings


class Peer:
    """Counts connections; keeps what it reads; closes each when told to."""

    def __init__(self) -> None:
        self.connections = 0
        self.data = b""
        self.changed = asyncio.Condition()
        self.writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        while piece := await reader.read(65536):
            self.data += piece


async def greeted(connection: Connection) -> None:
    await connection.write(b"hello ")


async def delivered(connection: Connection) -> Verdict:
    await connection.write(b"data ")
    await connection.acknowledged()
    return Delivered()


async def test_one_connection_serves_many_and_a_closed_one_is_made_anew() -> None:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = TcpClient(TcpSettings(address=f"127.0.0.1:{port}", timeout=5.0), greeted)
    for _ in range(2):
        assert await client.attempt(delivered) == Delivered()
    assert peer.connections == 1
    peer.writers[0].close()
    await peer.writers[0].wait_closed()
    assert await client.attempt(delivered) == Delivered()
    assert peer.connections == 2
    await client.close()
    server.close()
    await server.wait_closed()
    async with asyncio.timeout(5):
        while peer.data != b"hello data data hello data ":
            await asyncio.sleep(0)


async def test_a_broken_exchange_closes_the_connection() -> None:
    peer = Peer()
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = TcpClient(TcpSettings(address=f"127.0.0.1:{port}", timeout=5.0), greeted)

    async def nonsense(connection: Connection) -> Verdict:
        raise ValueError("not the protocol")

    assert await client.attempt(nonsense) == Again(f"127.0.0.1:{port}: ValueError: not the protocol")
    assert await client.attempt(delivered) == Delivered()
    await client.close()
    server.close()
    assert peer.connections == 2
