"""Docker's HTTP API over its unix socket: the five calls an inventory needs, typed and bounded.

Answers are decoded into structs that hold what is used and nothing else; sizes and waits are limited,
because an engine may hang and labels may be of any size. Source: Docker Engine API v1.41.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import AsyncGenerator, AsyncIterator
from types import TracebackType
from typing import TypeVar

import aiohttp
import msgspec

from runtime.linux.errors import DeckwatchError

INSPECT_LIMIT = 4 << 20
LIST_LIMIT = 256 << 20
EVENT_LIMIT = 4 << 20
TIMEOUT = 10.0

PREFERRED_VERSION = (1, 41)
# How Podman calls itself among its components; its answers are not quite Docker's.
PODMAN = "Podman Engine"
LOCAL = "local"
"""The log driver of which an answer does not say where it writes."""

# `disconnect` of a network is the only sign of a container that failed to start.
EVENT_TYPES = ("container", "network")
ACTIONS = (
    *("create", "start", "die", "destroy", "kill", "pause", "unpause", "rename", "update"),
    *("health_status", "disconnect"),
)

T = TypeVar("T")


class EngineAway(DeckwatchError):
    """The engine does not answer; the text names the socket and the remedy."""


class NotDocker(EngineAway):
    """Another engine serves Docker's API here, and is followed by a source of its own."""


class AnswerTooLarge(DeckwatchError):
    """An answer was larger than its limit and was not read."""


class _Wire(msgspec.Struct, frozen=True, rename="pascal"):
    """A piece of an answer; keys are Docker's, unknown ones are skipped."""


class HealthState(_Wire, frozen=True):
    status: str = ""


class RunState(_Wire, frozen=True):
    status: str = ""
    pid: int = 0
    exit_code: int = 0
    error: str = ""
    started_at: str = ""
    finished_at: str = ""
    oom_killed: bool = msgspec.field(name="OOMKilled", default=False)
    health: HealthState | None = None


class Settings(_Wire, frozen=True):
    image: str = ""
    labels: dict[str, str] | None = None
    exposed_ports: dict[str, object] | None = None
    stop_signal: str | None = None
    stop_timeout: int | None = None


class LogSettings(_Wire, frozen=True):
    type: str = ""


class HostSettings(_Wire, frozen=True):
    network_mode: str = ""
    log_config: LogSettings = LogSettings()
    nano_cpus: int | None = None
    cpu_quota: int | None = None
    cpu_period: int | None = None
    memory: int | None = None
    memory_swap: int | None = None
    pids_limit: int | None = None


class Endpoint(_Wire, frozen=True):
    ip_address: str | None = msgspec.field(name="IPAddress", default=None)
    global_ipv6_address: str | None = msgspec.field(name="GlobalIPv6Address", default=None)


class Networks(_Wire, frozen=True):
    networks: dict[str, Endpoint | None] | None = None


class Inspect(_Wire, frozen=True):
    """One container, whole: `GET /containers/{id}/json`."""

    id: str
    name: str = ""
    created: str = ""
    restart_count: int = 0
    log_path: str = ""
    state: RunState = RunState()
    config: Settings = Settings()
    host_config: HostSettings = HostSettings()
    network_settings: Networks | None = None


class Summary(_Wire, frozen=True):
    """One line of the list: `GET /containers/json`. `state` is the status word, `names` begin with a slash."""

    id: str
    names: list[str] | None = None
    image: str = ""
    labels: dict[str, str] | None = None
    state: str = ""
    created: int = 0


class Actor(_Wire, frozen=True):
    id: str = msgspec.field(name="ID", default="")
    attributes: dict[str, str] | None = None


class DockerEvent(msgspec.Struct, frozen=True):
    """One event; `attributes` hold name, image, exit code or signal, and all labels of the container."""

    type: str = msgspec.field(name="Type", default="")
    action: str = msgspec.field(name="Action", default="")
    actor: Actor = msgspec.field(name="Actor", default=Actor())
    time_ns: int = msgspec.field(name="timeNano", default=0)

    @property
    def time(self) -> float:
        """Seconds since the epoch."""
        return self.time_ns / 1e9

    @property
    def attributes(self) -> dict[str, str]:
        """The actor's attributes, never None."""
        return self.actor.attributes or {}

    @property
    def container_id(self) -> str:
        """The container it is about; a network's event names it in an attribute."""
        return self.attributes.get("container", "") if self.type == "network" else self.actor.id


class _Info(_Wire, frozen=True):
    docker_root_dir: str = ""


class _Component(_Wire, frozen=True):
    name: str = ""


class _Version(_Wire, frozen=True):
    components: list[_Component] | None = None
    api_version: str = "1.24"
    min_api_version: str = msgspec.field(name="MinAPIVersion", default="1.12")


class DockerApi:
    """A connection to one engine; `async with` opens it, which negotiates the version.

    Every call raises EngineAway when the engine does not answer in time or not at all, opening it NotDocker when
    the engine is Podman.
    """

    def __init__(self, socket: str, *, timeout: float = TIMEOUT) -> None:
        self._socket = socket
        self._timeout = timeout
        self._version = ""
        self._root: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> DockerApi:
        self._reachable()
        connector = aiohttp.UnixConnector(self._socket, limit=16)
        self._session = aiohttp.ClientSession("http://docker", connector=connector, raise_for_status=False)
        try:
            version = await self._get("/version", _Version, INSPECT_LIMIT)
            if any(component.name == PODMAN for component in version.components or ()):
                raise NotDocker(
                    f"{self._socket} is Podman's service, whose containers inventory.podman tells of; "
                    "set inventory.docker.enabled to false"
                )
            self._version = f"/v{negotiated(version.api_version, version.min_api_version)}"
        except BaseException:
            await self._session.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._session is not None
        await self._session.close()

    async def ping(self) -> None:
        """Ask for a sign of life."""
        await self._read("/_ping", {}, INSPECT_LIMIT)

    async def containers(self) -> list[Summary]:
        """All containers the engine lists, also those that do not run."""
        return await self._get("/containers/json", list[Summary], LIST_LIMIT, all="1")

    async def inspect(self, engine_id: str) -> Inspect | None:
        """One container; None when the engine no longer has it. Raises AnswerTooLarge beyond 4 MiB.

        The engine does not tell where its `local` log driver writes, only where its own directory is.
        Source: moby, daemon/container/container.go.
        """
        try:
            told = await self._get(f"/containers/{engine_id}/json", Inspect, INSPECT_LIMIT)
        except KeyError:
            return None
        if told.host_config.log_config.type != LOCAL or told.log_path:
            return told
        root = await self._root_directory()
        return msgspec.structs.replace(
            told, log_path=f"{root}/containers/{told.id}/local-logs/container.log" if root else ""
        )

    async def _root_directory(self) -> str:
        if self._root is None:
            self._root = (await self._get("/info", _Info, INSPECT_LIMIT)).docker_root_dir
        return self._root

    async def events(self, since_ns: int, until_ns: int | None = None) -> AsyncGenerator[DockerEvent, None]:
        """Events of containers from a time on, in the engine's order; for ever, or until a time.

        The engine remembers its last 256 events (moby, daemon/events), so `since` bridges short gaps only.
        """
        parameters = {
            "since": seconds_text(since_ns),
            "filters": json.dumps({"type": EVENT_TYPES, "event": ACTIONS}),
        }
        if until_ns is not None:
            parameters["until"] = seconds_text(until_ns)
        decoder = msgspec.json.Decoder(DockerEvent)
        rest = bytearray()
        async with self._request("/events", parameters, endless=until_ns is None) as answer:
            async for piece in answer.content.iter_any():
                rest += piece
                *lines, tail = rest.split(b"\n")
                rest = tail
                if len(rest) > EVENT_LIMIT:
                    raise AnswerTooLarge(f"an event of {self._socket} is larger than {EVENT_LIMIT} bytes")
                for line in lines:
                    if line.strip():
                        yield decoder.decode(line)

    def _reachable(self) -> None:
        """A look at the socket file costs nothing, so that an absent engine costs nothing either."""
        try:
            os.stat(self._socket)
        except OSError as error:
            raise self._away(error) from error

    async def _get(self, path: str, shape: type[T], limit: int, **parameters: str) -> T:
        content = await self._read(path, parameters, limit)
        try:
            return msgspec.json.decode(content, type=shape)
        except msgspec.MsgspecError as error:
            raise EngineAway(f"{self._socket} answers {path} with something else: {error}") from error

    async def _read(self, path: str, parameters: dict[str, str], limit: int) -> bytes:
        content = bytearray()
        async with self._request(path, parameters, endless=False) as answer:
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > limit:
                    raise AnswerTooLarge(f"{self._socket} answers {path} with more than {limit} bytes")
        return bytes(content)

    @contextlib.asynccontextmanager
    async def _request(
        self, path: str, parameters: dict[str, str], *, endless: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """One GET; KeyError for 404, EngineAway for all else that keeps the engine from answering."""
        assert self._session is not None
        timeout = aiohttp.ClientTimeout(total=None if endless else self._timeout, sock_connect=self._timeout)
        try:
            async with self._session.get(self._version + path, params=parameters, timeout=timeout) as answer:
                if answer.status == 404:
                    raise KeyError(path)
                if answer.status != 200:
                    text = (await answer.content.read(400)).decode("utf-8", "replace").strip()
                    raise EngineAway(f"{self._socket} answers {path} with {answer.status}: {text}")
                yield answer
        except TimeoutError as error:
            raise EngineAway(f"{self._socket} does not answer {path} within {self._timeout:g} s") from error
        except (aiohttp.ClientPayloadError, aiohttp.ServerDisconnectedError) as error:
            raise EngineAway(f"{self._socket} closed the connection; start the engine") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._away(error) from error

    def _away(self, error: BaseException) -> EngineAway:
        code = error.errno if isinstance(error, OSError) else None
        remedies = {
            errno.ENOENT: "start the engine, or set inventory.docker.socket",
            errno.ECONNREFUSED: "start the engine",
            errno.EACCES: "run as root or add this user to the socket's group",
        }
        remedy = remedies.get(code or 0, "start the engine")
        reason = os.strerror(code) if code else str(error) or type(error).__name__
        return EngineAway(f"cannot reach {self._socket}: {reason}; {remedy}")


def negotiated(newest: str, oldest: str) -> str:
    """The version to speak: 1.41 when the engine does, else its nearest to it."""
    high, low = _numbers(newest), _numbers(oldest)
    return ".".join(map(str, max(min(PREFERRED_VERSION, high), low)))


def seconds_text(nanoseconds: int) -> str:
    """A time as the API's `since` and `until` take it: seconds with nine digits."""
    return f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"


def _numbers(version: str) -> tuple[int, int]:
    major, _, minor = version.partition(".")
    return int(major), int(minor or 0)
