"""A kubelet and an API server that tell of pods as the real ones do, and say no on demand."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")


def pod(
    name: str,
    uid: str,
    containers: Mapping[str, str],
    *,
    namespace: str = "shop",
    owner: str = "",
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    restarts: int = 0,
    **status: Any,
) -> dict[str, Any]:
    """A pod as Kubernetes writes it; `containers` are the engine's ids by name, `status` further keys."""
    kind, _, owner_name = owner.partition("/")
    owners = [
        {"kind": "Other", "name": "no-controller"},
        {"kind": kind, "name": owner_name, "controller": True, "apiVersion": "apps/v1"},
    ]
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": uid,
            **({"labels": dict(labels)} if labels else {}),
            **({"annotations": dict(annotations)} if annotations else {}),
            **({"ownerReferences": owners} if owner else {}),
            "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:status": {}}}],
        },
        "spec": {
            "nodeName": "node-1",
            "containers": [{"name": one, "image": f"registry/{one}:1"} for one in containers],
        },
        "status": {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": one,
                    "containerID": id and f"containerd://{id}",
                    "imageID": "sha256:" + "f" * 64,
                    "restartCount": restarts,
                    "lastState": {},
                    "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}},
                }
                for one, id in containers.items()
            ],
            **status,
        },
    }


class Cluster:
    """Both servers at one address: `/pods` is the kubelet's, `/api/v1/pods` the API server's.

    `token` is the one that is accepted, `refuse` a status for everybody, `oldest` the oldest version that a
    watch may start from. To be used in its own event loop.
    """

    def __init__(self) -> None:
        self.pods: dict[str, dict[str, Any]] = {}
        self.version = 100
        self.token = ""
        self.refuse = 0
        self.oldest = 0
        self.asked: list[str] = []
        self.url = ""
        self._streams: set[asyncio.Queue[bytes]] = set()
        self._runner: web.AppRunner | None = None

    async def start(self, tls: ssl.SSLContext | None = None, port: int = 0) -> None:
        """Listen on the loopback."""
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls).start()
        self.port = self._runner.addresses[0][1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"

    async def stop(self) -> None:
        """End all answers and the server."""
        self.end_watches()
        if self._runner is not None:
            await self._runner.cleanup()
        self._runner = None

    def put(self, told: dict[str, Any]) -> None:
        """A pod appeared or changed."""
        kind = "MODIFIED" if told["metadata"]["uid"] in self.pods else "ADDED"
        self._changed(kind, told)
        self.pods[told["metadata"]["uid"]] = told

    def remove(self, uid: str) -> None:
        """A pod is gone."""
        self._changed("DELETED", self.pods.pop(uid))

    def bookmark(self) -> None:
        """Only the version moves on."""
        self.version += 1
        self.say({"type": "BOOKMARK", "object": self._versioned({"metadata": {}})})

    def say(self, event: Mapping[str, Any]) -> None:
        """A line of every watch."""
        for stream in self._streams:
            stream.put_nowait(json.dumps(event).encode() + b"\n")

    def end_watches(self) -> None:
        """Watches end, as they do when their time is over."""
        for stream in self._streams:
            stream.put_nowait(b"")

    @property
    def watches(self) -> int:
        """Watches that are open."""
        return len(self._streams)

    def _changed(self, kind: str, told: dict[str, Any]) -> None:
        self.version += 1
        self.say({"type": kind, "object": self._versioned(told)})

    def _versioned(self, told: dict[str, Any]) -> dict[str, Any]:
        return {**told, "metadata": {**told["metadata"], "resourceVersion": str(self.version)}}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if self.refuse:
            return web.json_response({"kind": "Status", "message": "no"}, status=self.refuse)
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return web.json_response({"kind": "Status", "message": "Unauthorized"}, status=401)
        if request.path == "/api/v1/pods":
            if request.query.get("fieldSelector") != "spec.nodeName=node-1":
                return web.json_response({"message": "all pods of the cluster?"}, status=400)
            if request.query.get("watch"):
                return await self._watch(request)
        elif request.path != "/pods":
            return web.json_response({"message": "not found"}, status=404)
        return web.json_response(
            {
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": str(self.version)},
                "items": list(self.pods.values()),
            }
        )

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        stream: asyncio.Queue[bytes] = asyncio.Queue()
        if int(request.query["resourceVersion"]) < self.oldest:
            status = {"kind": "Status", "status": "Failure", "code": 410, "message": "too old"}
            stream.put_nowait(json.dumps({"type": "ERROR", "object": status}).encode() + b"\n")
            stream.put_nowait(b"")
        self._streams.add(stream)
        try:
            while line := await stream.get():
                await answer.write(line)
        except ConnectionError:
            pass
        finally:
            self._streams.discard(stream)
        return answer


class Background:
    """A cluster in a thread of its own, for tests that wait for others meanwhile."""

    def __init__(self, cluster: Cluster, tls: ssl.SSLContext | None = None) -> None:
        self.cluster = cluster
        self._tls = tls
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.cluster.start(self._tls), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self.cluster.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def do(self, work: Callable[[Cluster], T]) -> T:
        """Change or ask the cluster, in its thread."""

        async def inside() -> T:
            return work(self.cluster)

        return asyncio.run_coroutine_threadsafe(inside(), self._loop).result(10)
