"""The servers: all listeners, opened, followed through reloads, closed."""

from __future__ import annotations

import base64
import os
import pathlib
import socket
import ssl
import sys
import textwrap
from collections.abc import AsyncIterator

import aiohttp
import bcrypt
import msgspec
import pytest

from agent.conditions import Conditions
from agent.http.app import Servers
from agent.http.webcheck import WebConfigError
from agent.rights import TokensError
from tests import certificates
from tests.certificates import Authority, Pair
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


USERS = f"basic_auth_users: {{alice: {bcrypt.hashpw(b'secret', bcrypt.gensalt(4)).decode()}}}\n"
TLS = "tls_server_config:\n  cert_file: server.pem\n  key_file: server.key\n"
CLIENTS = f"{TLS}  client_ca_file: authority.pem\n  client_auth_type: RequireAndVerifyClientCert\n"
ALICE = "Basic " + base64.b64encode(b"alice:secret").decode()
needs_openssl = pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING)


class Secured:
    """Servers with a web configuration on a loopback and an open address."""

    def __init__(self, directory: pathlib.Path, api: FakeApi) -> None:
        self.directory = directory
        self.api = api
        self.conditions = Conditions()
        self.servers = Servers(api, self.conditions)
        self.socket = f"{directory}/d.sock"
        configure(api, socket=self.socket, listen=("127.0.0.1:0", "0.0.0.0:0"))

    def write(self, text: str, name: str = "web.yml") -> None:
        (self.directory / "new").write_text(text)
        os.rename(self.directory / "new", self.directory / name)
        configure(self.api, web_config_file=f"{self.directory}/{name}")

    def session(self, pair: Pair | None = None, auth: str = "") -> aiohttp.ClientSession:
        context = ssl.create_default_context(cafile=f"{self.directory}/authority.pem")
        if pair is not None:
            context.load_cert_chain(pair.cert, pair.key)
        headers = {"Accept-Encoding": "identity"} | ({"Authorization": auth} if auth else {})
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), headers=headers)

    async def status(self, path: str, pair: Pair | None = None, auth: str = "") -> int:
        """What the open address answers, over a connection of its own."""
        async with self.session(pair, auth) as session:
            return await self.asked(session, path)

    async def asked(self, session: aiohttp.ClientSession, path: str) -> int:
        async with session.get(f"{self.servers.urls[1].replace('0.0.0.0', 'localhost')}{path}") as answer:
            await answer.read()
            return answer.status

    def told(self) -> str:
        return "".join(one.line() for one in self.conditions.current())


@pytest.fixture
async def secured(tmp_path: pathlib.Path, api: FakeApi) -> AsyncIterator[Secured]:
    one = Secured(tmp_path, api)
    yield one
    await one.servers.stop()


async def test_a_bad_web_configuration_opens_nothing(secured: Secured) -> None:
    secured.write("basic_auth_users: {alice: hunter2}")
    with pytest.raises(WebConfigError, match=r"web\.yml:1: basic_auth_users\.alice: is no bcrypt hash"):
        await secured.servers.start()
    assert not secured.servers.up and secured.told() == ""


@needs_openssl
async def test_tls_and_passwords_on_every_address_and_not_on_the_socket(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    Authority(str(tmp_path)).issue("server", "DNS:localhost", "IP:127.0.0.1")
    secured.write(TLS + USERS)
    await secured.servers.start()
    assert all(url.startswith("https://") for url in secured.servers.urls)
    assert len(secured.servers.urls) == 2
    for path, anybody, user in (
        ("/api/v1/containers", 401, 200),
        ("/metrics", 401, 200),
        ("/api/v1/workloads", 401, 403),
        ("/-/healthy", 200, 200),
    ):
        assert await secured.status(path) == anybody
        assert await secured.status(path, auth=ALICE) == user
    assert await status("http://deckwatch/api/v1/workloads", socket=secured.socket) == 200
    with pytest.raises(aiohttp.ClientConnectionError):
        await status(secured.servers.urls[0].replace("https", "http") + "/-/healthy")


@needs_openssl
async def test_a_bad_change_stays_out_of_force_and_is_told_on_the_socket_too(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    Authority(str(tmp_path)).issue("server", "DNS:localhost")
    secured.write(TLS + USERS)
    await secured.servers.start()
    for text, reason in ((TLS + "nonsense: 1", "nonsense: unknown key"), (USERS, "it switches TLS off")):
        secured.write(text)
        await status("http://deckwatch/-/ready", socket=secured.socket)
        assert reason in secured.told()
        assert await secured.status("/metrics", auth=ALICE) == 200
    await secured.servers.start()  # a reload is meant so
    assert secured.told() == ""
    assert secured.servers.urls[0].startswith("http://")
    assert await status(f"{secured.servers.urls[0]}/metrics") == 401
    secured.write(TLS + USERS, "other.yml")
    await secured.servers.start()
    assert await secured.status("/metrics", auth=ALICE) == 200
    configure(secured.api, web_config_file=None)
    await secured.servers.start()
    assert await status(f"{secured.servers.urls[0]}/metrics") == 200


@needs_openssl
async def test_a_required_certificate_has_the_rights_of_a_user(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    authority = Authority(str(tmp_path))
    authority.issue("server", "DNS:localhost")
    client = authority.issue("client", "DNS:prometheus")
    secured.write(TLS)
    await secured.servers.start()
    assert await secured.status("/metrics") == 200
    assert await secured.status("/api/v1/containers") == 403
    secured.write(
        TLS.replace(
            "server.key",
            "server.key\n  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: authority.pem",
        )
    )
    assert await secured.status("/api/v1/containers", client) == 403
    secured.write(CLIENTS)
    assert await secured.status("/api/v1/containers", client) == 200
    assert await secured.status("/api/v1/workloads", client) == 403
    secured.write(f"{CLIENTS}  client_allowed_sans: [grafana]\n")
    with pytest.raises(aiohttp.ClientConnectionError):
        await secured.status("/-/healthy", client)
    secured.write(CLIENTS + USERS)
    await secured.servers.start()  # names that go away wait for a reload
    assert await secured.status("/api/v1/containers", client) == 401
    assert await secured.status("/api/v1/containers", client, ALICE) == 200


@needs_openssl
async def test_a_connection_of_before_is_no_way_around_a_certificate(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    authority = Authority(str(tmp_path))
    authority.issue("server", "DNS:localhost")
    secured.write(TLS)
    await secured.servers.start()
    async with secured.session() as session:
        assert await secured.asked(session, "/metrics") == 200
        secured.write(CLIENTS)
        assert await secured.asked(session, "/-/healthy") == 403
        with pytest.raises(
            aiohttp.ClientError
        ):  # the connection was closed, and a new one wants a certificate
            await secured.asked(session, "/-/healthy")


@needs_openssl
async def test_a_renewed_certificate_reaches_those_who_keep_their_connection(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    authority = Authority(str(tmp_path))
    authority.issue("server", "DNS:localhost")
    secured.write(TLS)
    await secured.servers.start()
    async with secured.session() as session:
        closed = []
        for _ in range(4):
            url = secured.servers.urls[1].replace("0.0.0.0", "localhost")
            async with session.get(f"{url}/metrics") as answer:
                closed.append(answer.headers.get("Connection") == "close")
                await answer.read()
            if len(closed) == 2:
                authority.issue("server", "DNS:localhost")
    assert closed == [False, False, True, False]


@needs_openssl
async def test_connections_beyond_the_limit_are_turned_away_before_their_handshake(
    secured: Secured, tmp_path: pathlib.Path
) -> None:
    Authority(str(tmp_path)).issue("server", "DNS:localhost")
    secured.write(TLS)
    configure(secured.api, max_connections=3)
    secured.servers = Servers(secured.api, secured.conditions)
    await secured.servers.start()
    port = int(secured.servers.urls[1].rpartition(":")[2])
    silent = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(3)]
    try:
        with pytest.raises(aiohttp.ClientConnectionError):
            await secured.status("/metrics")
    finally:
        for one in silent:
            one.close()
