"""Caddy's configuration taken apart into what is each Host's, what is the Edge's and what is others'.

`take_apart` and `put_together` are inverse to each other up to the order of our own routes and lists,
and leave whatever is not ours exactly as it was. Both are pure and share structure with their input.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argos_gitops.model.claim import Claim
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.certificates import (
    Coverage,
    Members,
    Place,
    take_out_automate,
    take_out_tls,
    with_automate,
    with_tls,
    without_skipped,
)
from argos_gitops.providers.caddy.claiming import claim_route, without_claim
from argos_gitops.providers.caddy.placement import arranged, misplaced
from argos_gitops.providers.caddy.proof import with_proof, without_proof

Tree = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Layout:
    """One configuration in parts.

    `top` is all but `apps`; `apps` all but http and tls; `http` all but servers; `servers` hold no
    routes, those of others are in `routes` by server; `hosts` are contents by Host; `default_policy`
    is how certificates are got unless a Host says; `tls` is the tls app without anything of ours.
    `automate` are the domains of our Hosts for which Caddy gets a certificate although another one fits.
    `tokens` are what the routes of Hosts answer proofs to, `claim` is who writes. `present` names
    containers that stay even if they are empty.
    """

    top: Tree = field(default_factory=dict)
    apps: Tree = field(default_factory=dict)
    http: Tree = field(default_factory=dict)
    servers: Mapping[str, Tree] = field(default_factory=dict)
    routes: Mapping[str, list[Any]] = field(default_factory=dict)
    hosts: Mapping[str, Tree] = field(default_factory=dict)
    tokens: Mapping[str, str] = field(default_factory=dict)
    claim: Claim | None = None
    default_policy: Tree | None = None
    tls: Tree = field(default_factory=dict)
    automate: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()


def take_apart(tree: Tree | None) -> Layout:
    """The parts of a configuration as `GET /config/` gives it; None is that of a Caddy without any."""
    tree = tree or {}
    apps, http, servers, tls = _containers(tree)
    coverage = take_out_tls(tls)
    tokens: dict[str, str] = {}
    hosts, routes = _hosts(http, servers, coverage, tokens)
    automate, tls_of_others = take_out_automate(coverage.rest, hosts)
    return Layout(
        top=_without(tree, "apps"),
        apps=_without(apps, "http", "tls"),
        http=_without(http, "servers"),
        servers={
            name: without_skipped(_without_routes(server), name, hosts) for name, server in servers.items()
        },
        routes=routes,
        hosts=hosts,
        tokens=tokens,
        default_policy=coverage.default,
        tls=tls_of_others,
        automate=automate,
        present=frozenset(_present(tree, tls_of_others)),
    )


def put_together(layout: Layout, *, whole: bool) -> Tree:
    """The configuration that a layout stands for.

    `whole`: all of it is ours, so the default policy holds for every domain, not only for those of our
    Hosts, and containers that became empty go.
    """
    if whole:
        layout = replace(layout, present=frozenset())
    members = Members.of(layout.hosts, default=not whole and layout.default_policy is not None)
    servers = {name: _server(layout, name, members) for name in layout.servers}
    http = _joined(layout, "servers", layout.http, servers)
    tls = with_tls(layout.tls, layout.default_policy, members, catch_all=whole)
    tls = with_automate(tls, layout.automate)
    apps = {**layout.apps}
    for name, app in (("http", http), ("tls", tls)):
        if app or name in layout.present:
            apps[name] = app
    return _joined(layout, "apps", layout.top, apps)


def _containers(tree: Tree) -> tuple[Tree, Tree, dict[str, Tree], Tree]:
    apps = tree.get("apps") or {}
    http = apps.get("http") or {}
    return apps, http, http.get("servers") or {}, apps.get("tls") or {}


def _present(tree: Tree, tls_of_others: Tree) -> Iterator[str]:
    """The containers that would be there without us: what only holds what is ours goes with it."""
    apps, http, servers, tls = _containers(tree)
    if "servers" in http and (not servers or set(servers) - set(marks.OWN_SERVERS)):
        yield "servers"
    if "http" in apps and (not http or set(http) - {"servers"} or set(servers) - set(marks.OWN_SERVERS)):
        yield "http"
    if "tls" in apps and (not tls or tls_of_others):
        yield "tls"
    if "apps" in tree and not apps:
        yield "apps"


def _joined(layout: Layout, name: str, rest: Tree, inner: Tree) -> Tree:
    return {**rest, name: inner} if inner or name in layout.present else {**rest}


def _has_routes(server: Tree) -> bool:
    return isinstance(server.get("routes"), list)


def _without(tree: Tree, *keys: str) -> Tree:
    return {key: value for key, value in tree.items() if key not in keys}


def _without_routes(server: Tree) -> Tree:
    return _without(server, "routes") if _has_routes(server) else server


def _hosts(
    http: Tree, servers: Mapping[str, Tree], coverage: Coverage, tokens: dict[str, str]
) -> tuple[dict[str, Tree], dict[str, list[Any]]]:
    """Contents by Host, and the routes of others by server; `tokens` gets those of the Hosts."""
    hosts: dict[str, Tree] = {}
    others = {}
    for name, server in servers.items():
        if _has_routes(server):
            found = _collect(hosts, name, server["routes"], tokens)
            if found or not server["routes"]:
                others[name] = found
    places = {name: Place.of(name, server, http) for name, server in servers.items()}
    for name, content in hosts.items():
        content["tls"] = coverage.of_host(name, content, places[content["server"]])
    return hosts, others


def _collect(hosts: dict[str, Tree], server: str, routes: list[Any], tokens: dict[str, str]) -> list[Any]:
    """Routes of one host are one content, wherever they stand; what is out of place is told in it.

    Returns the routes of others.
    """
    routes = without_claim(routes)
    owners = [marks.host_of_route(route) for route in routes]
    displaced = misplaced(routes, owners)
    for index, (route, name) in enumerate(zip(routes, owners, strict=True)):
        if name is None:
            continue
        content = hosts.get(name)
        if content is None:
            content = hosts[name] = {"server": server, "routes": []}
        said, token = without_proof(route, name)
        if token is not None:
            tokens[name] = token
        content["routes"].append(said)
        if content["server"] != server:
            content["elsewhere"] = server
        if index in displaced:
            content["misplaced"] = True
    return [route for route, name in zip(routes, owners, strict=True) if name is None]


def _claimed_server(layout: Layout) -> str | None:
    """The server of the first Host; without any Host nothing is claimed."""
    return layout.hosts[min(layout.hosts)]["server"] if layout.hosts else None


def _server(layout: Layout, name: str, members: Members) -> Tree:
    server = members.skipping(name, layout.servers[name], layout.http)
    ours = (
        with_proof(route, host, layout.tokens.get(host))
        for host, content in layout.hosts.items()
        if content["server"] == name
        for route in content["routes"]
    )
    routes = arranged(layout.routes.get(name, ()), ours)
    if layout.claim is not None and name == _claimed_server(layout):
        routes.append(claim_route(layout.claim))
    return {**server, "routes": routes} if routes or name in layout.routes else server
