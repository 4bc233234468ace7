"""The servers: all listeners, opened, followed through reloads, closed."""

from __future__ import annotations

import os
import pathlib
import socket
import sys
import textwrap

import aiohttp
import msgspec
import pytest

from agent.conditions import Conditions
from agent.http.app import Servers
from agent.rights import TokensError
from tests.unit.agent.http.fakes import FakeApi


def configure(api: FakeApi, **server: object) -> None:
    changed = msgspec.structs.replace(api.config.server, **server)
    api.config = msgspec.structs.replace(api.config, server=changed)


async def status(url: str, **options: object) -> int:
    connector = aiohttp.UnixConnector(str(options["socket"])) if "socket" in options else None
    async with aiohttp.ClientSession(connector=connector) as session, session.get(url) as answer:
        return answer.status


async def test_all_listeners_answer_each_with_its_rights(tmp_path: pathlib.Path, api: FakeApi) -> None:
    path = str(tmp_path / "d.sock")
    configure(api, socket=path, listen=("127.0.0.1:0", ":0"))
    conditions = Conditions()
    servers = Servers(api, conditions)
    assert not servers.up
    await servers.start()
    try:
        assert servers.up and conditions.current() == []
        loopback, *wide = servers.urls
        port = wide[0].rpartition(":")[2]
        assert await status(f"{loopback}/api/v1/containers") == 200
        assert await status(f"{loopback}/api/v1/workloads") == 403
        assert await status(f"http://127.0.0.1:{port}/api/v1/containers") == 403
        assert await status(f"http://127.0.0.1:{port}/metrics") == 200
        assert await status("http://deckwatch/api/v1/workloads", socket=path) == 200
    finally:
        await servers.stop()
    assert not os.path.exists(path)
    assert not servers.up


async def test_a_listener_that_fails_is_reported_and_the_others_go_on(
    tmp_path: pathlib.Path, api: FakeApi
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        configure(api, socket=str(tmp_path / "d.sock"), listen=(address, "127.0.0.1:0"))
        conditions = Conditions()
        servers = Servers(api, conditions)
        await servers.start()
        try:
            assert [one.code for one in conditions.current()] == ["listener_failed"]
            assert address in conditions.current()[0].text
            assert await status(f"{servers.urls[0]}/-/healthy") == 200
            configure(api, listen=("127.0.0.1:0",))
            await servers.start()
            assert conditions.current() == []
        finally:
            await servers.stop()


async def test_a_reload_opens_closes_and_keeps(tmp_path: pathlib.Path, api: FakeApi) -> None:
    configure(api, socket=str(tmp_path / "d.sock"), listen=("127.0.0.1:0", "localhost:0"))
    servers = Servers(api, Conditions())
    await servers.start()
    try:
        kept = servers.urls[0]
        tokens = tmp_path / "tokens.yaml"
        configure(api, listen=("127.0.0.1:0",))
        await servers.start()
        assert servers.urls == [kept]
        configure(api, tokens_file=str(tokens))
        with pytest.raises(TokensError, match="cannot be read"):
            await servers.start()
        assert await status(f"{kept}/metrics") == 200
        tokens.write_text("tokens: []")
        await servers.start()
        assert await status(f"{servers.urls[0]}/metrics") == 401
    finally:
        await servers.stop()


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
async def test_another_user_may_not_use_the_socket(tmp_path: pathlib.Path, api: FakeApi) -> None:
    import asyncio

    path = str(tmp_path / "d.sock")
    configure(api, socket=path, listen=())
    servers = Servers(api, Conditions())
    await servers.start()
    try:
        os.chmod(path, 0o666)  # as if the mode had been widened: the peer is checked all the same
        for parent in (tmp_path, *tmp_path.parents[:2]):
            os.chmod(parent, 0o755)
        script = textwrap.dedent("""
            import os, socket, sys
            os.setgroups([]); os.setgid(65534); os.setuid(65534)
            s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])
            s.sendall(b"GET /api/v1/containers HTTP/1.0\\r\\nHost: x\\r\\n\\r\\n")
            print(s.makefile("rb").readline().decode())
        """)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, path, stdout=asyncio.subprocess.PIPE
        )
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert b" 403 " in output
    finally:
        await servers.stop()
