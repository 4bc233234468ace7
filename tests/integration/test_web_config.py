"""The whole agent behind TLS, client certificates and passwords, scraped by a real Prometheus."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import bcrypt
import pytest
import yaml

from tests import certificates
from tests.certificates import Authority, Pair
from tests.integration.agents import DECKWATCH, Agent
from tests.integration.engines import wait_until
from tests.integration.prometheus import Prometheus

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(not certificates.HAVE, reason=certificates.MISSING),
    pytest.mark.skipif(
        shutil.which("prometheus") is None,
        reason="prometheus is not installed; tests/install-engines installs it",
    ),
]

PASSWORD = "correct horse"
SETTINGS = {"inventory": {"docker": {"enabled": False}}, "runtime": {"enabled": False}}


class SecureAgent(Agent):
    """An agent with a web configuration; what the tests ask comes with a certificate and a password."""

    def __init__(self) -> None:
        super().__init__(SETTINGS)
        with open(self.config, encoding="utf-8") as file:
            configuration = yaml.safe_load(file)
        configuration["server"]["web_config_file"] = "web.yml"
        with open(self.config, "w", encoding="utf-8") as file:
            yaml.safe_dump(configuration, file)
        self.authority = Authority(self.directory)
        self.renew()
        self.client = self.authority.issue("client", "DNS:prometheus.example", "URI:spiffe://x/prometheus")
        self.users = {"prometheus": bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10)).decode()}

    def renew(self) -> None:
        """A new certificate in the place of the old one."""
        self.authority.issue("server", "DNS:localhost", "IP:127.0.0.1")

    def write(self, **more: Any) -> None:
        """Replace the web configuration at once."""
        file = {
            "tls_server_config": {
                "cert_file": "server.pem",
                "key_file": "server.key",
                "client_auth_type": "RequireAndVerifyClientCert",
                "client_ca_file": "authority.pem",
                "client_allowed_sans": ["grafana.example", "spiffe://x/prometheus"],
            },
            "http_server_config": {"headers": {"Strict-Transport-Security": "max-age=60"}},
            "basic_auth_users": self.users,
        }
        with open(f"{self.directory}/new", "w", encoding="utf-8") as new:
            yaml.safe_dump(file | more, new)
        os.rename(f"{self.directory}/new", f"{self.directory}/web.yml")

    def connection(self, pair: Pair | None) -> http.client.HTTPSConnection:
        """A connection that has shaken hands, with this client's certificate."""
        context = ssl.create_default_context(cafile=self.authority.cert)
        if pair is not None:
            context.load_cert_chain(pair.cert, pair.key)
        made = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=60, context=context)
        made.connect()
        return made

    def get(self, path: str, headers: dict[str, str] | None = None, **query: str) -> tuple[int, bytes]:
        """Status and body of a GET with certificate and password."""
        answer = self.answer(f"{path}?{urlencode(query)}" if query else path, basic("prometheus", PASSWORD))
        return answer.status, answer.read()

    def answer(self, path: str, authorization: str, pair: Pair | None = None) -> http.client.HTTPResponse:
        """The answer to a GET; raises OSError when the connection is refused."""
        connection = self.connection(pair or self.client)
        connection.request("GET", path, headers={"Authorization": authorization, "Connection": "close"})
        return connection.getresponse()

    def shown(self) -> bytes:
        """The certificate that a client sees."""
        connection = self.connection(self.client)
        try:
            certificate = connection.sock.getpeercert(True)
            assert certificate is not None
            return certificate
        finally:
            connection.close()

    def conditions(self) -> list[str]:
        """Codes of what `/-/ready` names."""
        return [one["code"] for one in self.json("/-/ready")["conditions"]]

    def job(self, name: str, password: str, pair: Pair | None) -> dict[str, Any]:
        """A scrape configuration."""
        tls = {"ca_file": self.authority.cert}
        if pair is not None:
            tls |= {"cert_file": pair.cert, "key_file": pair.key}
        return {
            "job_name": name,
            "scheme": "https",
            "tls_config": tls,
            "basic_auth": {"username": "prometheus", "password": password},
            "static_configs": [{"targets": [f"127.0.0.1:{self.port}"]}],
        }


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.fixture
def agent() -> Iterator[SecureAgent]:
    made = SecureAgent()
    yield made
    made.close()


def test_prometheus_scrapes_with_certificate_and_password_and_nobody_else_does(agent: SecureAgent) -> None:
    agent.write()
    agent.start()
    stranger = agent.authority.issue("stranger", "DNS:evil.example")
    prometheus = Prometheus(
        [
            agent.job("right", PASSWORD, agent.client),
            agent.job("password", "wrong", agent.client),
            agent.job("name", PASSWORD, stranger),
            agent.job("certificate", PASSWORD, None),
        ]
    )
    try:
        wait_until(
            lambda: _errors(prometheus).keys() == {"right", "password", "name", "certificate"}, "scrapes"
        )
        wait_until(lambda: prometheus.value('up{job="right"}') == 1, "a scrape")
        told = _errors(prometheus)
        assert told["right"] == ""
        assert "401 Unauthorized" in told["password"]
        assert told["name"] and "401" not in told["name"]
        assert "certificate" in told["certificate"]
        assert prometheus.value('deckwatch_build_info{job="right"}') == 1
        _renew(agent, prometheus)
        _refuse_bad(agent, prometheus)
        agent.users = {"grafana": agent.users["prometheus"]}
        agent.write()
        wait_until(lambda: "401" in _errors(prometheus)["right"], "the end of a user's right")
    finally:
        prometheus.close()


def _errors(prometheus: Prometheus) -> dict[str, str]:
    """What went wrong with the last scrape of each job that was tried."""
    return {
        one["labels"]["job"]: one["lastError"] for one in prometheus.targets() if one["health"] != "unknown"
    }


def _renew(agent: SecureAgent, prometheus: Prometheus) -> None:
    """A certificate is renewed without a restart, and no scrape is lost by it."""
    before = agent.shown()
    scrapes = prometheus.value('count_over_time(up{job="right"}[5m])') or 0
    agent.renew()
    assert agent.shown() != before
    wait_until(
        lambda: (prometheus.value('count_over_time(up{job="right"}[5m])') or 0) >= scrapes + 3, "more scrapes"
    )
    assert prometheus.value('min_over_time(up{job="right"}[5m])') == 1


def _refuse_bad(agent: SecureAgent, prometheus: Prometheus) -> None:
    """A bad file changes nothing, and is told by `/-/ready` and doctor."""
    agent.write(basic_auth_user={})
    assert "web_config_refused" in agent.conditions()
    doctor = [DECKWATCH, "doctor", "-c", agent.config]
    told = subprocess.run(doctor, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "basic_auth_user: unknown key; did you mean basic_auth_users?" in told
    agent.write(tls_server_config=None)
    assert "web_config_refused" in agent.conditions()
    told = subprocess.run(doctor, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "it switches TLS off, which waits for a reload" in told
    assert prometheus.value('up{job="right"}') == 1
    agent.write()
    assert "web_config_refused" not in agent.conditions()


def test_who_is_unknown_is_told_how_to_come_in(agent: SecureAgent) -> None:
    agent.write()
    agent.start()
    assert f"https://127.0.0.1:{agent.port}" in agent.log()
    for path in ("/metrics", "/api/v1/containers", "/", "/api/v1/logs"):
        for authorization in ("", basic("prometheus", "wrong"), basic("nobody", PASSWORD), "Basic ?"):
            answer = agent.answer(path, authorization)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"].startswith('Basic realm="deckwatch"')
            assert answer.headers["Strict-Transport-Security"] == "max-age=60"
        assert agent.get(path)[0] == 200
    assert agent.get("/api/v1/workloads")[0] == 403
    assert agent.answer("/-/healthy", "").status == 200
    stranger = agent.authority.issue("stranger", "DNS:evil.example")
    with pytest.raises((OSError, http.client.HTTPException)):
        agent.answer("/-/healthy", "", stranger)
    plain = http.client.HTTPConnection("127.0.0.1", agent.port, timeout=20)
    with pytest.raises((OSError, http.client.HTTPException)):
        plain.request("GET", "/metrics")
        plain.getresponse()
    plain.close()
    command = [DECKWATCH, "ps", "-o", "json", "-c", agent.config]
    assert json.loads(subprocess.run(command, capture_output=True, check=True, timeout=60).stdout) == []
    assert PASSWORD not in agent.log() and "$2b$" not in agent.log()


def test_a_bad_file_keeps_the_agent_from_starting(agent: SecureAgent) -> None:
    agent.write(tls_server_config={"cert_file": "server.pem", "key_file": "missing.key"})
    command = [DECKWATCH, "run", "-c", agent.config]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "tls_server_config.key_file: " in ended.stderr and "missing.key cannot be read" in ended.stderr
    assert f"{agent.directory}/web.yml:" in ended.stderr
    assert "Traceback" not in ended.stderr
