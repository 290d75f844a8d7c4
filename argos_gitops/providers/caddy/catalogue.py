"""A layout as objects with ids, and edits of single objects back into the layout.

host/<name>           one Host: its routes, the server they stand in, its part of the tls app
edge/http             our servers, and with ownership `whole` the rest of the http app
edge/tls              the default certificate policy, and with `whole` the rest of the tls app
edge/logging, edge/storage, config/<key>    blocks beside the apps (`whole` only)
app/<name>            other apps (`whole`, or marked as ours)
server/<name>, route/<server>/<digest>      servers and routes of others (`whole` only)
"""

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from argos_gitops.model.objects import Content, digest_of
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.certificates import pruned
from argos_gitops.providers.caddy.layout import Layout, Tree
from argos_gitops.providers.caddy.masking import masked

ADMIN = "admin"
_BLOCKS = {"logging": marks.EDGE_LOGGING, "storage": marks.EDGE_STORAGE}


class Item(NamedTuple):
    """One object that exists. `host` names its Host; `ours` is False for what only others can have made."""

    id: str
    content: Content
    host: str | None = None
    ours: bool = True


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Which parts of a layout are objects: all of them (`whole`), or those with a mark of ours."""

    whole: bool
    own_servers: bool

    def items(self, layout: Layout) -> Iterator[Item]:
        for name, content in layout.hosts.items():
            yield Item(marks.host_object(name), content, host=name)
        yield from self._edge(layout)
        if self.whole:
            yield from self._others(layout)

    def edited(self, layout: Layout, edits: Mapping[str, Content]) -> Layout:
        """The layout with some objects replaced; None takes one out."""
        rooms: dict[str, dict[str, Content]] = {}
        for object_id, content in edits.items():
            room, _, name = object_id.partition("/")
            rooms.setdefault(room, {})[name] = content
        edge = rooms.get("edge", {})
        hosts = _merged(layout.hosts, rooms.get("host", {}))
        servers = _unused(rooms.get("server", {}), hosts)
        layout = replace(
            layout,
            hosts=hosts,
            apps=_merged(layout.apps, rooms.get("app", {})),
            top=_merged(layout.top, {**rooms.get("config", {}), **_only(edge, _BLOCKS)}),
            routes=_routes_left(layout.routes, rooms.get("route", {}), rooms.get("server", {})),
            servers=_merged(layout.servers, servers),
        )
        if "http" in edge:
            layout = self._with_http(layout, edge["http"] or {})
        if "tls" in edge:
            layout = self._with_tls(layout, edge["tls"] or {})
        return layout

    def _edge(self, layout: Layout) -> Iterator[Item]:
        http = self._http(layout)
        if http:
            yield Item(marks.EDGE_HTTP, http)
        tls = self._tls(layout)
        if tls:
            yield Item(marks.EDGE_TLS, tls)
        for name, app in layout.apps.items():
            marked = isinstance(app, dict) and app.get("@id") == marks.CROWDSEC_MARK
            if self.whole or marked:
                yield Item(f"app/{name}", app, ours=marked)

    def _http(self, layout: Layout) -> Tree:
        own = {name: layout.servers[name] for name in marks.OWN_SERVERS if name in layout.servers}
        rest = layout.http if self.whole else {}
        if self.own_servers and own:
            return {**rest, "servers": own}
        return {**rest}

    def _tls(self, layout: Layout) -> Tree:
        return tls_content(layout.default_policy, pruned(layout.tls) if self.whole else {}, layout.automate)

    def _others(self, layout: Layout) -> Iterator[Item]:
        for key, block in layout.top.items():
            if key in _BLOCKS:
                yield Item(_BLOCKS[key], block)
            elif key != ADMIN:
                yield Item(f"config/{key}", block, ours=False)
        for name, server in layout.servers.items():
            routes = layout.routes.get(name, [])
            if name not in marks.OWN_SERVERS:
                yield Item(f"server/{name}", {**server, "routes": routes}, ours=False)
                continue
            for object_id, route in _routes_of_others(name, routes):
                yield Item(object_id, route, ours=False)

    def _with_http(self, layout: Layout, content: Tree) -> Layout:
        needed = {content["server"] for content in layout.hosts.values()}
        kept = {
            name: each
            for name, each in layout.servers.items()
            if name not in marks.OWN_SERVERS or name in needed
        }
        rest = {key: value for key, value in content.items() if key != "servers"}
        return replace(
            layout,
            http=rest if self.whole else layout.http,
            servers={**kept, **content.get("servers", {})},
        )

    def _with_tls(self, layout: Layout, content: Tree) -> Layout:
        rest = content.get("rest", {}) if self.whole else layout.tls
        automate = tuple(content.get("automate", ()))
        return replace(layout, default_policy=content.get("policy"), tls=rest, automate=automate)


def tls_content(policy: Tree | None, rest: Tree, automate: Sequence[str]) -> Tree:
    """The content of edge/tls; empty when there is nothing to say."""
    return {
        **({"policy": policy} if policy is not None else {}),
        **({"automate": [*automate]} if automate else {}),
        **({"rest": rest} if rest else {}),
    }


def _routes_of_others(server: str, routes: list[Any]) -> Iterator[tuple[str, Any]]:
    """Each with an id, which people read; routes that look alike without their secrets are numbered."""
    seen: dict[str, int] = {}
    for route in routes:
        digest = digest_of(masked(route))[:8]
        seen[digest] = seen.get(digest, 0) + 1
        suffix = "" if seen[digest] == 1 else f"-{seen[digest]}"
        yield f"route/{server}/{digest}{suffix}", route


def _unused(servers: Mapping[str, Content], hosts: Mapping[str, Tree]) -> dict[str, Content]:
    """Without the servers that a host which stays as it is still needs."""
    used = {content["server"] for content in hosts.values()} if servers else set()
    return {name: content for name, content in servers.items() if name not in used}


def _routes_left(
    routes: Mapping[str, list[Any]], edits: Mapping[str, Content], servers: Mapping[str, Content]
) -> Mapping[str, list[Any]]:
    """The routes of others without those that are taken out, alone or with their server."""
    if not edits and not servers:
        return routes
    return {
        server: [
            route
            for object_id, route in _routes_of_others(server, each)
            if object_id.partition("/")[2] not in edits
        ]
        for server, each in routes.items()
        if server not in servers
    }


def _merged(tree: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    gone = {key for key, value in edits.items() if value is None}
    return {key: value for key, value in {**tree, **edits}.items() if key not in gone}


def _only(edits: Mapping[str, Any], names: Container[str]) -> dict[str, Any]:
    return {name: content for name, content in edits.items() if name in names}
