"""Attacks on the agent's listeners: over TCP without a token, as another user on the socket, by names over the API."""

from __future__ import annotations

import json
import os
import pathlib
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import unquote

import pytest

from tests.integration.agents import Agent, free_port
from tests.integration.engines import wait_until
from tests.integration.workloads import script

HOST = b"Host: localhost\r\n"
CLOSE = b"Connection: close\r\n\r\n"
NOBODY = 65534


@pytest.fixture(scope="module")
def agent() -> Iterator[Agent]:
    """An agent with one workload, a loopback listener and one that is open to the network."""
    port = free_port()
    made = Agent(
        {
            "workloads": [script("web", "exec sleep 1000")],
            "inventory": {"docker": {"enabled": False}},
            "runtime": {"on_exit": "stop"},
        }
    )
    configuration = pathlib.Path(made.config)
    listening = configuration.read_text().replace(
        f"- 127.0.0.1:{made.port}\n", f"- 127.0.0.1:{made.port}\n  - 0.0.0.0:{port}\n"
    )
    assert str(port) in listening
    configuration.write_text(listening)
    made.start()
    made.open_port = port  # type: ignore[attr-defined]
    wait_until(lambda: os.path.exists(f"{made.directory}/run/replicas/web-1/container.json"), "the workload")
    yield made
    made.close()


def ask(where: int | str, raw: bytes, timeout: float = 5.0) -> bytes:
    """All that a listener answers to raw bytes until it closes, or stays silent for this long."""
    family = socket.AF_INET if isinstance(where, int) else socket.AF_UNIX
    answer = b""
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout)
        connection.connect(("127.0.0.1", where) if isinstance(where, int) else where)
        try:
            connection.sendall(raw)
            while piece := connection.recv(65536):
                answer += piece
        except OSError:
            pass  # it closed before it had read everything, or is silent
    return answer


def status(answer: bytes) -> int:
    """The status of an answer."""
    found = re.match(rb"HTTP/1\.[01] (\d{3}) ", answer)
    assert found is not None, answer[:200]
    return int(found[1])


def request(method: str, path: str, headers: bytes = HOST, body: bytes = b"") -> bytes:
    """A request that asks for the connection to be closed."""
    length = b"Content-Length: %d\r\n" % len(body) if body or method in ("PUT", "POST") else b""
    return f"{method} {path} HTTP/1.1\r\n".encode() + headers + length + CLOSE + body


@pytest.mark.parametrize(
    "name",
    [
        b"evil.example",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"localhost:9780@evil.example",
        b"[::1].evil.example",
        b"0.0.0.0",
        b"",
    ],
)
def test_a_page_whose_name_was_bound_to_loopback_learns_nothing(agent: Agent, name: bytes) -> None:
    for path in ("/api/v1/containers", "/metrics", "/", "/api/v1/events/stream"):
        assert status(ask(agent.port, request("GET", path, b"Host: " + name + b"\r\n"))) == 421
    absolute = request("GET", "http://localhost/api/v1/containers", b"Host: " + name + b"\r\n")
    assert status(ask(agent.port, absolute)) == 421


CONTROL = [
    ("POST", "/-/reload"),
    ("POST", "/%2d/reload"),
    ("GET", "/api/v1/workloads"),
    ("PUT", "/api/v1/workloads/evil"),
    ("DELETE", "/api/v1/workloads/web"),
    *(
        ("POST", f"/api/v1/workloads/web/{verb}")
        for verb in ("start", "stop", "restart", "scale", "rollback", "exec")
    ),
]


@pytest.mark.parametrize(("method", "path"), CONTROL)
def test_nothing_is_controlled_over_tcp_without_a_token(agent: Agent, method: str, path: str) -> None:
    forged = (
        HOST + b"Authorization: Bearer \r\nX-Forwarded-For: 127.0.0.1\r\nX-HTTP-Method-Override: GET\r\n"
        b"X-Original-URL: /metrics\r\n"
    )
    for port in (agent.port, agent.open_port):  # type: ignore[attr-defined]
        assert status(ask(port, request(method, path, forged, b"{}"))) == 403


def test_an_open_listener_tells_only_numbers(agent: Agent) -> None:
    port = agent.open_port  # type: ignore[attr-defined]
    for path in ("/metrics", "/-/healthy", "/-/ready"):
        assert status(ask(port, request("GET", path))) == 200
    for path in ("/api/v1/containers", "/api/v1/logs", "/api/v1/events", "/api/v1/containers/web-1/logs"):
        assert status(ask(port, request("GET", path))) == 403


SMUGGLED = b"GET /api/v1/containers HTTP/1.1\r\n" + HOST + CLOSE
AMBIGUOUS = {
    "length and chunks": b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 70\r\n\r\nabcd",
    "odd encoding": b"Transfer-Encoding: \x0bchunked\r\nContent-Length: 0\r\n\r\n",
    "space before colon": b"Content-Length : 70\r\n\r\n",
    "folded": b"X: a\r\n Content-Length: 70\r\n\r\n",
    "two hosts": b"Host: evil.example\r\n\r\n",
    "signed length": b"Content-Length: +0\r\n\r\n",
    "chunk of minus one": b"Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_two_parsers_read_differently_is_refused_whole(agent: Agent, name: str) -> None:
    answer = ask(agent.port, b"POST /-/healthy HTTP/1.1\r\n" + HOST + AMBIGUOUS[name] + SMUGGLED, 2)
    assert status(answer) in (400, 405)
    assert b"200 OK" not in answer


OVERSIZE = {
    "line": b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\n" + HOST + CLOSE,
    "header": request("GET", "/metrics", HOST + b"X: " + b"a" * 100_000 + b"\r\n"),
    "headers": request("GET", "/metrics", HOST + b"".join(b"X%d: a\r\n" % n for n in range(50_000))),
    "number": request("GET", "/api/v1/logs?limit=" + "9" * 5000),
    "pattern": request("GET", "/api/v1/logs?grep=" + "(" * 3000),
    "repetition": request("GET", "/api/v1/logs?grep=((a%7B1000%7D)%7B1000%7D)%7B1000%7D"),
    "selector": request("GET", "/api/v1/containers?selector=%7Bname%3D~%22" + "(" * 3000 + "%22%7D"),
}


@pytest.mark.parametrize("name", OVERSIZE)
def test_too_much_is_the_clients_fault(agent: Agent, name: str) -> None:
    assert status(ask(agent.port, OVERSIZE[name])) == 400


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e", "web-1%2f..%2f..", "%00", "%2fetc", "%ff%fe", "%0d%0aX:1", "web%0a"],
)
def test_an_id_is_a_name_never_a_path(agent: Agent, name: str) -> None:
    for tail in ("", "/logs", "/processes", "/stats"):
        answer = ask(agent.port, request("GET", f"/api/v1/containers/{name}{tail}"))
        assert status(answer) == 404
        assert b"root:" not in answer and b"\nX:1" not in answer


@pytest.mark.parametrize(
    "name", ["..%2fx", "..", ".", "a%2fb", "web%0a", "-x", "x" * 60, "X", "%00", "web-1"]
)
def test_a_workload_is_not_named_out_of_its_directory(agent: Agent, name: str) -> None:
    def homes() -> list[list[str]]:
        return [
            sorted(os.listdir(f"{agent.directory}{place}"))
            for place in ("", "/state/workloads", "/run/replicas")
        ]

    before = homes()
    asked = {"rootfs": "host", "command": ["/bin/true"]}
    for body in (asked | {"name": unquote(name)}, asked | {"name": "../../evil"}):
        path = f"/api/v1/workloads/{name}"
        answer = ask(socket_of(agent), request("PUT", path, HOST, json.dumps(body).encode()))
        assert 400 <= status(answer) < 500, answer[:300]
    assert homes() == before


def socket_of(agent: Agent) -> str:
    return f"{agent.directory}/run/deckwatch.sock"


AS_NOBODY = """
import os, socket, sys
os.setgroups([]); os.setresgid({id}, {id}, {id}); os.setresuid({id}, {id}, {id})
connection = socket.socket(socket.AF_UNIX)
try:
    connection.connect(sys.argv[1])
    connection.sendall(b"POST /-/reload HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 0\\r\\nConnection: close\\r\\n\\r\\n")
    print(connection.recv(64).split()[1].decode())
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_another_user_is_turned_away_even_where_the_mode_lets_him_in(agent: Agent) -> None:
    def tried() -> str:
        command = [sys.executable, "-I", "-S", "-c", AS_NOBODY.format(id=NOBODY), socket_of(agent)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    assert tried() == "Permission denied"
    os.chmod(agent.directory, 0o755)
    os.chmod(socket_of(agent), 0o666)
    try:
        assert tried() == "403"
    finally:
        os.chmod(socket_of(agent), 0o600)
        os.chmod(agent.directory, 0o700)
    assert status(ask(socket_of(agent), request("POST", "/-/reload"))) == 200


def test_what_the_runtime_writes_is_private(agent: Agent) -> None:
    """Directories that can be entered by their owner alone, whatever moment the zygote was started in."""
    zygote = json.loads(pathlib.Path(f"{agent.directory}/run/zygote/zygote.json").read_text())["pid"]
    assert "Umask:\t0077" in pathlib.Path(f"/proc/{zygote}/status").read_text()
    for path in ("run/zygote", "run/replicas/web-1", "state/workloads/web-1", "state/workloads/web-1/log"):
        assert os.stat(f"{agent.directory}/{path}").st_mode & 0o777 == 0o700, path


def test_a_label_stays_inside_its_quotes(agent: Agent) -> None:
    hostile = 'x"} 1\nevil_metric{a="\\'
    body = {
        "name": "labelled",
        "rootfs": "host",
        "command": ["/bin/sleep", "1000"],
        "labels": {"com.docker.compose.project": hostile, 'k"\n} evil 1': "v"},
    }
    path = "/api/v1/workloads/labelled"
    assert status(ask(socket_of(agent), request("PUT", path, HOST, json.dumps(body).encode()))) in (
        200,
        201,
        202,
    )
    try:
        wait_until(lambda: "labelled-1" in agent.names(), "the workload")
        scrape = agent.scrape()
        assert not [name for name, _ in scrape if "evil" in name]
        [labels] = scrape.of("container_info", name="labelled-1")
        assert dict(labels)["container_label_com_docker_compose_project"] == hostile
    finally:
        assert status(ask(socket_of(agent), request("DELETE", path))) in (200, 202, 204)


def test_clients_that_never_finish_do_not_keep_others_out_once_gone(agent: Agent) -> None:
    """Half a request each, as many as are let in: the next is told so, the socket still answers."""
    waiting = []
    try:
        for _ in range(210):
            connection = socket.create_connection(("127.0.0.1", agent.port), 5)
            connection.sendall(b"GET /metrics HTTP/1.1\r\nX: ")
            waiting.append(connection)
        # Not at once: those that arrive together are counted together.
        wait_until(lambda: status(ask(agent.port, request("GET", "/-/healthy"))) == 503, "a refusal")
        assert status(ask(socket_of(agent), request("GET", "/-/ready"))) == 200
    finally:
        for connection in waiting:
            connection.close()
    wait_until(lambda: status(ask(agent.port, request("GET", "/-/healthy"))) == 200, "a place")


def test_all_that_left_no_mark(agent: Agent) -> None:
    """Runs last: the agent goes on, and clients that speak no HTTP have not filled its log."""
    assert agent.get("/-/ready")[0] == 200
    assert (
        json.loads(pathlib.Path(f"{agent.directory}/run/replicas/web-1/container.json").read_text())["run"]
        == 1
    )
    assert "Traceback" not in agent.log()
    assert agent.log().count("\n") < 60
