"""A real Kafka broker, fetched by Maven, alone in a cluster of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator

from tests.eventually import eventually

HAVE = shutil.which("java") is not None and shutil.which("mvn") is not None
MISSING = "java or mvn is not installed; apt-get install default-jre-headless maven"

_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>tests</groupId><artifactId>broker</artifactId><version>1</version><dependencies>
<dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>3.9.0</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>1.7.36</version></dependency>
</dependencies></project>
"""
_PROPERTIES = """process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={directory}/data
num.partitions=3
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
group.initial.rebalance.delay.ms=0
log.cleaner.enable=false
"""
_JAVA = ("java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp")


class Broker:
    """Listens on 127.0.0.1 at `port`."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self._process = process

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it answer nothing for a while."""
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextlib.contextmanager
def kafka(directory: str) -> Iterator[Broker]:
    """A broker that is ready. Raises SubprocessError when Maven cannot fetch it in time."""
    with open(f"{directory}/pom.xml", "w", encoding="ascii") as file:
        file.write(_POM)
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", f"-DoutputDirectory={directory}/jars"]
    subprocess.run(command, cwd=directory, check=True, capture_output=True, timeout=80)
    port, controller = _free_ports()
    with open(f"{directory}/server.properties", "w", encoding="utf-8") as file:
        file.write(_PROPERTIES.format(port=port, controller=controller, directory=directory))
    java = [*_JAVA, f"{directory}/jars/*"]
    name = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    configuration = f"{directory}/server.properties"
    storage = [*java, "kafka.tools.StorageTool", "format", "-t", name, "-c", configuration]
    subprocess.run(storage, check=True, capture_output=True, timeout=60, env={**os.environ, "LC_ALL": "C"})
    with open(f"{directory}/log", "wb") as log:
        process = subprocess.Popen([*java, "kafka.Kafka", configuration], stdout=log, stderr=log)
    try:
        eventually(lambda: _listens(port), "the broker's port", 60)
        yield Broker(port, process)
    finally:
        process.kill()
        process.wait(20)


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
