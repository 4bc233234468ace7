"""The agent's API over its unix socket, for the commands: plain, blocking, and clear about what fails."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import click

from runtime.linux.errors import DeckwatchError

CONNECT_TIMEOUT = 5.0
ANSWER_TIMEOUT = 60.0
_BLOCK = 1 << 16
SYSTEM_SOCKET = "/run/deckwatch/deckwatch.sock"

Parameters = Mapping[str, str | int | list[str] | None]


class ClientError(DeckwatchError):
    """The agent cannot be reached, or says no; `status` is its HTTP status, 0 when it did not answer."""

    def __init__(self, message: str, status: int = 0, more: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.more = dict(more or {})


class Unreachable(ClientError):
    """Nobody answers at the socket."""


class _Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("deckwatch", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self.sock.settimeout(CONNECT_TIMEOUT)
            self.sock.connect(self._path)
            self.sock.settimeout(self.timeout)
        except OSError:
            self.sock.close()
            raise


class Client:
    """The agent at one socket."""

    def __init__(self, path: str) -> None:
        self.path = path

    def json(
        self,
        method: str,
        path: str,
        parameters: Parameters | None = None,
        body: Any = None,
        timeout: float = ANSWER_TIMEOUT,
    ) -> Any:
        """The JSON answer to one request; raises ClientError with the agent's own words."""
        with _closing(self._ask(method, path, parameters, body, timeout=timeout)) as answer:
            return json.loads(answer.read())

    def lines(self, path: str, parameters: Parameters) -> Iterator[bytes]:
        """The lines of a streamed answer. A last line `{"problem": …}` becomes a ClientError."""
        with _closing(self._ask("GET", path, parameters, None)) as answer:
            for line in _lines(answer, self.path):
                if line.startswith(b'{"problem"'):
                    raise ClientError(json.loads(line)["problem"]["message"])
                yield line

    def stream(
        self, path: str, parameters: Parameters, last_id: str = ""
    ) -> Iterator[tuple[str, str, bytes]]:
        """Server-sent events as (id, kind, data) until the agent closes the stream or goes silent."""
        headers = {"Last-Event-ID": last_id} if last_id else {}
        with _closing(self._ask("GET", path, parameters, None, headers)) as answer:
            yield from _events(answer)

    def _ask(
        self,
        method: str,
        path: str,
        parameters: Parameters | None,
        body: Any,
        headers: Mapping[str, str] | None = None,
        timeout: float = ANSWER_TIMEOUT,
    ) -> http.client.HTTPResponse:
        connection = _Connection(self.path, timeout)
        data = None if body is None else json.dumps(body).encode()
        try:
            connection.request(method, path + _query(parameters or {}), data, dict(headers or {}))
            answer = connection.getresponse()
        except TimeoutError:
            connection.close()
            raise Unreachable(
                f"the agent at {self.path} took longer than {timeout:.0f} s to answer"
            ) from None
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(_why_unreachable(self.path, error)) from None
        if answer.status >= 400:
            with _closing(answer):
                raise _problem(answer)
        return answer


class _closing:
    """Closes an answer, and with it its connection, whichever way the block ends."""

    def __init__(self, answer: http.client.HTTPResponse) -> None:
        self._answer = answer

    def __enter__(self) -> http.client.HTTPResponse:
        return self._answer

    def __exit__(self, *_: object) -> None:
        self._answer.close()


def _lines(answer: http.client.HTTPResponse, path: str) -> Iterator[bytes]:
    """Lines of a body, read in blocks; a body that is cut off is an error, not a shorter one."""
    rest = b""
    try:
        while block := answer.read1(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
    except (OSError, http.client.HTTPException) as error:
        raise Unreachable(_why_unreachable(path, error)) from None
    if rest:
        yield rest


def _events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, str, bytes]]:
    id, kind, data = "", "", []
    try:
        for line in answer:
            name, _, value = line.rstrip(b"\n").partition(b": ")
            if name == b"id":
                id = value.decode()
            elif name == b"event":
                kind = value.decode()
            elif name == b"data":
                data.append(value)
            elif not name and not value and data:
                yield id, kind, b"\n".join(data)
                kind, data = "", []
    except (OSError, http.client.HTTPException):
        return  # cut or silent: the caller decides whether to come back


def _query(parameters: Parameters) -> str:
    pairs = {name: value for name, value in parameters.items() if value is not None and value != ""}
    return f"?{urlencode(pairs, doseq=True)}" if pairs else ""


def segment(text: str) -> str:
    """A name or path as one segment of a URL."""
    return quote(text, safe="")


def _problem(answer: http.client.HTTPResponse) -> ClientError:
    raw = answer.read()
    try:
        problem = json.loads(raw)
    except ValueError:
        problem = {}
    more = problem if isinstance(problem, dict) else {}
    message = str(more.get("message") or f"the agent answered {answer.status} {answer.reason}")
    return ClientError(message, answer.status, more)


def _why_unreachable(path: str, error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return f"no agent at {path}; start one with `deckwatch run`, or name its socket with --socket"
    if isinstance(error, ConnectionRefusedError):
        return f"the agent that made {path} has ended; start one with `deckwatch run`"
    if isinstance(error, PermissionError):
        return f"this user may not use {path}; run as root or as the agent's user, or set server.socket_group"
    if isinstance(error, OSError) and error.strerror:
        return f"cannot ask the agent at {path}: {error.strerror}; is it running? (deckwatch doctor)"
    return f"the agent at {path} broke off its answer; its log may say why"


def client_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds `--socket` and `-c` to a command; both are handed to `open_client`."""
    command = click.option(
        "-c", "--config", "config_file", envvar="DECKWATCH_CONFIG", metavar="FILE", type=click.Path(readable=False),
        help="Configuration of the agent to talk to.  [env: DECKWATCH_CONFIG]",
    )(command)  # fmt: skip
    return click.option(
        "--socket", "socket_path", envvar="DECKWATCH_SOCKET", metavar="PATH", type=click.Path(readable=False),
        help="Socket of the agent to talk to.  [env: DECKWATCH_SOCKET]",
    )(command)  # fmt: skip


def open_client(socket_path: str | None, config_file: str | None) -> Client:
    """The agent that these options mean."""
    return Client(socket_path or find_socket(config_file))


def find_socket(config_file: str | None) -> str:
    """The socket that a configuration names, else the default one of this user, else the system's."""
    from agent.config.settings import default_file, default_run

    if config_file is not None or os.path.exists(default_file()):
        from agent.config.load import ConfigError, load

        try:
            return load(config_file).server.socket
        except ConfigError as error:
            raise ClientError(
                f"the configuration has errors, the first: {error.errors[0]}; "
                "mend it (deckwatch config check lists all), or name the agent's --socket"
            ) from None
    own = os.path.join(default_run(), "deckwatch.sock")
    return SYSTEM_SOCKET if not os.path.exists(own) and os.path.exists(SYSTEM_SOCKET) else own
