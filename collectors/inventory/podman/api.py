"""Podman's HTTP API over its unix socket: the one call that tells of all containers at once.

The service starts when somebody connects and ends by itself, so it is asked when there is something to learn
and not followed. Source: Podman's API reference, `GET /libpod/containers/json`.
"""

from __future__ import annotations

import os

import aiohttp
import msgspec

from collectors.inventory.podman.facts import Known
from runtime.linux.errors import DeckwatchError

# Every Podman from 4.0 on serves this version.
PATH = "/v4.0.0/libpod/containers/json"
LIST_LIMIT = 64 << 20
TIMEOUT = 10.0
ENDED = ("exited", "stopped")
NOT_BEGUN = ("created", "configured", "initialized")


class PodmanAway(DeckwatchError):
    """The service does not answer; the text names the socket and the reason."""


class _Line(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    labels: dict[str, str] | None = None
    pod: str = ""
    pod_name: str = ""
    is_infra: bool = False
    restarts: int = 0
    state: str = ""
    exit_code: int = 0
    exited_at: int = 0


async def listed(socket: str, *, timeout: float = TIMEOUT) -> dict[str, Known]:
    """What the service knows of each container by id; raises PodmanAway."""
    connector = aiohttp.UnixConnector(socket)
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with (
            aiohttp.ClientSession("http://podman", connector=connector, timeout=limit) as session,
            session.get(PATH, params={"all": "true"}) as answer,
        ):
            content = bytearray()
            async for piece in answer.content.iter_any():
                content += piece
                if len(content) > LIST_LIMIT:
                    raise PodmanAway(f"{socket} lists containers with more than {LIST_LIMIT} bytes")
            status = answer.status
    except TimeoutError as error:
        raise PodmanAway(f"{socket} does not answer within {timeout:g} s") from error
    except (aiohttp.ClientError, OSError) as error:
        reason = os.strerror(error.errno) if isinstance(error, OSError) and error.errno else str(error)
        raise PodmanAway(f"cannot reach {socket}: {reason}") from error
    if status != 200:
        raise PodmanAway(f"{socket} answers {PATH} with {status}: {content[:200].decode(errors='replace')}")
    return decoded(bytes(content))


def decoded(content: bytes) -> dict[str, Known]:
    """The answer's containers by id; raises PodmanAway when it is something else."""
    try:
        lines = msgspec.json.decode(content, type=list[_Line] | None) or []
    except msgspec.MsgspecError as error:
        raise PodmanAway(f"Podman answers {PATH} with something else: {error}") from error
    return {line.id: _known(line) for line in lines}


def _known(line: _Line) -> Known:
    over = line.state in ENDED
    return Known(
        labels=line.labels or {},
        pod_id=line.pod,
        pod_name=line.pod_name,
        infra=line.is_infra,
        restarts=line.restarts,
        exit_code=line.exit_code if over and line.exit_code >= 0 else None,
        finished_at=float(line.exited_at) if over and line.exited_at > 0 else None,
        begun=line.state not in NOT_BEGUN,
    )
