"""A real rsyslog that writes what it received as JSON lines."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

from tests.certificates import Pair
from tests.eventually import eventually

HAVE = shutil.which("rsyslogd") is not None
MISSING = "rsyslog is not installed; apt-get install rsyslog rsyslog-gnutls"

_PROPERTIES = {
    "time": "timereported", "host": "hostname", "app": "app-name", "process": "procid", "id": "msgid",
    "facility": "syslogfacility-text", "severity": "syslogseverity", "data": "structured-data", "text": "msg",
}  # fmt: skip


class Rsyslog:
    """Listens on 127.0.0.1 at `port`."""

    def __init__(self, directory: str) -> None:
        self._directory = directory
        self.port = 0

    def listens(self) -> bool:
        """Whether it takes connections; `port` is known then."""
        if not self.port:
            try:
                with open(f"{self._directory}/port", encoding="ascii") as file:
                    self.port = int(file.read() or 0)
            except FileNotFoundError:
                return False
        with socket.socket() as probe:
            return bool(self.port) and probe.connect_ex(("127.0.0.1", self.port)) == 0

    def received(self) -> list[dict[str, Any]]:
        """What it has written so far."""
        try:
            with open(f"{self._directory}/received", encoding="utf-8") as file:
                return [json.loads(line) for line in file.read().split("\n")[:-1]]
        except FileNotFoundError:
            return []


@contextlib.contextmanager
def rsyslog(directory: str, tls: tuple[str, Pair] | None = None, port: int = 0) -> Iterator[Rsyslog]:
    """One of its own; with TLS it takes only clients whose certificate is of the authority (its certificate's path)."""
    peer = Rsyslog(directory)
    _configure(directory, tls, port)
    command = ["rsyslogd", "-n", "-f", f"{directory}/rsyslog.conf", "-i", f"{directory}/pid"]
    with open(f"{directory}/log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        peer.port = port
        eventually(peer.listens, "rsyslog's port")
        yield peer
    finally:
        process.terminate()
        process.wait(20)


def _configure(directory: str, tls: tuple[str, Pair] | None, port: int) -> None:
    certificates, driver = "", ""
    marks = "" if port else f' listenPortFileName="{directory}/port"'
    if tls:
        authority, pair = tls
        certificates = (
            f' defaultNetstreamDriverCAFile="{authority}" defaultNetstreamDriverCertFile="{pair.cert}"'
            f' defaultNetstreamDriverKeyFile="{pair.key}"'
        )
        driver = ' streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="x509/certvalid"'
    properties = "\n".join(
        f'property(outname="{name}" name="{source}" format="jsonf"'
        f"{' dateFormat=' + chr(34) + 'rfc3339' + chr(34) if name == 'time' else ''})"
        for name, source in _PROPERTIES.items()
    )
    with open(f"{directory}/rsyslog.conf", "w", encoding="utf-8") as file:
        file.write(f"""
global(workDirectory="{directory}" maxMessageSize="300k" parser.escapeControlCharactersOnReceive="off"{certificates})
module(load="imtcp"{driver})
template(name="json" type="list" option.jsonf="on") {{
{properties}
}}
input(type="imtcp" address="127.0.0.1" port="{port}"{marks})
action(type="omfile" file="{directory}/received" template="json")
""")
