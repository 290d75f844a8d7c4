"""Rules across resources that a schema cannot say. Pure; each problem names both places."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import AnyResource, Resource, ResourceSet
from argos_gitops.ports.provider import Check
from argos_gitops.providers.caddy.answers import Redirect
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.listeners import Address, Listeners, Needs, listeners, parse_address
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings

_EDGE = "Edge"
_SELF = ("localhost", "127.", "[::1]", "0.0.0.0", "[::]")  # noqa: S104 # recognised, not bound


def distinct_domains(resources: ResourceSet) -> Iterator[Problem]:
    """DuplicateDomain: one domain on two Hosts of one Edge. A wildcard beside an exact name is fine.

    So is one that is served with TLS beside one without, but in a server of others, where all are one.
    """
    mixed = {edge.name for edge, settings in _settings(resources) if settings.server is not None}
    seen: dict[tuple[str, bool, str], Resource[HostSpec]] = {}
    for host in _enabled(resources):
        apart = host.spec.plain and host.spec.edge not in mixed
        for domain in host.spec.domains:
            first = seen.setdefault((host.spec.edge, apart, domain), host)
            if first is not host:
                yield Problem(
                    host.location,
                    "DuplicateDomain",
                    f"{host.key} serves {domain} on Edge/{host.spec.edge}, and so does {first.key} "
                    f"({first.location}); take it out of one of them",
                )


def rules_that_are_reached(resources: ResourceSet) -> Iterator[Problem]:
    """UnreachableRule: a rule stands behind one that is for every request."""
    for host in _enabled(resources):
        for number, rule in enumerate(host.spec.rules[:-1]):
            if rule.match is None:
                yield Problem(
                    host.location,
                    "UnreachableRule",
                    f"{host.key}: spec.rules[{number}] is for every request, so spec.rules[{number + 1}] "
                    "never gets one; put it last, or give it a match",
                )
                break


def no_loops(resources: ResourceSet) -> Iterator[Problem]:
    """UpstreamLoop: a target of a Service is the listener of an Edge that sends requests to it."""
    services = resources.of(ServiceSpec)
    for edge, settings, hosts in _edges(resources):
        found = _listeners(settings, hosts)
        domains = {domain for host in hosts for domain in host.spec.domains}
        for name, users in _by_service(hosts).items():
            service = services[name]
            for address in _addresses(service):
                if _loops(address, found, domains):
                    yield from (_loop(service, host, address, edge) for host in users)


def weights_that_work(resources: ResourceSet) -> Iterator[Problem]:
    """NoTargetUsed: all weights are 0. WeightsIgnored: a policy other than round_robin knows no weights."""
    for service in resources.of(ServiceSpec).values():
        spec = service.spec
        if not spec.used_targets:
            yield Problem(
                service.location,
                "NoTargetUsed",
                f"all targets of {service.key} have weight 0; give one of them a positive weight",
            )
        elif spec.weighted and spec.load_balancing.policy != "round_robin":
            yield Problem(
                service.location,
                "WeightsIgnored",
                f"{service.key} has different weights, which policy {spec.load_balancing.policy} does not "
                "know; use round_robin, or equal weights",
            )


def listeners_for_hosts(resources: ResourceSet) -> Iterator[Problem]:
    """NoListener: a Host asks for HTTPS, or for plain HTTP, and its Edge listens for none of it."""
    for edge, settings, hosts in _edges(resources):
        if settings.server is not None:
            continue
        found = _listeners(settings, hosts)
        for host in hosts:
            if not (found.plain if host.spec.plain else found.tls):
                scheme = "HTTP" if host.spec.plain else "HTTPS"
                yield Problem(
                    host.location,
                    "NoListener",
                    f"{host.key} has tls mode {host.spec.tls.mode}, but {edge.key} ({edge.location}) has no "
                    f"{scheme} listener; add {scheme.lower()}://:8000 or the like to caddy.listen",
                )


def admin_apart(resources: ResourceSet) -> Iterator[Problem]:
    """ListenOnAdmin: the edge would take its visitors' requests where the admin API is."""
    for edge, settings, hosts in _edges(resources):
        parts = urlsplit(settings.admin_url)
        if parts.port is None or settings.server is not None:
            continue
        admin = Address(parts.hostname or "", parts.port)
        found = _listeners(settings, hosts)
        for address in (*found.tls, *found.plain):
            if _meet(address, admin):
                yield Problem(
                    edge.location,
                    "ListenOnAdmin",
                    f"{edge.key} listens on {address}, where its admin API {settings.admin_url} is; visitors "
                    "would reach it: use another port",
                )


def one_edge_per_caddy(resources: ResourceSet) -> Iterator[Problem]:
    """SharedCaddy: two Edges write to one Caddy, and each would undo what the other did."""
    seen: dict[str, AnyResource] = {}
    for edge, settings in _settings(resources):
        first = seen.setdefault(settings.admin_url.rstrip("/"), edge)
        if first is not edge:
            yield Problem(
                edge.location,
                "SharedCaddy",
                f"{edge.key} has the adminUrl of {first.key} ({first.location}); one Caddy is one Edge",
            )


def no_redirect_to_itself(resources: ResourceSet) -> Iterator[Problem]:
    """RedirectLoop: a Host, or a rule of it, redirects to the very place that was asked for."""
    for host in _enabled(resources):
        if host.spec.redirect is None and not host.spec.rules:
            continue
        alone = not host.spec.rules
        rules = [rule.redirect for rule in host.spec.rules if rule.rewrite is None]
        for redirect in (host.spec.redirect, *rules):
            if redirect is not None and _leads_back(host.spec, redirect, alone):
                yield Problem(
                    host.location,
                    "RedirectLoop",
                    f"{host.key} redirects to {redirect.base}, which is itself; name another domain",
                )


def wildcards_that_can_be_had(resources: ResourceSet) -> Iterator[Problem]:
    """WildcardNeedsDns: a public CA gives a certificate for a wildcard only after the dns challenge.

    Among policies of others there may be one that does it.
    """
    for edge, settings, hosts in _edges(resources):
        for host in hosts:
            tls = host.spec.tls
            wildcard = next((domain for domain in host.spec.domains if domain.startswith("*.")), None)
            if wildcard is None or tls.mode != "auto":
                continue
            internal = settings.certificates == "internal" and not tls.given()
            theirs = not settings.whole and not tls.given() and not settings.acme.given()
            challenge = tls.challenge or settings.acme.challenge
            if not internal and not theirs and challenge != "dns":
                yield Problem(
                    host.location,
                    "WildcardNeedsDns",
                    f"{host.key} serves {wildcard} with a certificate of a public CA, which gives one for a "
                    "wildcard only after the dns challenge; set tls.challenge dns with tls.dns (or in "
                    f"caddy.acme of {edge.key}, {edge.location}), or tls.mode internal or manual",
                )


CHECKS: tuple[Check, ...] = (
    distinct_domains,
    no_loops,
    weights_that_work,
    listeners_for_hosts,
    admin_apart,
    one_edge_per_caddy,
    no_redirect_to_itself,
    rules_that_are_reached,
    wildcards_that_can_be_had,
)


def _enabled(resources: ResourceSet) -> Iterator[Resource[HostSpec]]:
    return (host for host in resources.of(HostSpec).values() if host.spec.enabled)


def _settings(resources: ResourceSet) -> Iterator[tuple[AnyResource, CaddySettings]]:
    for edge in resources.of_kind(_EDGE).values():
        section = getattr(edge.spec, "caddy", None)
        if isinstance(section, CaddySettings):
            yield edge, section


def _edges(
    resources: ResourceSet,
) -> Iterator[tuple[AnyResource, CaddySettings, list[Resource[HostSpec]]]]:
    by_edge: dict[str, list[Resource[HostSpec]]] = {}
    for host in _enabled(resources):
        by_edge.setdefault(host.spec.edge, []).append(host)
    for edge, settings in _settings(resources):
        yield edge, settings, by_edge.get(edge.name, [])


def _listeners(settings: CaddySettings, hosts: Iterable[Resource[HostSpec]]) -> Listeners:
    plain = [host.spec.plain for host in hosts]
    return listeners(settings, Needs(tls=not all(plain), plain=any(plain)))


def _leads_back(host: HostSpec, redirect: Redirect, alone: bool) -> bool:
    """`alone`: all requests are redirected, so that one to another page comes back too."""
    parts = urlsplit(redirect.base)
    if parts.netloc:
        here = parts.netloc == "{http.request.host}" or (parts.hostname or "").lower() in host.domains
        scheme = "http" if host.plain else "https"
        if not here or parts.scheme != scheme or ":" in parts.netloc.replace("{http.request.host}", ""):
            return False
    return alone or (redirect.preserve_path and parts.path in ("", "/"))


def _by_service(hosts: Iterable[Resource[HostSpec]]) -> Mapping[str, list[Resource[HostSpec]]]:
    """The Hosts that use each Service: there may be thousands of them for one."""
    users: dict[str, list[Resource[HostSpec]]] = {}
    for host in hosts:
        for service in host.spec.services:
            known = users.setdefault(service, [])
            if not known or known[-1] is not host:
                known.append(host)
    return users


def _addresses(service: Resource[ServiceSpec]) -> list[Address]:
    addresses = (target.address for target in service.spec.used_targets)
    return [parse_address(address) for address in addresses if not address.startswith("unix/")]


def _loop(
    service: Resource[ServiceSpec], host: Resource[HostSpec], address: Address, edge: AnyResource
) -> Problem:
    return Problem(
        service.location,
        "UpstreamLoop",
        f"{service.key} sends requests for {host.key} ({host.location}) to {address}, where "
        f"{edge.key} ({edge.location}) itself listens; name the server behind it",
    )


def _loops(address: Address, found: Listeners, domains: set[str]) -> bool:
    if any(_meet(listener, address) for listener in (*found.tls, *found.plain)):
        return True
    ports = {listener.port for listener in (*found.tls, *found.plain)}
    return address.host.lower() in domains and address.port in ports


def _meet(listener: Address, other: Address) -> bool:
    """Whether a connection to `other`, made on the listener's machine, ends at the listener."""
    if listener.port != other.port:
        return False
    return listener.host == other.host or (_is_here(other) and (listener.everywhere or _is_here(listener)))


def _is_here(address: Address) -> bool:
    return address.host.startswith(_SELF)
