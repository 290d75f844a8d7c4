"""One Edge whose CrowdSec the provider looks after: resources in, changes and outcomes out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self

import httpx

from argos_gitops.app.clock import SystemClock
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.go_duration import seconds_of
from argos_gitops.model.objects import InventoryEntry
from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.model.spec import SpecModel
from argos_gitops.planning.diff import Situation, SystemDiff, diff
from argos_gitops.ports.clock import Clock
from argos_gitops.ports.progress import Progress, ProgressTask
from argos_gitops.ports.provider import DesiredState, ProviderContext, Target
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.observe import CrowdSecLive
from argos_gitops.providers.crowdsec.provider import CrowdSecProvider
from argos_gitops.providers.crowdsec.settings import CrowdSecSettings
from argos_gitops.secrets.local import LocalSecrets
from tests.components.crowdsec import RealCrowdSec
from tests.fakes import resource
from tests.secrets.vaults import empty_vault


class EdgeSpec(SpecModel):
    """An Edge without a Caddy."""

    kind: ClassVar[str] = "Edge"

    crowdsec: CrowdSecSettings | None = None


def edge(name: str, url: str, machine: str = "argos", **settings: Any) -> AnyResource:
    section = {
        "lapiUrl": url,
        "machine": {"id": machine, "password": {"env": "LAPI_PASSWORD"}},
        **settings,
    }
    return resource("Edge", name, EdgeSpec.model_validate({"crowdsec": section}))


def decision(name: str, value: str, **spec: Any) -> AnyResource:
    given = {
        "edge": "main",
        "scope": "Range" if "/" in value else "Ip",
        "value": value,
        "reason": "scanner",
        **spec,
    }
    return resource("Decision", name, DecisionSpec.model_validate(given))


def country(code: str, **spec: Any) -> AnyResource:
    given = {"edge": "main", "country": code, "reason": "policy", **spec}
    return resource("CountryBan", code.lower(), CountryBanSpec.model_validate(given))


def allowlist(name: str, *values: str, **spec: Any) -> AnyResource:
    entries = [{"value": value, "reason": "ours"} for value in values]
    return resource("Allowlist", name, AllowlistSpec.model_validate({"entries": entries, **spec}))


def desired(*resources: AnyResource) -> DesiredState:
    return DesiredState(EagerResources(resources, "test"))


class Quiet:
    """Progress that nobody watches."""

    def task(self, description: str, total: int) -> ProgressTask:
        return self

    def advance(self, steps: int = 1) -> None:
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        return


class ShiftedClock:
    """The real time, moved by `by`: LAPI cannot be told another time, we can."""

    def __init__(self) -> None:
        self.by = timedelta()

    def now(self) -> datetime:
        return SystemClock().now() + self.by


class Aging(httpx.HTTPTransport):
    """LAPI as it would answer once so much time has passed: less is left of each ban, its clock moved."""

    def __init__(self, clock: ShiftedClock) -> None:
        super().__init__()
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = super().handle_request(request)
        if not self._clock.by or request.method != "GET" or answer.status_code != 200:
            return answer
        answer.read()
        told = parsedate_to_datetime(answer.headers["Date"]) + self._clock.by
        alerts = answer.json() or []
        for row in (row for alert in alerts for row in alert["decisions"]):
            row["duration"] = f"{int(seconds_of(row['duration']) - self._clock.by.total_seconds())}s"
        return httpx.Response(
            answer.status_code, headers={"Date": format_datetime(told, usegmt=True)}, json=alerts
        )


@dataclass
class BannedEdge:
    """The provider of one Edge and what is wanted of it; use it as a context manager."""

    target: AnyResource
    folder: Path
    password: str
    geo: Path | None = None
    clock: Clock = field(default_factory=SystemClock)
    progress: Progress = field(default_factory=Quiet)
    wanted: DesiredState = field(default_factory=desired)
    inventory: Mapping[str, InventoryEntry] = field(default_factory=dict)
    transport: httpx.BaseTransport | None = None
    secrets: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, crowdsec: RealCrowdSec, folder: Path, name: str = "main", **options: Any) -> "BannedEdge":
        settings = options.pop("settings", {})
        target = edge(name, crowdsec.lapi_url, crowdsec.machine_id, **settings)
        return cls(target, folder, options.pop("password", crowdsec.machine_password), **options)

    def __post_init__(self) -> None:
        context = ProviderContext(
            secrets=LocalSecrets({"LAPI_PASSWORD": self.password, **self.secrets}, empty_vault()),
            clock=self.clock,
            progress=self.progress,
            cache_dir=self.folder,
            settings={"geoip_country": str(self.geo)} if self.geo is not None else {},
        )
        self.provider = CrowdSecProvider(Target(self.target), context, self.transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *ignored: object) -> None:
        self.provider.close()

    def want(self, *resources: AnyResource) -> Self:
        self.wanted = desired(*resources)
        return self

    def look(self) -> tuple[CrowdSecLive, SystemDiff]:
        live = self.provider.observe()
        return live, diff(
            Situation(
                system=SystemKey(self.target.key, "crowdsec"),
                desired=self.provider.compile(self.wanted, live),
                live=live.objects,
                inventory=self.inventory,
                now=self.clock.now(),
                describe=self.provider.fields,
            )
        )

    def plan(self) -> Sequence[Change]:
        return self.look()[1].changes

    def apply(self) -> Sequence[Outcome]:
        live, found = self.look()
        return tuple(self.provider.apply(live, found.changes))
