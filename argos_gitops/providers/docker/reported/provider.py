"""The provider of a host that only reports: its Stacks are expectations, and nothing is ever applied."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import ArgosError, StoreError, TerminalError, TransientError
from argos_gitops.model.objects import Content, ManagedObject, ObjectSet
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import Resource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import DesiredState, LiveState, Network, ProviderContext, Target, Watch
from argos_gitops.ports.reports import HostReport, HostReports, Seen
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.observe import PREFIX, service_id
from argos_gitops.providers.docker.policy.hosts import HostPolicies
from argos_gitops.providers.docker.reported.expectation import expected
from argos_gitops.providers.docker.reported.fields import NOT_REPORTED, fields_of, unreported
from argos_gitops.providers.docker.reported.live import ReportedLive
from argos_gitops.providers.docker.reported.past import looping, note_of
from argos_gitops.providers.docker.settings import DockerSettings, PushAgent

_WATCHES = (Watch("reports", timedelta(seconds=15)),)
_HISTORY = 1000
_MOST_NAMED = 5

Stack = Resource[StackSpec]


@dataclass(frozen=True)
class _Expected:
    """A Stack as it was rendered once: its objects, and where its services stand in its files."""

    digest: str
    objects: tuple[ManagedObject, ...]
    rendered: Rendered


class ReportedProvider:
    """Implements ports.provider.Provider for a DockerHost without a connection."""

    def __init__(self, target: Target, context: ProviderContext) -> None:
        settings = target.section("docker", DockerSettings)
        if settings is None or settings.agent is None:
            raise TerminalError(f"{target.key} has no push agent that reports of it", reason="NoAgent")
        self._key = target.key
        self._agent: PushAgent = settings.agent
        self._host_id = settings.agent.host_id or target.key.name
        self._context = context
        self._renderer = ComposeRenderer(context)
        self._policies = HostPolicies(target.key, self._renderer, context.clock)
        self._known: dict[ResourceKey, _Expected] = {}
        self._failures: dict[ResourceKey, Failure] = {}
        self._seen: ReportedLive | None = None
        self._heard: tuple[str, bool] | None = None

    def observe(self) -> ReportedLive:
        """The newest report. Raises TransientError (NoReport, StaleReport) where it says nothing of now."""
        self._seen = None
        try:
            report = self._reports.latest(self._host_id)
            self._heard = self._heard_of(report)
            if report is None:
                raise TransientError(self._unheard(), reason="NoReport")
            if report.is_stale(self._context.clock.now(), self._agent.stale_after):
                raise TransientError(self._stale(report), reason="StaleReport")
            loops = looping(self._reports, self._host_id, report.containers, report.received_at)
        except StoreError as error:
            raise TransientError(str(error), reason=error.reason) from error
        self._seen = ReportedLive(report, loops)
        return self._seen

    def fingerprint(self, desired: DesiredState) -> str:
        return ""

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        seen, stacks = _ours(live), self._stacks(desired.resources)
        self._failures = {}
        self._known = {each.key: self._known[each.key] for each in stacks if each.key in self._known}
        objects = {each.id: each for stack in stacks for each in self._objects(stack, seen)}
        found = seen.beside(objects)
        return {
            each.id: each
            if each.id in found and found[each.id].content == each.content
            else self._placed(each)
            for each in objects.values()
        }

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        """Stacks that cannot be worked out, what the source leaves open, and what policies find."""
        containers = self._seen.report.containers if self._seen is not None else ()
        return (
            *self._failures.values(),
            *self._left_open(desired.resources),
            *self._policies.notices(desired.resources, containers),
        )

    def fields(self, content: Content) -> Mapping[str, str]:
        return fields_of(content)

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        """By the history of the host's reports; and what of the object nobody can know."""
        seen = _ours(live)
        history = self._reports.history(self._host_id, limit=_HISTORY)
        notes = {}
        for change in changes:
            names = [*_names(change), *(str(each["name"]) for each in seen.group(change.object_id))]
            found = [note_of(change, names, history), _unknown(seen, change)]
            notes[change.object_id] = "; ".join(filter(None, found))
        return {object_id: note for object_id, note in notes.items() if note}

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        return Unsayable("what a container is like cannot be put into the words of a Compose file")

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        """None: nothing is ever written."""
        return ()

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        """Never asked for: the core holds every change of a target that is only observed."""
        raise TerminalError(f"{self._key} only reports; nothing can be changed there", reason="ObservedOnly")

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Nothing beside what the look says: there is no other way to ask."""
        return iter(())

    def watches(self) -> Sequence[Watch]:
        return _WATCHES

    def moved(self, watch: str) -> bool:
        """Whether the host says something else, fell silent, or speaks again."""
        try:
            return self._heard_of(self._reports.seen(self._host_id)) != self._heard
        except StoreError:
            return False

    def close(self) -> None: ...

    @property
    def _reports(self) -> HostReports:
        if self._context.reports is None:
            raise TerminalError(f"{self._key}: nobody keeps reports here", reason="NoReports")
        return self._context.reports()

    def _heard_of(self, report: HostReport | Seen | None) -> tuple[str, bool]:
        """What was said, and whether it counts as of now."""
        if report is None:
            return "", True
        age = self._context.clock.now() - report.received_at
        return report.content, age > self._agent.stale_after

    def _unheard(self) -> str:
        others = [each.host_id for each in self._reports.hosts()]
        heard = f"; heard of are {', '.join(others[:_MOST_NAMED])}" if others else ""
        return (
            f"{self._key}: no agent ever reported under the id {self._host_id!r}{heard}. Install the push "
            f"agent there with ARGOS_HOST_ID={self._host_id}, or correct docker.agent.hostId"
        )

    def _stale(self, report: HostReport) -> str:
        skew, allowed = report.clock_skew.total_seconds(), self._agent.stale_after.total_seconds()
        clock = (
            ""
            if abs(skew) < 1
            else f" (its clock was {abs(skew):,.0f} s {'ahead' if skew > 0 else 'behind'})"
        )
        at = f"{report.received_at:%Y-%m-%d %H:%M:%S} UTC"
        return (
            f"{self._key}: {self._host_id} was last heard of at {at} by our clock{clock}, longer ago than "
            f"{allowed:g} s, so that nothing is known of it; look at the push agent there "
            "(journalctl -u argos-docker-agent)"
        )

    def _stacks(self, resources: ResourceSet) -> list[Stack]:
        return [each for each in resources.of(StackSpec).values() if each.spec.host == self._key.name]

    def _objects(self, stack: Stack, live: ReportedLive) -> Sequence[ManagedObject]:
        """A Stack that cannot be worked out is taken as it stands."""
        try:
            return self._expected(stack).objects
        except ArgosError as error:
            self._failures[stack.key] = Failure(error.reason, str(error), stack.key, unplanned=True)
        within = f"{PREFIX}{stack.spec.project or stack.name}/"
        return [
            ManagedObject(each.id, stack.key, each.content, stack.location)
            for each in live.objects.values()
            if each.id.startswith(within)
        ]

    def _expected(self, stack: Stack) -> _Expected:
        rendered, known = self._renderer.render(stack), self._known.get(stack.key)
        if known is None or known.digest != stack.digest or known.rendered is not rendered:
            objects = tuple(_managed(stack, rendered, name) for name in sorted(rendered.services))
            known = self._known[stack.key] = _Expected(stack.digest, objects, rendered)
        return known

    def _placed(self, managed: ManagedObject) -> ManagedObject:
        known = self._known.get(managed.owner)
        if known is None:
            return managed
        service = managed.id.rpartition("/")[2]
        return replace(managed, location=known.rendered.place("services", service))

    def _left_open(self, resources: ResourceSet) -> Iterator[Failure]:
        """One sentence for the host, as it is the agent there that could tell more."""
        if self._seen is None:
            return
        open_of: dict[str, list[str]] = {}
        for key, known in sorted(self._known.items()):
            for label in dict.fromkeys(self._unreported(known, self._seen)):
                open_of.setdefault(label, []).append(str(key))
        networks = resources.of(NetworkSpec).values()
        told = [f"{label} of {', '.join(keys)}" for label, keys in open_of.items()]
        told += [str(each.key) for each in networks if each.spec.host == self._key.name]
        if told:
            yield Failure("PartlyReported", f"{NOT_REPORTED}: {'; '.join(told)}")

    def _unreported(self, known: _Expected, live: ReportedLive) -> Iterator[str]:
        for managed in known.objects:
            found = live.objects.get(managed.id)
            if found is not None and found.content["state"] == managed.content["state"]:
                yield from unreported(found.content, managed.content)


def _managed(stack: Stack, rendered: Rendered, name: str) -> ManagedObject:
    content = expected(stack, rendered, name)
    return ManagedObject(
        service_id(rendered.project, name),
        stack.key,
        content,
        location=stack.location,
        protected=stack.protected,
    )


def _names(change: Change) -> list[str]:
    """The names that Compose gives to the containers of a service, for one that is gone."""
    content = change.after or change.before
    if content.get("container"):
        return [content["container"]]
    project, _, service = content["service"].partition("/")
    count = max(1, int(content["replicas"]))
    return [f"{project}{sign}{service}{sign}{number + 1}" for number in range(count) for sign in "-_"]


def _unknown(live: ReportedLive, change: Change) -> str:
    found = live.objects.get(change.object_id)
    if found is None or change.after is None:
        return ""
    labels = unreported(found.content, change.after)
    return f"{', '.join(labels)}: {NOT_REPORTED}" if labels else ""


def _ours(live: LiveState) -> ReportedLive:
    if not isinstance(live, ReportedLive):
        raise TypeError(f"{type(live).__name__} was not observed by this provider")
    return live
