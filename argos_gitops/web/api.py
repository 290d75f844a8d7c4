"""The read API below `/api/`: small JSON documents about what stands in the store. Writes nothing."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.moments import parse_moment
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.audit import AuditQuery
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.documents import document
from argos_gitops.web.queries import bad_query, limit_of, refuse_nul, refuse_unknown
from argos_gitops.web.readers import Readers, StoreReader
from argos_gitops.web.tokens import TokenGate

_MOMENTS = ("since", "until")


@dataclass(frozen=True, slots=True)
class ReadApi:
    """Each page is a question to the store; the gate stands before all of them."""

    instance: str
    store: StoreReader
    gate: TokenGate

    def routes(self) -> list[Route]:
        pages: dict[str, Callable[[Request], Awaitable[Any]]] = {
            "/api/status": self.status,
            "/api/targets": self.targets,
            "/api/resources/{kind}/{name}": self.resource,
            "/api/drift": self.drift,
            "/api/history": self.history,
            "/api/audit": self.audit,
        }
        return [Route(path, self._guarded(page), methods=["GET"]) for path, page in pages.items()]

    async def status(self, request: Request) -> Any:
        """The revisions, how the source is, and every condition that is not Ready."""
        limit = limit_of(request)

        def ask(store: Readers) -> Any:
            statuses = store.statuses
            return {
                "instance": self.instance,
                "revisions": document(statuses.revisions()),
                "source": document(statuses.source()),
                **_conditions(statuses.exceptions(), limit),
            }

        return await self.store.ask(ask)

    async def targets(self, request: Request) -> Any:
        """How the last pass over each target ended, and which replica has it."""

        def ask(store: Readers) -> Any:
            holders = {target: each.name for each in store.replicas.all() for target in each.targets}
            return [
                {"target": str(key), "replica": holders.get(str(key)), **document(state)}
                for key, state in store.statuses.targets().items()
            ]

        return {"targets": await self.store.ask(ask)}

    async def resource(self, request: Request) -> Any:
        """All conditions of one resource; 404 when nothing is known of it."""
        key = ResourceKey(request.path_params["kind"], request.path_params["name"])
        found = await self.store.ask(lambda store: store.statuses.conditions_of(key))
        if not found:
            raise RefusalError(404, "NotFound", "no pass has seen a resource of this kind and name")
        return {"subject": str(key), "conditions": document(found)}

    async def drift(self, request: Request) -> Any:
        """What the world changed and nobody has put right yet."""
        limit = limit_of(request)
        exceptions = await self.store.ask(lambda store: store.statuses.exceptions())
        drifted = [each for each in exceptions if each.type == "Drifted" and each.status is Truth.TRUE]
        return _conditions(drifted, limit)

    async def history(self, request: Request) -> Any:
        """The newest passes, newest first."""
        limit = limit_of(request)
        return {"passes": document(await self.store.ask(lambda store: store.statuses.passes(limit)))}

    async def audit(self, request: Request) -> Any:
        """The newest entries of the audit log, narrowed by the fields of AuditQuery."""
        query = _audit_query(request)
        return {"entries": document(await self.store.ask(lambda store: store.audit.entries(query)))}

    def _guarded(self, page: Callable[[Request], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            self.gate.check(request)
            refuse_nul(request)
            return JsonAnswer(await page(request))

        return answer


def _conditions(conditions: Sequence[Condition], limit: int) -> dict[str, Any]:
    """The first `limit` of them, and how many there are."""
    return {"total": len(conditions), "conditions": document(conditions[:limit])}


def _audit_query(request: Request) -> AuditQuery:
    names = {field.name for field in fields(AuditQuery)} - {"limit", *_MOMENTS}
    refuse_unknown(request, {*names, *_MOMENTS, "limit"})
    texts = {name: request.query_params[name] for name in names if name in request.query_params}
    since, until = (_moment(request, name) for name in _MOMENTS)
    return AuditQuery(since=since, until=until, limit=limit_of(request), **texts)


def _moment(request: Request, name: str) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return parse_moment(text)
    except ValueError:
        raise bad_query(f"{name}: expected a time such as 2026-01-31T12:00:00Z") from None
