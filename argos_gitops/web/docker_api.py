"""`GET /api/agents/docker/…`: what the agents of Docker hosts reported, and the script that reports it."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from argos_gitops.model.containers import STALE_AFTER
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.reports import HostReport, ReportedHost
from argos_gitops.web.answers import JsonAnswer, RefusalError
from argos_gitops.web.documents import document
from argos_gitops.web.queries import limit_of, refuse_unknown
from argos_gitops.web.readers import StoreReader
from argos_gitops.web.tokens import TokenGate

_SHORTEST_ID = 12
_HOST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")


@dataclass(slots=True)
class DockerApi:
    """Reads alone. `stale_after` is what the agent says it is."""

    store: StoreReader
    gate: TokenGate
    clock: Clock
    script: Path
    """The push agent itself."""
    stale_after: timedelta = STALE_AFTER

    def routes(self) -> list[Route]:
        pages = {
            "/api/agents/docker/hosts": self.hosts,
            "/api/agents/docker/hosts/{hostId}/containers": self.containers,
            "/api/agents/docker/hosts/{hostId}/containers/{containerId}": self.container,
            "/api/agents/docker/hosts/{hostId}/history": self.history,
            "/agents/docker/agent.sh": self.agent,
        }
        return [Route(path, page, methods=["GET"]) for path, page in pages.items()]

    async def hosts(self, request: Request) -> Response:
        """Every host that ever reported and was not forgotten."""
        self.gate.check(request)
        found = await self.store.ask(lambda store: store.reports.hosts())
        now = self.clock.now()
        return JsonAnswer([self._host(host, now) for host in found])

    async def containers(self, request: Request) -> Response:
        """All that is known of each; 404 when the host never reported."""
        self.gate.check(request)
        return JsonAnswer((await self._latest(request)).containers)

    async def container(self, request: Request) -> Response:
        """One of them, by its id or the beginning of it; 404 when the last report does not hold it."""
        self.gate.check(request)
        report, wanted = await self._latest(request), request.path_params["containerId"]
        for container in report.containers:
            identity = container["id"]
            if identity == wanted or (len(wanted) >= _SHORTEST_ID and identity.startswith(wanted)):
                return JsonAnswer(container)
        raise RefusalError(404, "NotFound", "the last report of this host holds no such container")

    async def history(self, request: Request) -> Response:
        """What changed, newest first; 404 when the host never reported."""
        self.gate.check(request)
        refuse_unknown(request, {"container", "limit"})
        host_id, limit = _host_id(request), limit_of(request)
        container = request.query_params.get("container")
        if container is not None and "\0" in container:
            raise RefusalError(400, "BadQuery", "container: expected the name of a container")

        found = await self.store.ask(
            lambda store: (store.reports.seen(host_id), store.reports.history(host_id, container, limit))
        )
        if found[0] is None:
            raise _unknown_host()
        return JsonAnswer({"hostId": host_id, "changes": document(found[1])})

    async def agent(self, request: Request) -> Response:
        """For everybody: it holds no secret, and who installs it has none to show yet."""
        return FileResponse(self.script, media_type="text/x-shellscript")

    async def _latest(self, request: Request) -> HostReport:
        host_id = _host_id(request)
        report = await self.store.ask(lambda store: store.reports.latest(host_id))
        if report is None:
            raise _unknown_host()
        return report

    def _host(self, host: ReportedHost, now: datetime) -> dict[str, Any]:
        return {
            "hostId": host.host_id,
            "hostname": host.hostname,
            "agentVersion": host.agent_version,
            "reportedAt": host.reported_at,
            "receivedAt": host.received_at,
            "clockSkewSeconds": round(host.clock_skew.total_seconds(), 3),
            "containerCount": host.container_count,
            "stale": host.is_stale(now, self.stale_after),
        }


def _host_id(request: Request) -> str:
    host_id = str(request.path_params["hostId"])
    if not _HOST_ID.fullmatch(host_id):
        raise _unknown_host()
    return host_id


def _unknown_host() -> RefusalError:
    return RefusalError(404, "NotFound", "no agent has reported for a host of this id")
