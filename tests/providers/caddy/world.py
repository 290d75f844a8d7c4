"""A small world for tests of the Caddy provider: resources in one line, a provider bound to an Edge."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from argos_gitops.model.change import Change, Outcome, Result
from argos_gitops.model.condition import Condition
from argos_gitops.model.objects import InventoryEntry, ObjectSet, digest_of
from argos_gitops.model.plan import Failure, SystemKey
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.model.spec import Duration, SpecModel
from argos_gitops.planning.diff import Situation, diff
from argos_gitops.ports.provider import DesiredState, ProviderContext, Target
from argos_gitops.providers.caddy import PROVIDER
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.observe import CaddyLive
from argos_gitops.providers.caddy.provider import CaddyProvider
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.components.caddy import RealCaddy
from tests.fakes import NoSealedFiles

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


class BouncerSection(SpecModel):
    """What the Caddy provider reads of another provider's `crowdsec.bouncer`."""

    mode: str = "off"
    key: SecretRef | None = None
    agent_url: str = "http://127.0.0.1:8780"
    fail_mode: str = "open"
    timeout: Duration = timedelta(milliseconds=500)


class CrowdSecSection(SpecModel):
    """What it reads of the section around it."""

    lapi_url: str = "http://127.0.0.1:8080"
    bouncer: BouncerSection | None = None


class EdgeSpec(SpecModel):
    """An Edge as the composition makes it out of the sections."""

    kind: ClassVar[str] = "Edge"
    caddy: CaddySettings | None = None
    crowdsec: CrowdSecSection | None = None


def resource(model: type[SpecModel], name: str, spec: Mapping[str, Any]) -> AnyResource:
    return Resource(
        ResourceKey(model.kind, name),
        model.model_validate(spec),
        Location(f"{model.kind.lower()}s/{name}.yaml", 4, 1),
        digest_of([model.kind, name, spec]),
    )


def edge(admin_url: str = "http://127.0.0.1:2019", name: str = "main", **caddy: Any) -> AnyResource:
    crowdsec = caddy.pop("crowdsec", None)
    return resource(
        EdgeSpec,
        name,
        {"caddy": {"adminUrl": admin_url, **caddy}, **({"crowdsec": crowdsec} if crowdsec else {})},
    )


def edge_of(caddy: RealCaddy, **settings: Any) -> AnyResource:
    """An Edge whose listeners are the free ports of a real Caddy."""
    listen = [f"http://127.0.0.1:{caddy.http_port}", f"https://127.0.0.1:{caddy.https_port}"]
    return edge(caddy.admin_url, **{"listen": listen, **settings})


def service(name: str, *addresses: str, **spec: Any) -> AnyResource:
    targets = [{"address": address} for address in addresses]
    return resource(ServiceSpec, name, {"targets": targets, **spec})


def host(name: str, **spec: Any) -> AnyResource:
    """Plain HTTP at NAME.example.com that answers with its own name, unless `spec` says otherwise."""
    answer = {} if {"service", "redirect", "response"} & set(spec) else {"response": {"body": name}}
    usual = {"edge": "main", "domains": [f"{name}.example.com"], "tls": {"mode": "off"}}
    return resource(HostSpec, name, {**usual, **answer, **spec})


def desired(*resources: AnyResource) -> DesiredState:
    return DesiredState(EagerResources(resources, digest_of([each.digest for each in resources])))


class NoSecrets(NoSealedFiles):
    """The provider never asks for a value: Caddy resolves placeholders by itself."""

    def resolve(self, ref: SecretRef) -> SecretValue:
        raise AssertionError(f"nobody may ask for {ref}")


class SetClock:
    """Stands until a test sets it."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at


class SilentProgress:
    def task(self, description: str, total: int) -> Any:
        raise AssertionError("nothing here takes long enough for a progress bar")


class World:
    """One Edge, its provider, and what was applied so far; `folder` is where the provider keeps its cache."""

    def __init__(self, target: AnyResource, folder: Path) -> None:
        self.edge = target
        self.inventory: dict[str, InventoryEntry] = {}
        self.clock = SetClock()
        context = ProviderContext(NoSecrets(), self.clock, SilentProgress(), folder)
        bound = PROVIDER.factory(Target(target), context)
        assert isinstance(bound, CaddyProvider)
        self.provider = bound

    def plan(self, *resources: AnyResource) -> tuple[CaddyLive, tuple[Change, ...]]:
        live = self.provider.observe()
        return live, self._differences(live, self.provider.compile(desired(self.edge, *resources), live))

    def depart(self) -> list[Outcome]:
        """What happens once the Edge has left git: all that is ours goes."""
        live = self.provider.observe()
        return self.record(self.provider.apply(live, self._differences(live, {})))

    def _differences(self, live: CaddyLive, objects: ObjectSet) -> tuple[Change, ...]:
        situation = Situation(
            system=SystemKey(self.edge.key, "caddy"),
            desired=objects,
            live=live.objects,
            inventory=self.inventory,
            now=NOW,
            describe=self.provider.fields,
        )
        return diff(situation).changes

    def changes(self, *resources: AnyResource) -> list[str]:
        """What a plan would do, one `action object` each."""
        return [f"{change.action} {change.object_id}" for change in self.plan(*resources)[1]]

    def apply(self, *resources: AnyResource) -> list[Outcome]:
        live, changes = self.plan(*resources)
        return self.record(self.provider.apply(live, changes))

    def record(self, outcomes: Iterable[Outcome]) -> list[Outcome]:
        found = list(outcomes)
        for outcome in found:
            if outcome.result is Result.DONE:
                self._remember(outcome.change)
        return found

    def verify(self, changes: Sequence[Change], *resources: AnyResource) -> dict[str, Condition]:
        found = self.provider.verify(desired(self.edge, *resources), changes)
        return {condition.subject.name: condition for condition in found}

    def notices(self, *resources: AnyResource) -> list[Failure]:
        live = self.provider.observe()
        return [*live.notices, *self.provider.notices(desired(self.edge, *resources))]

    def _remember(self, change: Change) -> None:
        if change.after is None:
            self.inventory.pop(change.object_id, None)
            return
        digest = digest_of(change.after)
        self.inventory[change.object_id] = InventoryEntry(
            change.object_id, change.owner, digest, False, "a" * 40, NOW
        )


def applied(world: World, *resources: AnyResource) -> None:
    """Applied, and nothing is left to do."""
    world.apply(*resources)
    assert world.changes(*resources) == []
