"""`/api/v1/workloads`: what this agent runs itself, and the verbs on it."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from aiohttp import web

from agent.api import AgentApi
from agent.http import answer
from agent.http.finish import finish
from agent.http.parameters import duration, flag, json_body, known
from agent.http.problem import HttpProblem
from agent.http.route import Handler, Parameter, Route
from agent.rights import Right
from runtime.supervision.spec import WorkloadSpec

if TYPE_CHECKING:
    from runtime.supervision.supervisor import Supervisor

OWNER = "api"
LONGEST_WAIT = 600.0
WAIT = Parameter("wait", "answer only when each replica started or failed, after this duration at the latest")
NAME = Parameter("name", "name of a workload", place="path")
DRY_RUN = Parameter("dry_run", "1 changes nothing and tells what would be changed", kind="boolean")
PRUNE = Parameter("prune", "1 removes the workloads of the API that the body does not hold", kind="boolean")
KEEP_LOGS = Parameter("keep_logs", "1 leaves its logs on disk", kind="boolean")
STATUS = {"$ref": "#/components/schemas/WorkloadStatus"}


class Scale(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of the verb `scale`."""

    replicas: Annotated[int, msgspec.Meta(ge=0, le=1000)]


def supervisor(api: AgentApi) -> Supervisor:
    """The supervisor; raises HttpProblem with the reason when there is none."""
    if api.workloads is None:
        raise HttpProblem(503, f"workloads are off: {api.runtime_reason}; deckwatch doctor tells more")
    return api.workloads


def _statuses(chosen: Supervisor, names: Iterable[str] | None = None) -> list[Any]:
    wanted = None if names is None else set(names)
    return [answer.readable(status) for status in chosen.status() if wanted is None or status.name in wanted]


def _named(chosen: Supervisor, request: web.Request) -> str:
    name = request.match_info["name"]
    names = [status.name for status in chosen.status()]
    if name not in names:
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {near[0]}?" if near else "deckwatch ps -a lists what there is"
        raise HttpProblem(404, f"no workload {name}; {hint}")
    return name


async def _settled(chosen: Supervisor, request: web.Request, names: list[str]) -> list[Any]:
    wait = duration(request, "wait", LONGEST_WAIT)
    if wait and names:
        await chosen.settled(names, wait)
    return _statuses(chosen, names)


async def get_all(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """All workloads and their replicas."""
    known(request, ())
    return answer.json(_statuses(supervisor(api)))


async def get_one(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """One workload, its replicas, and its specification."""
    known(request, ())
    chosen = supervisor(api)
    name = _named(chosen, request)
    return answer.json(_statuses(chosen, [name])[0] | {"spec": answer.readable(chosen.spec(name))})


async def put_all(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Apply several workloads at once."""
    known(request, ("dry_run", "prune", "wait"))
    return await _apply(api, request, await json_body(request, list[WorkloadSpec]), flag(request, "prune"))


async def put_one(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Apply one workload."""
    known(request, ("dry_run", "wait"))
    spec = await json_body(request, WorkloadSpec)
    if spec.name != request.match_info["name"]:
        raise HttpProblem(
            400, f"the body says name {spec.name}, the path {request.match_info['name']}; make them the same"
        )
    return await _apply(api, request, [spec], False)


async def _apply(
    api: AgentApi, request: web.Request, specs: list[WorkloadSpec], prune: bool
) -> web.StreamResponse:
    chosen = supervisor(api)
    dry_run = flag(request, "dry_run")
    changes = await finish(chosen.apply(specs, owner=OWNER, prune=prune, dry_run=dry_run))
    names = [spec.name for spec in specs]
    workloads = [] if dry_run else await _settled(chosen, request, names)
    done = [{"name": change.name, "action": change.action} for change in changes]
    return answer.json({"changes": done, "workloads": workloads})


async def delete(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Stop a workload and forget it."""
    known(request, ("keep_logs",))
    chosen = supervisor(api)
    name = _named(chosen, request)
    await finish(chosen.remove(name, keep_logs=flag(request, "keep_logs")))
    return answer.json({"removed": name})


def _verb(act: Callable[[Supervisor, str], Coroutine[Any, Any, object]]) -> Handler:
    async def handler(api: AgentApi, request: web.Request) -> web.StreamResponse:
        known(request, ("wait",))
        chosen = supervisor(api)
        name = _named(chosen, request)
        await finish(act(chosen, name))
        return answer.json((await _settled(chosen, request, [name]))[0])

    return handler


async def scale(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Run another number of replicas."""
    known(request, ("wait",))
    chosen = supervisor(api)
    name = _named(chosen, request)
    wanted = await json_body(request, Scale)
    await finish(chosen.scale(name, wanted.replicas))
    return answer.json((await _settled(chosen, request, [name]))[0])


async def rollback(api: AgentApi, request: web.Request) -> web.StreamResponse:
    """Refused by name."""
    raise HttpProblem(501, "rollback is not in this version; apply the former file again")


APPLIED = {
    "type": "object",
    "properties": {
        "changes": {"type": "array", "items": {"type": "object"}},
        "workloads": {"type": "array", "items": STATUS},
    },
}
BASE = "/api/v1/workloads"


def _post(
    verb: str, handler: Handler, summary: str, *, body: str = "", statuses: tuple[int, ...] = ()
) -> Route:
    return Route(
        "POST",
        f"{BASE}/{{name}}/{verb}",
        handler,
        Right.CONTROL,
        summary,
        (NAME, WAIT),
        body=body,
        schema=STATUS,
        statuses=statuses or (404, 409, 503),
    )


ROUTES = (
    Route("GET", BASE, get_all, Right.CONTROL, "All workloads", schema={"type": "array", "items": STATUS}, statuses=(503,)),
    Route("GET", f"{BASE}/{{name}}", get_one, Right.CONTROL, "One workload", (NAME,), schema=STATUS, statuses=(404, 503)),
    Route("PUT", BASE, put_all, Right.CONTROL, "Apply several workloads", (DRY_RUN, PRUNE, WAIT),
          body="WorkloadSpecs", schema=APPLIED, statuses=(400, 409, 422, 503)),
    Route("PUT", f"{BASE}/{{name}}", put_one, Right.CONTROL, "Apply one workload", (NAME, DRY_RUN, WAIT),
          body="WorkloadSpec", schema=APPLIED, statuses=(400, 409, 422, 503)),
    Route("DELETE", f"{BASE}/{{name}}", delete, Right.CONTROL, "Remove a workload", (NAME, KEEP_LOGS),
          schema={"type": "object"}, statuses=(404, 409, 503)),
    _post("start", _verb(lambda chosen, name: chosen.start(name)), "Start a stopped workload"),
    _post("stop", _verb(lambda chosen, name: chosen.stop(name)), "Stop a workload; it stays stopped"),
    _post("restart", _verb(lambda chosen, name: chosen.restart(name)), "Restart a workload"),
    _post("scale", scale, "Run another number of replicas", body="Scale"),
    _post("rollback", rollback, "Not in this version", statuses=(501,)),
)  # fmt: skip
