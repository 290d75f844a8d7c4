"""Resources as the objects that one Caddy should hold. Pure but for memos."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from argos_gitops.manifests.secrets import sealed_uses
from argos_gitops.model.objects import ManagedObject
from argos_gitops.model.resource import AnyResource, Resource, ResourceSet
from argos_gitops.model.secret import SecretRef
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.catalogue import tls_content
from argos_gitops.providers.caddy.certificates import DEFAULT, OFF, for_themselves, manages_tls
from argos_gitops.providers.caddy.edge import (
    BouncerModule,
    bouncer_handler,
    bouncer_module,
    http_content,
    logging_content,
)
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.inlining import Inlining
from argos_gitops.providers.caddy.layout import Layout, Tree
from argos_gitops.providers.caddy.listeners import Needs
from argos_gitops.providers.caddy.own_probe import ProbeKeys, is_counted
from argos_gitops.providers.caddy.placement import hosts_of_route
from argos_gitops.providers.caddy.proxy import handlers
from argos_gitops.providers.caddy.routes import policy_of, routes, tls_of
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import Acme, CaddySettings

HostResource = Resource[HostSpec]
ServiceResource = Resource[ServiceSpec]


class Scene(NamedTuple):
    """What a host's content depends on beside the Host and its Services; `bouncer` is a handler."""

    server: str | None
    manages_tls: bool
    bouncer: Tree | None


class _Answer(NamedTuple):
    """A Service of some digest, compiled; `sealed`: secrets that Caddy cannot find stand in it."""

    digest: str
    handlers: tuple[Tree, ...]
    sealed: bool


@dataclass(frozen=True, slots=True)
class _Memo:
    host: HostResource
    services: tuple[ServiceResource, ...]
    scene: Scene
    probe_key: str | None
    compiled: ManagedObject


class Compiler:
    """Compiles for one Edge. What did not change since the last call is taken from memory."""

    def __init__(
        self,
        edge: AnyResource,
        settings: CaddySettings,
        inlining: Inlining | None = None,
        probe_keys: ProbeKeys | None = None,
    ) -> None:
        """`inlining` puts values in the place of secrets that Caddy cannot find by itself; with `probe_keys`
        our probes pass by what counts requests."""
        self._inlining = inlining
        self._probe_keys = probe_keys
        self._sealed = bool(sealed_uses(settings.acme))
        self._edge = edge
        self._settings = settings
        self._bouncer = bouncer_module(edge.spec)
        self._bouncer_handler = bouncer_handler(edge)
        self._hosts: dict[str, _Memo] = {}
        self._apart: dict[str, ManagedObject] = {}
        self._answers: dict[str, _Answer] = {}

    def compile(self, resources: ResourceSet, live: Layout) -> dict[str, ManagedObject]:
        """Every object that should exist, by id.

        Of the live side only servers of others matter: whether Caddy manages TLS there, and whether
        the bouncer's app is theirs.
        """
        hosts = hosts_of(self._edge.name, resources)
        scene = self._scene(live)
        services = resources.of(ServiceSpec)
        memos = {name: self._host(host, services, scene, live) for name, host in hosts.items()}
        self._hosts = memos
        found = {memo.compiled.id: memo.compiled for memo in memos.values()}
        self._apart = {each.id: each for each in self._with_policies(memos, self._automate(live))}
        found |= self._apart
        for object_id, content in self._edge_objects(hosts, live):
            found[object_id] = ManagedObject(
                object_id,
                self._edge.key,
                self._inlined(content),
                location=self._edge.location,
                protected=self._edge.protected,
            )
        return found

    def _inlined(self, content: Any) -> Any:
        """A whole content with its secrets in it; itself where there are none."""
        if self._inlining is None:
            return content
        filled = self._inlining.filled(content)
        if filled is not content:
            self._inlining.learn(filled)
        return filled

    def compiled_content(self, object_id: str) -> Any:
        """What was last compiled for a host, so that an equal live content need not be kept twice."""
        apart, memo = self._apart.get(object_id), self._hosts.get(object_id.removeprefix("host/"))
        if apart is not None:
            return apart.content
        return None if memo is None else memo.compiled.content

    def _scene(self, live: Layout) -> Scene:
        server = self._settings.server
        managed = server is None or manages_tls(live.servers.get(server, {}), live.http)
        return Scene(server, managed, self._bouncer_handler)

    def _probe_key(self, host: HostResource, live: Layout) -> str | None:
        """None for a Host that counts nothing: a probe is a visitor there."""
        if self._probe_keys is None or not is_counted(host.spec):
            return None
        return self._probe_keys.of(host.name, live)

    def _host(
        self, host: HostResource, services: Mapping[str, ServiceResource], scene: Scene, live: Layout
    ) -> _Memo:
        memo = self._hosts.get(host.name)
        if (
            memo is not None
            and memo.scene == scene
            and _same(memo.host, host)
            and _all_same(memo.services, services)
            and (memo.probe_key is None or memo.probe_key == self._probe_key(host, live))
        ):
            return memo
        used = tuple([services[name] for name in host.spec.services])
        probe_key = self._probe_key(host, live)
        content = self._host_content(host, used, scene, probe_key)
        if self._sealed or sealed_uses(host.spec) or any(self._answer(each).sealed for each in used):
            content = self._inlined(content)
        compiled = ManagedObject(
            marks.host_object(host.name), host.key, content, location=host.location, protected=host.protected
        )
        return _Memo(host, used, scene, probe_key, compiled)

    def _host_content(
        self, host: HostResource, used: Iterable[ServiceResource], scene: Scene, probe_key: str | None
    ) -> Tree:
        spec = host.spec
        own = marks.PLAIN_SERVER if spec.plain else marks.TLS_SERVER
        tls = tls_of(spec.tls, self._settings)
        answers = {service.name: self._answer(service).handlers for service in used}
        return {
            "server": scene.server or own,
            "routes": routes(host.name, spec, answers, scene.bouncer if spec.bouncer else None, probe_key),
            "tls": tls if scene.manages_tls or "files" in tls else OFF,
        }

    def _answer(self, service: ServiceResource) -> _Answer:
        """One proxy per Service: hosts of the same Service share it in memory."""
        known = self._answers.get(service.name)
        if known is None or known.digest != service.digest:
            known = _Answer(service.digest, handlers(service.spec), bool(sealed_uses(service.spec)))
            self._answers[service.name] = known
        return known

    def _edge_objects(self, hosts: Mapping[str, HostResource], live: Layout) -> Iterator[tuple[str, Any]]:
        settings = self._settings
        if settings.server is None:
            yield from _said(marks.EDGE_HTTP, http_content(settings, needs_of(hosts)))
        yield from _said(marks.EDGE_TLS, tls_content(self._default_policy(), {}, self._automate(live)))
        yield from _said(marks.EDGE_LOGGING, logging_content(settings))
        yield from _said(marks.EDGE_STORAGE, settings.storage)
        if self._bouncer is not None and any(host.spec.bouncer for host in hosts.values()):
            yield from _said(marks.CROWDSEC_APP, self._bouncer_app(self._bouncer, live))

    def _with_policies(self, memos: Mapping[str, _Memo], names: Collection[str]) -> Iterator[ManagedObject]:
        """Hosts under the default policy that must be named in one, or that of a wildcard would hold."""
        wanted = frozenset(names)
        policy = policy_of(self._settings.acme) or {}
        for memo in memos.values() if wanted else ():
            content = memo.compiled.content
            if content["tls"] == DEFAULT and not wanted.isdisjoint(memo.host.spec.domains):
                yield replace(memo.compiled, content=self._inlined({**content, "tls": {"policy": policy}}))

    def _automate(self, live: Layout) -> tuple[str, ...]:
        """With ownership `whole` nothing of others stays, so none of it serves our domains."""
        contents = {name: memo.compiled.content for name, memo in self._hosts.items()}
        if self._settings.whole:
            return for_themselves(contents, (), unknown=False)
        routes = (route for each in live.routes.values() for route in each)
        others = (domain for route in routes for domain in hosts_of_route(route) if domain.startswith("*."))
        return for_themselves(contents, others, unknown=bool(live.tls.get("certificates")))

    def _default_policy(self) -> Tree | None:
        """None where no host would use it."""
        used = any(memo.compiled.content["tls"] == DEFAULT for memo in self._hosts.values())
        return policy_of(self._settings.acme) if used else None

    def _bouncer_app(self, bouncer: BouncerModule, live: Layout) -> Tree | None:
        """Marked where others configure Caddy too; the app of theirs, if there is one, serves as it is."""
        if self._settings.whole:
            return bouncer.app(marked=False)
        theirs = live.apps.get("crowdsec")
        if theirs is not None and theirs.get("@id") != marks.CROWDSEC_MARK:
            return None
        return bouncer.app(marked=True)


def files_of(edge: AnyResource, settings: CaddySettings, hosts: Iterable[HostResource]) -> set[str]:
    """The files of secrets that Caddy reads when it loads: DNS credentials, the bouncer's key, hashes of
    passwords."""
    bouncer = bouncer_module(edge.spec)
    found = set() if bouncer is None else {bouncer.key.file}
    found |= {secret.file for secret in _secrets(settings.acme)}
    for host in hosts:
        if host.spec.tls.dns is not None:
            found |= {secret.file for secret in _secrets(host.spec.tls)}
        if host.spec.basic_auth is not None or host.spec.rules:
            found |= {secret.file for secret in _hashes(host.spec)}
    return {path for path in found if path is not None}


def _secrets(acme: Acme) -> Iterator[SecretRef]:
    options = {} if acme.dns is None else acme.dns.options
    return (each for each in options.values() if isinstance(each, SecretRef))


def _hashes(host: HostSpec) -> Iterator[SecretRef]:
    for part in host.parts:
        users = {} if part.basic_auth is None else part.basic_auth.users
        yield from (each for each in users.values() if isinstance(each, SecretRef))


def hosts_of(edge: str, resources: ResourceSet) -> dict[str, HostResource]:
    """The enabled Hosts of an Edge."""
    return {
        name: host
        for name, host in resources.of(HostSpec).items()
        if host.spec.edge == edge and host.spec.enabled
    }


def needs_of(hosts: Mapping[str, HostResource]) -> Needs:
    plain = [host.spec.plain for host in hosts.values()]
    return Needs(tls=not all(plain), plain=any(plain))


def _same(known: Resource[Any], found: Resource[Any]) -> bool:
    return known is found or (known.digest == found.digest and known.location == found.location)


def _all_same(known: tuple[ServiceResource, ...], found: Mapping[str, ServiceResource]) -> bool:
    """Whether each of them is still found as it was."""
    for service in known:
        now = found.get(service.key.name)
        if now is None or not _same(service, now):
            return False
    return True


def _said(object_id: str, content: Any) -> Iterator[tuple[str, Any]]:
    if content:
        yield object_id, content
