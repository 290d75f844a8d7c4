"""Which route of others answers in the place of a Host. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.listeners import Address, addresses_of
from argos_gitops.providers.caddy.placement import answers_any_host, hosts_of_route, passes_on

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Rival:
    """A route of somebody else in Caddy's configuration: where it stands, and what hosts it names."""

    path: str
    hosts: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.path} of Caddy's configuration ({self._for})"

    @property
    def _for(self) -> str:
        return f"a route for {', '.join(self.hosts)}" if self.hosts else "a route for every host"


def shadowed(layout: Layout, domains: Mapping[str, Sequence[str]], server: str | None) -> dict[str, str]:
    """Hosts that a route of others with the same domain stands in front of, with the first such domain.

    `domains` are those of the Hosts, `server` is the one that they go into; None means where they are.
    Routes that may answer for hosts which they do not name are no matter here: ours go before them.
    """
    if not any(layout.routes.values()):
        return {}
    taken = {name: _taken(routes) for name, routes in layout.routes.items()}
    found: dict[str, str] = {}
    for name, wanted in domains.items():
        live = layout.hosts.get(name)
        where = live["server"] if live is not None and server is None else server
        theirs = taken.get(where or "", frozenset())
        first = next((domain for domain in wanted if domain in theirs), None)
        if first is not None:
            found[name] = first
    return found


def _taken(routes: Sequence[Any]) -> frozenset[str]:
    """The exact domains that are answered before the place of our routes."""
    found: set[str] = set()
    for route in routes:
        if answers_any_host(route):
            break
        if not passes_on(route):
            found |= {host for matcher in route.get("match") or () for host in _whole(matcher)}
    return frozenset(found)


def _whole(matcher: Tree) -> Iterator[str]:
    """The hosts that a matcher takes every request for."""
    return (host.lower() for host in (matcher.get("host") or () if matcher.keys() == {"host"} else ()))


def rival(tree: Tree, name: str, domain: str, address: Address | None) -> Rival | None:
    """The first route in front of that of the Host `name` which may answer for a domain at an address.

    `tree` is a whole configuration. Without an address every server is looked at. A server that listens
    on just this address comes before one that listens on all, as the system takes it first.
    """
    servers = ((tree.get("apps") or {}).get("http") or {}).get("servers") or {}
    distances = ((_distance(server, address), server_name) for server_name, server in servers.items())
    near = [(distance, server_name) for distance, server_name in distances if distance is not None]
    for _, server_name in sorted(near):
        for index, route in enumerate(servers[server_name].get("routes") or ()):
            if marks.host_of_route(route) == name:
                return None
            if _may_answer(route, domain):
                path = f"apps/http/servers/{server_name}/routes/{index}"
                return Rival(path, tuple(hosts_of_route(route)))
    return None


def _distance(server: Tree, address: Address | None) -> int | None:
    """0 for a server at just this address, 1 for one that listens on all of them, None for neither."""
    if address is None:
        return 0
    found = [each for each in addresses_of(server.get("listen") or ()) if each.port == address.port]
    if any(each.host == address.host for each in found):
        return 0
    return 1 if any(each.everywhere for each in found) else None


def _may_answer(route: Any, domain: str) -> bool:
    if passes_on(route):
        return False
    return any(_fits(matcher.get("host"), domain) for matcher in route.get("match") or [{}])


def _fits(hosts: Sequence[str] | None, domain: str) -> bool:
    return hosts is None or any(_is_for(host.lower(), domain) for host in hosts)


def _is_for(host: str, domain: str) -> bool:
    """Label by label, as Caddy compares them; what a placeholder stands for nobody knows here."""
    labels, wanted = host.split("."), domain.split(".")
    if "{" in host:
        return True
    return len(labels) == len(wanted) and all(
        each in ("*", other) for each, other in zip(labels, wanted, strict=True)
    )
