"""One Caddy as a Provider: the parts of this folder behind the port."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import sample

from argos_gitops import __version__
from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Action, Change, Outcome, Result
from argos_gitops.model.claim import Claim, claim_for
from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.errors import TerminalError
from argos_gitops.model.objects import Content, ObjectSet
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import TAKE_OVER_ANNOTATION, Resource, ResourceKey
from argos_gitops.ports.provider import (
    UNPROVEN,
    DesiredState,
    LiveState,
    Network,
    ProviderContext,
    Target,
    Watch,
)
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.adopt import Adopter
from argos_gitops.providers.caddy.apply import write
from argos_gitops.providers.caddy.attribution import (
    Attribution,
    Circumstances,
    Window,
    holds_nothing_of_ours,
)
from argos_gitops.providers.caddy.bulk import collector_paused
from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.certificates import manages_tls
from argos_gitops.providers.caddy.client import AdminClient
from argos_gitops.providers.caddy.compile import Compiler, HostResource, files_of, hosts_of, needs_of
from argos_gitops.providers.caddy.edge import (
    banned_addresses,
    bouncer_handler,
    bouncer_mode,
    bouncer_module,
    forward_auth,
)
from argos_gitops.providers.caddy.inlining import Inlining
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.listeners import Listeners, addresses_of, listeners
from argos_gitops.providers.caddy.module import HANGING_HINT, ModuleBouncer, told
from argos_gitops.providers.caddy.observe import CaddyLive
from argos_gitops.providers.caddy.own_probe import ProbeKeys, is_counted
from argos_gitops.providers.caddy.probe import (
    ANSWERED_BY_ANOTHER,
    MOST_PROBES,
    Question,
    ask,
    bouncer_away,
    question,
)
from argos_gitops.providers.caddy.rotation import LoadedFiles, UnreadFiles
from argos_gitops.providers.caddy.served import wanted as wanted_certificate
from argos_gitops.providers.caddy.served import wildcards_of
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings
from argos_gitops.providers.caddy.shadows import Rival, rival, shadowed

_NAMED_HOSTS = 5
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_WATCH = Watch("caddy", timedelta(seconds=15))


class CaddyProvider:
    """Bound to one Edge; keeps its connection, the last configuration read, and what it compiled."""

    def __init__(self, target: Target, context: ProviderContext) -> None:
        settings = target.section("caddy", CaddySettings)
        if settings is None:
            raise TerminalError(f"{target.key} has no caddy section", reason="InvalidConfiguration")
        self._target = target
        self._settings = settings
        self._client = AdminClient(settings.admin_url, context.timeout)
        module = bouncer_module(target.resource.spec)
        self._module = None if module is None else ModuleBouncer(self._client, module)
        if self._module is not None:
            self._client.hanging_hint = HANGING_HINT
        self._catalogue = Catalogue(whole=settings.whole, own_servers=settings.server is None)
        self._inlining = Inlining(target.key, context.secrets)
        self._probe_keys = ProbeKeys(context.cache_dir, target.key.name)
        self._compiler = Compiler(target.resource, settings, self._inlining, self._probe_keys)
        self._files = UnreadFiles() if context.preview else LoadedFiles(context.cache_dir, target.key.name)
        self._last: CaddyLive | None = None
        self._clock = context.clock
        self._writer = context.writer
        self._attribution = Attribution()
        self._looked_at: datetime | None = None
        self._window: Window | None = None

    def observe(self) -> CaddyLive:
        """An unchanged configuration is not parsed again."""
        raw, now = self._client.read(), self._clock.now()
        notices, last = tuple(self._moved()), self._last
        live = CaddyLive(
            raw,
            self._target.key,
            self._catalogue,
            self._compiler.compiled_content,
            notices,
            last.known_objects if last is not None else None,
        )
        if last is None or (last.fingerprint, last.notices) != (live.fingerprint, notices):
            self._last = last = live
            self._window = Window(self._looked_at, now) if self._looked_at is not None else None
        self._looked_at = now
        self._claim(last)
        return last

    def _claim(self, live: CaddyLive) -> Claim | None:
        """Raises TerminalError where another writer has claimed this Caddy."""
        if self._writer is None:
            return live.claim
        edge = self._target.resource
        taken_over = edge.annotations.get(TAKE_OVER_ANNOTATION)
        return claim_for(self._writer, live.claim, edge.key, taken_over, self._clock.now())

    def fingerprint(self, desired: DesiredState) -> str:
        return f"{__version__} {self._files.fingerprint()}"

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        layout = _caddy(live).layout
        with collector_paused():
            objects = self._compiler.compile(desired.resources, layout)
        hosts = hosts_of(self._target.resource.name, desired.resources)
        self._files.know(files_of(self._target.resource, self._settings, hosts.values()))
        return self._with_reload(objects)

    def _with_reload(self, objects: ObjectSet) -> ObjectSet:
        """Where a file has a new secret, one object has to be written again, which makes Caddy load all."""
        rotated = self._files.rotated()
        if not rotated or not objects:
            return objects
        first = min(objects.values(), key=lambda each: (each.owner != self._target.key, each.id))
        why = f"secret rotated: Caddy has not read {', '.join(rotated)} since it changed"
        return {**objects, first.id: replace(first, renew_at=_LONG_AGO, renewal=why)}

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        hosts = hosts_of(self._target.resource.name, desired.resources)
        return (
            *self._unenforced(hosts),
            *self._without_tls(hosts),
            *self._shadowed(hosts),
            *self._unproven(desired),
        )

    def fields(self, content: Content) -> Mapping[str, str]:
        return self._inlining.masked(content)

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        circumstances = None
        if self._attribution.unknown(changes):
            empty = holds_nothing_of_ours(_caddy(live).layout)
            circumstances = Circumstances(self._window, self._client.started_at(), empty)
        return self._attribution.notes(changes, circumstances)

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        return Adopter(self._target.resource, desired.resources).adopt(change)

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        """None: what a Host serves bans nobody, and the admin API is never changed."""
        return ()

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        if not changes:
            return
        if self._module is not None and _has_module(_caddy(live)):
            self._module.await_quiet()
        claim = self._claim(_caddy(live))
        written = write(self._client, self._target.key, self._catalogue, _caddy(live), changes, claim)
        for outcome in written:
            yield self._proved(outcome)
        self._files.loaded()

    def _proved(self, outcome: Outcome) -> Outcome:
        """A module that was set up is done when LAPI knows its key, not when Caddy has loaded it."""
        new = outcome.change.object_id == marks.CROWDSEC_APP and outcome.change.after is not None
        if self._module is None or not new or outcome.result is not Result.DONE:
            return outcome
        problem = told(self._module, ())
        if problem is None:
            return outcome
        return Outcome(outcome.change, Result.FAILED, problem.reason, problem.message)

    def _unproven(self, desired: DesiredState) -> Iterator[Failure]:
        """What keeps the bouncer module from refusing anybody, as far as it is loaded already."""
        if self._module is None or self._last is None or not _has_module(self._last):
            return
        problem = told(self._module, banned_addresses(self._target.resource, desired.resources))
        if problem is not None:
            yield replace(problem, subject=self._target.key)

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Asks the edge for hosts: those that changed, those that were not ready, and then some of the others
        at random, as what stands behind the edge fails without a change. A pass asks for at most MOST_PROBES.
        """
        for problem in self._unproven(desired):
            yield Condition(self._target.key, "Ready", Truth.FALSE, problem.reason, problem.message)
        probe = self._settings.probe
        if not probe.enabled:
            return
        hosts = hosts_of(self._target.resource.name, desired.resources)
        written = {change.owner for change in changes if change.action is not Action.DELETE}
        wanted = _in_turn(hosts, written, set(recheck))
        if not wanted:
            return
        seconds = probe.timeout / timedelta(seconds=1)
        now = self._read() if changes or self._last is None else self._last
        services = desired.resources.of(ServiceSpec)
        questions = [
            _with_services(each, hosts[each.subject.name], services)
            for each in self._questions(wanted[:MOST_PROBES], hosts, now.layout)
        ]
        local_ca = self._client.local_ca() if any(each.certificate for each in questions) else None
        found = [*ask(questions, seconds, lambda asked, domain: _rival(now, asked, domain), local_ca)]
        yield from self._with_bouncer(found, hosts)
        for host in wanted[MOST_PROBES:]:
            if host.key in recheck:
                yield Condition(host.key, "Ready", Truth.UNKNOWN, UNPROVEN, "a later pass asks for it")

    def watches(self) -> Sequence[Watch]:
        return (_WATCH,)

    def moved(self, watch: str) -> bool:
        """Whether the configuration is another one than the last look saw: read, but not parsed.

        Raises ProviderError, as `observe` does, where Caddy does not answer.
        """
        seen, now = self._last, self._client.read()
        if seen is None or seen.raw.mark != now.mark or seen.notices != tuple(self._moved()):
            return True
        self._looked_at = self._clock.now()
        return False

    def close(self) -> None:
        self._client.close()

    def _with_bouncer(
        self, found: Sequence[Condition], hosts: Mapping[str, HostResource]
    ) -> Iterator[Condition]:
        """A Host whose visitors are let in unasked is not ready, although it answers."""
        asking = forward_auth(self._target.resource)
        guarded = {each.subject for each in found if hosts[each.subject.name].spec.bouncer}
        if asking is None or not guarded or not self._client.failing(asking.dial):
            yield from found
            return
        for condition in found:
            unasked = condition.subject in guarded and condition.status is Truth.TRUE
            yield bouncer_away(condition.subject, "everybody is let in") if unasked else condition

    def _moved(self) -> Iterator[Failure]:
        if self._client.moved:
            yield Failure(
                "AdminMoved",
                f"nothing listens at {self._client.admin_url}: a configuration that failed to load moved "
                "Caddy's admin API to its default address, where it was found; the next write brings it back",
            )

    def _unenforced(self, hosts: Mapping[str, HostResource]) -> Iterator[Failure]:
        """A bouncer that is asked for and not there must not go unsaid."""
        edge = self._target.resource
        asking = [name for name, host in hosts.items() if host.spec.bouncer]
        if asking and bouncer_handler(edge) is None:
            mode = bouncer_mode(edge.spec)
            why = (
                f"crowdsec.bouncer.mode {mode} does not refuse anybody here"
                if mode
                else "it has no crowdsec section"
            )
            yield Failure(
                "BouncerNotEnforced",
                f"{_listed(asking)} ask for a bouncer, but {self._target.key} gives none ({why}); "
                "mode forward-auth does, and mode module with a Caddy that has the bouncer module",
            )

    def _without_tls(self, hosts: Mapping[str, HostResource]) -> Iterator[Failure]:
        server = self._settings.server
        layout = None if self._last is None else self._last.layout
        if server is None or layout is None or server not in layout.servers:
            return
        asking = [name for name, host in hosts.items() if host.spec.tls.mode in ("auto", "internal")]
        if asking and not manages_tls(layout.servers[server], layout.http):
            yield Failure(
                "TlsNotManaged",
                f"{_listed(asking)} ask for certificates, but automatic HTTPS is off in the server "
                f"{server} of somebody else; turn it on there, or set tls mode off",
            )

    def _shadowed(self, hosts: Mapping[str, HostResource]) -> Iterator[Failure]:
        """What others configured stays as it is, and where it stands in front it answers."""
        last = self._last
        if self._settings.whole or last is None:
            return
        domains = {name: host.spec.domains for name, host in hosts.items()}
        for name, domain in shadowed(last.layout, domains, self._settings.server).items():
            theirs = rival(last.tree, name, domain, None)
            yield Failure(
                ANSWERED_BY_ANOTHER,
                f"{domain} is answered by {theirs or 'a route'} of somebody else, which stands in front; "
                "take the domain out there, or here",
                hosts[name].key,
            )

    def _questions(
        self, wanted: Iterable[HostResource], hosts: Mapping[str, HostResource], layout: Layout
    ) -> Iterator[Question]:
        found = self._listeners(hosts, layout)
        wildcards = wildcards_of((host.spec for host in hosts.values()), self._settings)
        for host in wanted:
            secure = not host.spec.plain if self._settings.server is None else bool(found.tls)
            addresses = found.tls if secure else found.plain
            if addresses:
                asked = question(host.key, host.spec, addresses[0], secure, self._settings)
                yield replace(
                    asked,
                    served=host.name in layout.hosts,
                    token=layout.tokens.get(host.name),
                    key=self._probe_keys.of(host.name, layout) if is_counted(host.spec) else None,
                    certificate=wanted_certificate(host.spec, wildcards, self._settings) if secure else None,
                )

    def _read(self) -> CaddyLive:
        """What Caddy holds at this moment."""
        return CaddyLive(
            self._client.read(), self._target.key, self._catalogue, self._compiler.compiled_content
        )

    def _listeners(self, hosts: Mapping[str, HostResource], layout: Layout) -> Listeners:
        if self._settings.server is None:
            return listeners(self._settings, needs_of(hosts))
        server = layout.servers.get(self._settings.server, {})
        addresses = addresses_of(server.get("listen") or ())
        return Listeners(addresses, ()) if manages_tls(server, layout.http) else Listeners((), addresses)


def _caddy(live: LiveState) -> CaddyLive:
    if not isinstance(live, CaddyLive):
        raise TypeError(f"a Caddy provider was given {type(live).__name__}")
    return live


def _with_services(
    asked: Question, host: HostResource, services: Mapping[str, Resource[ServiceSpec]]
) -> Question:
    used = [services[name] for name in dict.fromkeys(host.spec.services)]
    behind = ", ".join(
        f"{each.key} at {' and '.join(target.address for target in each.spec.used_targets)}" for each in used
    )
    checked = any(each.spec.health_check or each.spec.passive_health_check for each in used)
    return replace(asked, behind=behind, checked=checked)


def _rival(live: CaddyLive, asked: Question, domain: str) -> Rival | None:
    return rival(live.tree, asked.subject.name, domain, asked.address)


def _has_module(live: CaddyLive) -> bool:
    return "crowdsec" in live.layout.apps


def _in_turn(
    hosts: Mapping[str, HostResource], written: Collection[ResourceKey], recheck: Collection[ResourceKey]
) -> list[HostResource]:
    """Hosts by how urgently they are asked for; chance gives each of a group its turn, pass after pass."""
    groups: tuple[list[HostResource], ...] = ([], [], [])
    for host in hosts.values():
        groups[0 if host.key in written else 1 if host.key in recheck else 2].append(host)
    first, second, others = groups
    return [
        *sample(first, len(first)),
        *sample(second, len(second)),
        *sample(others, min(len(others), MOST_PROBES)),
    ]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(f"Host/{name}" for name in sorted(names)[:_NAMED_HOSTS])
    return shown if len(names) <= _NAMED_HOSTS else f"{shown} and {len(names) - _NAMED_HOSTS} more"
