"""What the labels of all Stacks on one Edge declare together: names are looked up among all of them.

Source: Traefik's docker provider merges what its containers declare, and drops what contradicts itself;
here a contradiction is a problem.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import API_VERSION, DERIVED_ANNOTATION
from argos_gitops.ports.provider import Derived
from argos_gitops.providers.docker.labels.balancers import Member, service_spec
from argos_gitops.providers.docker.labels.conditions import Condition, for_domain
from argos_gitops.providers.docker.labels.entrypoints import default_rule, entry_points, skips_verification
from argos_gitops.providers.docker.labels.hosts import DerivedHost, Route, hosts_of, only_redirects
from argos_gitops.providers.docker.labels.label import Complaints, LabelCode, RefusedError
from argos_gitops.providers.docker.labels.middlewares import Middleware
from argos_gitops.providers.docker.labels.reach import Ways
from argos_gitops.providers.docker.labels.reading import Labelled
from argos_gitops.providers.docker.labels.routers import Router, Surrounding, router_of
from argos_gitops.providers.docker.labels.static import Configuration


@dataclass(frozen=True, slots=True)
class Labels:
    """What one Stack says: its enabled services, the entry points it knows, and the ways to its ports."""

    stack: str
    services: tuple[Labelled, ...]
    entry_points: Mapping[str, str]
    ways: Ways
    bouncer: bool
    traefik: Configuration | None = None


@dataclass(slots=True)
class _Balancer:
    """A load balancer: what its Service is called, and who is behind it."""

    name: str
    members: list[Member]


@dataclass(slots=True)
class EdgeRoutes:
    """Gathers all that is declared for one Edge; `documents` then says what follows."""

    edge: str
    redirects: bool
    """Whether the Edge sends plain HTTP to HTTPS by itself."""
    complaints: Complaints
    _balancers: dict[str, _Balancer] = field(default_factory=dict)
    _middlewares: dict[str, Middleware] = field(default_factory=dict)
    _routers: dict[str, tuple[Router, list[str]]] = field(default_factory=dict)
    _bouncers: set[str] = field(default_factory=set)
    _everywhere: Router | None = None

    def add(self, labels: Labels) -> None:
        """Takes in one Stack."""
        if labels.bouncer:
            self._bouncers.add(labels.stack)
        self._middlewares.update(labels.traefik.middlewares if labels.traefik is not None else {})
        for service in labels.services:
            for name, options in service.middlewares.items():
                with self.complaints.heard():
                    self._add_middleware(Middleware(name, options))
            names = self._add_balancers(service, labels)
            for name, options in service.routers.items():
                with self.complaints.heard():
                    around = _surrounding(service, labels, ruled="rule" in options)
                    self._add_router(router_of(name, labels.stack, options, around), names)

    def documents(self) -> Iterator[Derived]:
        """Hosts, and the Services that they use."""
        taken: set[str] = set()
        names = {name: _free(_valid(each.name), taken) for name, each in sorted(self._balancers.items())}
        used: dict[str, str] = {}
        routes = list(self._routes())

        def service(route: Route) -> str:
            name = self._balancer_of(route.router)
            used[name] = names[name]
            return names[name]

        hosts: set[str] = set()
        for host in hosts_of(routes, service, self.complaints, self._everywhere):
            yield self._host_document(host, hosts)
        for name in sorted(used):
            with self.complaints.heard():
                yield self._service_document(self._balancers[name], used[name])
        self.complaints.warnings.extend(_led_to_by_nobody(self._balancers, used))

    def _add_middleware(self, middleware: Middleware) -> None:
        known = self._middlewares.setdefault(middleware.name, middleware)
        if not known.same_as(middleware):
            raise middleware.label.refusal(
                LabelCode.CONFLICT,
                f"the middleware {middleware.name} is something else at {known.label.place()}; rename one",
            )

    def _add_balancers(self, service: Labelled, labels: Labels) -> list[str]:
        """The names of the load balancers that a container declares; without any, Traefik makes one."""
        label = service.configured
        if label is None:
            return []
        verified = labels.traefik is None or not skips_verification(labels.traefik)
        declared = service.services or {f"{service.name}-{labels.ways.project}": {}}
        for name, options in declared.items():
            own = next(iter(options.values()), label)
            shown = name if service.services else service.name
            known = self._balancers.setdefault(name.lower(), _Balancer(f"{labels.stack}-{shown}", []))
            known.members.append(Member(labels.stack, service.name, options, own, labels.ways, verified))
        return list(declared)

    def _add_router(self, router: Router, balancers: list[str]) -> None:
        known, _ = self._routers.setdefault(router.name, (router, balancers))
        if known is not router and _values(known) != _values(router):
            raise router.label.refusal(
                LabelCode.CONFLICT,
                f"the router {router.name} is something else at {known.label.place()}; rename one",
            )

    def _routes(self) -> Iterator[Route]:
        for router, _ in self._routers.values():
            with self.complaints.heard():
                route = self._route(router)
                if route is not None:
                    yield route

    def _route(self, router: Router) -> Route | None:
        """None for one that redirects whatever comes, which an Edge does for each domain that it serves."""
        statuses = only_redirects(router, self._middlewares) if self.redirects else frozenset()
        try:
            condition = router.condition()
            _bounded(router, condition)
        except RefusedError:
            if not statuses:
                raise
            self._everywhere = router
            return None
        return Route(router, condition, self._middlewares, statuses == {301, 308})

    def _balancer_of(self, router: Router) -> str:
        label = router.options.get("service")
        if label is None:
            return self._only_balancer(router)
        name, _, provider = label.value.lower().partition("@")
        if provider == "internal":
            raise label.untranslated(
                f"{label.value} is served by Traefik itself, which an Edge is not; remove the router, or set "
                "traefik.enable=false"
            )
        if provider not in ("", "docker", "swarm"):
            raise label.untranslated(
                f"the service is defined in Traefik's {provider} provider, which is not read; write the Host"
            )
        if name not in self._balancers:
            raise label.invalid(f"no service {name} is defined by labels")
        return name

    def _only_balancer(self, router: Router) -> str:
        """The one of its container, or the one of its own name, which Traefik would want to be told."""
        names = [name.lower() for name in self._routers[router.name][1]]
        if router.name in names:
            return router.name
        if len(names) != 1:
            raise router.label.invalid(
                f"its container has the services {', '.join(sorted(names))}; say which one the router "
                f"{router.name} leads to: traefik.http.routers.{router.name}.service"
            )
        return names[0]

    def _host_document(self, host: DerivedHost, taken: set[str]) -> Derived:
        first = host.routes[0].router
        name = _free(_valid(f"{first.stack}-{first.name}"), taken)
        stacks = list(dict.fromkeys(route.router.stack for route in host.routes))
        spec = {"edge": self.edge, "domains": list(host.domains), **host.spec, "ambiguousPaths": "clean"}
        if not self._bouncers.isdisjoint(stacks):
            spec["bouncer"] = True
        return _derived("Host", name, stacks, spec, first.label.place())

    def _service_document(self, balancer: _Balancer, name: str) -> Derived:
        spec = service_spec(balancer.members)
        stacks = list(dict.fromkeys(member.stack for member in balancer.members))
        return _derived("Service", name, stacks, spec, balancer.members[0].label.place())


def _surrounding(service: Labelled, labels: Labels, *, ruled: bool) -> Surrounding:
    schemes = {name.lower(): scheme for name, scheme in labels.entry_points.items()}
    if labels.traefik is None:
        return Surrounding(schemes, {})
    rule = None
    if not ruled:
        rule = default_rule(labels.traefik, service.service, service.name, labels.ways.project)
    return Surrounding(schemes, entry_points(labels.traefik), rule)


def _led_to_by_nobody(balancers: Mapping[str, _Balancer], used: Mapping[str, str]) -> Iterator[Problem]:
    """Warnings for services that labels declare and no router names; Traefik's default rule would."""
    for name in sorted(balancers.keys() - used.keys()):
        for label in (member.label for member in balancers[name].members if member.options):
            refusal = label.refusal(
                LabelCode.NO_ROUTE,
                "no router leads to it, and Traefik's default rule names no domain; add one",
            )
            yield from refusal.problems


def _bounded(router: Router, condition: Condition) -> None:
    """Refuses a router that is for domains which it does not name: there is no Host for them."""
    if for_domain(condition, None) is not False:
        raise router.label.untranslated(
            f"the router {router.name} is for requests of any domain, and a Host has domains; say which: "
            "Host(`…`) in every alternative"
        )


def _derived(kind: str, name: str, stacks: list[str], spec: dict[str, object], location: Location) -> Derived:
    annotations = {DERIVED_ANNOTATION: ", ".join(f"Stack/{stack}" for stack in stacks)}
    document = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, "annotations": annotations},
        "spec": spec,
    }
    return Derived(document, location)


def _values(router: Router) -> dict[str, str]:
    return {option: label.value for option, label in router.options.items()}


def _valid(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:200].rstrip("-") or "route"


def _free(name: str, taken: set[str]) -> str:
    """The name, or with the first number that makes it unique."""
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}-{number}"
    taken.add(free)
    return free
