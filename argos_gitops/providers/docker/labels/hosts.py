"""All routers of one Edge as Host documents: a Host for the domains that are answered alike.

In Traefik every router is tried for every request, in the order of their ranks, whichever container or
Stack it is from. So the rules of a domain are those of all routers that may be for it, in that order.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from argos_gitops.providers.docker.labels.actions import Branch, Scene
from argos_gitops.providers.docker.labels.conditions import (
    Condition,
    conjoined,
    domains_in,
    for_domain,
    match_of,
)
from argos_gitops.providers.docker.labels.label import Complaints, LabelCode, RefusedError
from argos_gitops.providers.docker.labels.middlewares import Middleware, applied
from argos_gitops.providers.docker.labels.redirects import redirected
from argos_gitops.providers.docker.labels.routers import Router

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Route:
    """A router that can be translated, with the middlewares that it may name.

    `redirects`: it sends plain HTTP to HTTPS for good and does nothing else, so that it says nothing of
    domains that are served over HTTPS, for which the Edge does that by itself.
    """

    router: Router
    condition: Condition
    middlewares: Mapping[str, Middleware]
    redirects: bool = False

    def branches(self, domain: str, wanted: Condition) -> Sequence[Branch]:
        scene = Scene(domain, self.router.secure, match_of(wanted))
        return _applied(self.router, self.middlewares, scene)


@dataclass(frozen=True, slots=True)
class DerivedHost:
    """`spec` lacks the edge; `routes` are those that it is made of, the one that it is named after first."""

    routes: tuple[Route, ...]
    domains: tuple[str, ...]
    spec: Tree


def _applied(router: Router, middlewares: Mapping[str, Middleware], scene: Scene) -> Sequence[Branch]:
    if router.redirected is not None:
        return redirected(Branch(), {"scheme": "https"}, permanent=router.redirected)
    return applied(router.middlewares, middlewares, scene)


Service = Callable[[Route], str]
"""The name of the Service document that answers for a route; refuses where there is none."""


def only_redirects(router: Router, middlewares: Mapping[str, Middleware]) -> frozenset[int]:
    """The statuses with which it sends plain HTTP to HTTPS; none where it does anything else."""
    if router.secure:
        return frozenset()
    try:
        branches = _applied(router, middlewares, Scene("", tls=False, wanted=None))
    except RefusedError:
        return frozenset()
    answers = [branch.action.answer.get("redirect", {}) for branch in branches]
    alone = all(answer.get("scheme") == "https" and "port" not in answer for answer in answers)
    return frozenset(answer["status"] for answer in answers) if alone else frozenset()


def hosts_of(
    routes: Sequence[Route], service: Service, complaints: Complaints, everywhere: Router | None = None
) -> Iterator[DerivedHost]:
    """The Hosts of one Edge in the order of their first domains. A domain has two where routers for plain
    HTTP do more than the Edge does by itself.

    `everywhere` sends plain HTTP to HTTPS for any domain.
    """
    secure = _Named(route for route in routes if route.router.secure)
    plain = _Named(route for route in routes if not route.router.secure)
    alike: dict[str, DerivedHost] = {}
    for domain in sorted(secure.domains | plain.domains):
        serving = [route for route in plain.of(domain) if not route.redirects]
        for listening in _listening(domain, secure, plain, serving):
            with complaints.heard():
                if listening is plain and domain in secure.domains and everywhere is not None:
                    raise _both(serving[0], everywhere, domain)
                found = _host(domain, listening.trying(domain), service)
                form = repr((found.spec, [each.router.name for each in found.routes]))
                known = alike.get(form)
                alike[form] = found if known is None else replace(known, domains=(*known.domains, domain))
    return iter(alike.values())


def _listening(
    domain: str, secure: "_Named", plain: "_Named", serving: Sequence[Route]
) -> Iterator["_Named"]:
    """On which a domain gets a Host: a redirect beside a Host with TLS needs none."""
    if domain in secure.domains:
        yield secure
    if domain in plain.domains and (serving or domain not in secure.domains):
        yield plain


class _Named:
    """Routes by the domains that they name and may be for."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._routes: dict[str, list[Route]] = {}
        for route in sorted(routes, key=_rank):
            for domain in domains_in(route.condition):
                self._routes.setdefault(domain, []).append(route)
        self.domains = frozenset(domain for domain in self._routes if self.of(domain))

    def of(self, domain: str) -> list[Route]:
        """Those that name it, in Traefik's order."""
        named = self._routes.get(domain, ())
        return [route for route in named if for_domain(route.condition, domain) is not False]

    def trying(self, domain: str) -> list[Route]:
        """Those that Traefik would try: for it, or for the wildcard above it; no other is for it."""
        above = self._routes.get(f"*.{domain.partition('.')[2]}", ())
        named = self._routes.get(domain, ())
        return sorted({route.router.name: route for route in (*above, *named)}.values(), key=_rank)


def _rank(route: Route) -> tuple[int, str]:
    return route.router.rank


def _both(plain: Route, everywhere: Router, domain: str) -> RefusedError:
    return plain.router.label.refusal(
        LabelCode.CONFLICT,
        f"the router {plain.router.name} serves {domain} over plain HTTP, and {everywhere.name} "
        f"({everywhere.label.place()}) sends every domain to HTTPS; let that one name the domains",
    )


def _host(domain: str, ranked: Sequence[Route], service: Service) -> DerivedHost:
    """Named after the last router that names the domain: the one for whatever the others leave."""
    wanted = [(route, for_domain(route.condition, domain)) for route in ranked]
    used = [(route, condition) for route, condition in wanted if condition is not False]
    _distinct(used, domain)
    rules: list[Tree] = []
    compression = False
    for route, condition in used:
        for branch in route.branches(domain, condition):
            rules.append(_rule(route, condition, branch, service))
            compression = compression or branch.action.compression
        if "match" not in rules[-1]:
            break
    routes = [route for route, _ in used]
    main = next(route for route in reversed(routes) if domain in domains_in(route.condition))
    spec: Tree = {"tls": {"mode": "auto" if main.router.secure else "off"}, **_answering(rules)}
    if compression:
        spec["compression"] = True
    return DerivedHost((main, *(route for route in routes if route is not main)), (domain,), spec)


def _distinct(used: Sequence[tuple[Route, Condition]], domain: str) -> None:
    """Refuses routers between which Traefik would choose by chance."""
    seen: dict[tuple[str, int], Route] = {}
    for route, condition in used:
        first = seen.setdefault((repr(condition), route.router.priority), route)
        if first is not route:
            raise route.router.label.refusal(
                LabelCode.CONFLICT,
                f"the router {route.router.name} answers the same requests for {domain} as "
                f"{first.router.name} ({first.router.label.place()}), with the same priority; change the "
                "rule or the priority of one",
            )


def _rule(route: Route, wanted: Condition, branch: Branch, service: Service) -> Tree:
    match = conjoined(match_of(wanted), *branch.matches)
    rule = {} if match is None else {"match": match}
    rule |= branch.action.document()
    return rule if branch.ended else {**rule, "service": service(route)}


def _answering(rules: Sequence[Tree]) -> Tree:
    """What is said of every request needs no rule, unless it rewrites, which rules alone can."""
    if len(rules) == 1 and not rules[0].keys() & {"match", "rewrite"}:
        return dict(rules[0])
    return {"rules": list(rules)}
