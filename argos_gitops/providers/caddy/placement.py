"""Where our routes stand among each other and among those of others.

Caddy tries routes from first to last, and ours end there (`terminal`). So exact domains come before
wildcards, and both before the first route of others that may answer for any host.
"""

from collections.abc import Iterable, Sequence
from typing import Any

_PASSING = """
    appsec crowdsec encode headers intercept log_append map metrics rate_limit request_body rewrite
    tracing uri vars waf
    """.split()  # noqa: SIM905 # a list of words is read as words
"""Handlers that pass a request on, so that a route made of them alone answers nobody."""


def arranged(others: Sequence[Any], ours: Iterable[Any]) -> list[Any]:
    """Both in one list; the order among others' routes stays."""
    routes = list(others)
    place = next((index for index, route in enumerate(routes) if answers_any_host(route)), len(routes))
    return [*routes[:place], *sorted(ours, key=_order), *routes[place:]]


def misplaced(routes: Sequence[Any], owners: Sequence[str | None]) -> frozenset[int]:
    """Indices of our routes that stand behind one that may answer in their place.

    `owners` names the Host of each route, None for those of others.
    """
    behind_wildcard = behind_all = False
    found = set()
    for index, (route, owner) in enumerate(zip(routes, owners, strict=True)):
        if owner is None:
            behind_all = behind_all or answers_any_host(route)
        elif behind_all or (behind_wildcard and not _is_wildcard(route)):
            found.add(index)
        else:
            behind_wildcard = behind_wildcard or _is_wildcard(route)
    return frozenset(found)


def hosts_of_route(route: Any) -> list[str]:
    """What a route's host matchers name."""
    found: list[str] = []
    for matcher in route.get("match") or ():
        found += matcher.get("host") or ()
    return found


def domains(content: dict[str, Any]) -> tuple[str, ...]:
    """The domains that the routes of a host's content match."""
    routes = content["routes"]
    if len(routes) == 1:
        return tuple(hosts_of_route(routes[0]))
    return tuple(domain for route in routes for domain in hosts_of_route(route))


def answers_any_host(route: Any) -> bool:
    """Whether a route may end a request for a host that it does not name exactly."""
    matchers = route.get("match") or [{}]
    open_to_all = any(_matches_unnamed(matcher) for matcher in matchers)
    return open_to_all and not passes_on(route)


def _matches_unnamed(matcher: dict[str, Any]) -> bool:
    hosts = matcher.get("host")
    return hosts is None or any("*" in host or "{" in host for host in hosts)


def passes_on(route: Any) -> bool:
    """Whether a route answers nobody, so that a request goes on to the next."""
    handlers = route.get("handle") or []
    return not route.get("terminal") and all(handler.get("handler") in _PASSING for handler in handlers)


def _is_wildcard(route: Any) -> bool:
    return any("*" in host for host in hosts_of_route(route))


def _order(route: Any) -> tuple[bool, str]:
    return _is_wildcard(route), route["@id"]
