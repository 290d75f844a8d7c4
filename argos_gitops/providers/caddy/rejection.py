"""Why Caddy refused a configuration: whose part it was, and what to do.

Caddy's words (2.6 to 2.11) name a place such as `server argos: … route 17: …`, `automation policy 2`
or a file, and end with the reason.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.layout import Layout, Tree
from argos_gitops.providers.caddy.masking import scrubbed

_MODULE = re.compile(r"unknown module: ([A-Za-z0-9_.]+)")
_FIELD = re.compile(r'unknown field "([^"]+)"')
_ROUTE = re.compile(r"server ([^:]+): .*?\broute (\d+)")
_POLICY = re.compile(r"automation policy (\d+)")
_FILE = re.compile(r"open ([^:]+):([^:;\"}]*)")
_BUSY = re.compile(r"listening on ([^ ]+?): |listen [a-z0-9]+ ([^ ]+): bind")
# Not those of TLS policies, which are digests of what may hold a secret.
_TWICE = re.compile(r"duplicate ID '(argos-(?:host|cert)-[a-z0-9.-]+)' found at ([^ ]+) and ([^ ]+)")
_APP = re.compile(r"loading ([a-z0-9_]+) app module")
_LONGEST_COMPLAINT = 4096
"""Characters that are looked at: whatever answers there, it does not keep us busy."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """`host` is the Host whose part it was, where Caddy's words tell."""

    reason: str
    message: str
    host: str | None = None

    def subject(self, target: ResourceKey) -> ResourceKey:
        return target if self.host is None else ResourceKey("Host", self.host)


def rejection(complaint: str, layout: Layout, tree: Tree, caddy: str) -> Rejection:
    """Explains a complaint about `tree`, which `layout` was put together to. `caddy` names the Caddy."""
    complaint = complaint[:_LONGEST_COMPLAINT]
    host = culprit(complaint, layout, tree)
    reason, explanation = _explain(complaint, caddy)
    words = scrubbed(complaint, tree)
    message = f"{explanation}. Nothing was changed, it goes on with what it had. Its words: {words}"
    return Rejection(reason, message, host)


def _explain(complaint: str, caddy: str) -> tuple[str, str]:
    if found := _MODULE.search(complaint):
        return "ModuleMissing", (
            f"{caddy} lacks the module {found[1]}; use a Caddy that has it (a newer one, or one built with "
            "it), or leave out what needs it"
        )
    if found := _FIELD.search(complaint):
        return "CaddyTooOld", f"{caddy} does not know the field {found[1]}; a newer Caddy does"
    if found := _BUSY.search(complaint):
        address = found[1] or found[2]
        if "permission denied" in complaint:
            return "AddressForbidden", (
                f"{caddy} may not listen on {address}: ports below 1024 need root or the capability "
                "CAP_NET_BIND_SERVICE (with systemd AmbientCapabilities); give Caddy that, or listen on "
                "a higher port"
            )
        if "address already in use" in complaint:
            return "AddressInUse", f"{caddy} cannot listen on {address}, which another program holds"
        return "AddressUnusable", (
            f"{caddy} cannot listen on {address}: {complaint.rpartition(': ')[2]}; is it an address of the "
            "machine where Caddy runs?"
        )
    if found := _TWICE.search(complaint):
        return "MarkTaken", (
            f"{caddy} has {found[1]!r}, the @id of a part of ours, at two places: {found[2]} and {found[3]}. "
            "One of them is somebody else's, or a copy of ours: take the @id out of it"
        )
    if found := _FILE.search(complaint):
        return "FileUnreadable", (
            f"{caddy} cannot read {found[1]}, a path on the machine where it runs: {found[2].strip()}"
        )
    return "Rejected", f"{caddy} refuses the configuration"


def culprit(complaint: str, layout: Layout, tree: Tree) -> str | None:
    """The Host whose part Caddy complains about, if its words tell and only one can be meant."""
    found = {host for host in _suspects(complaint, layout, tree) if host is not None}
    return found.pop() if len(found) == 1 else None


def _suspects(complaint: str, layout: Layout, tree: Tree) -> Iterator[str | None]:
    http, tls = _app(tree, "http"), _app(tree, "tls")
    if match := _ROUTE.search(complaint):
        routes = (http.get("servers", {}).get(match[1]) or {}).get("routes") or []
        yield from (marks.host_of_route(route) for route in _at(routes, int(match[2])))
        return
    if match := _TWICE.search(complaint):
        yield marks.host_of_route({"@id": match[1]})
    if match := _POLICY.search(complaint):
        policies = (tls.get("automation") or {}).get("policies") or []
        for policy in _at(policies, int(match[1])):
            yield from _hosts_of_policy(policy, layout)
    if match := _FILE.search(complaint):
        yield from _hosts_of_file(match[1], layout)
    if (match := _APP.search(complaint)) and match[1] == "crowdsec":
        yield from (name for name, content in layout.hosts.items() if _has_bouncer(content))


def _hosts_of_policy(policy: Tree, layout: Layout) -> Iterator[str]:
    body = {key: value for key, value in policy.items() if key not in ("@id", "subjects")}
    for name, content in layout.hosts.items():
        if content["tls"].get("policy") == body:
            yield name


def _hosts_of_file(path: str, layout: Layout) -> Iterator[str]:
    for name, content in layout.hosts.items():
        if path in content["tls"].get("files", {}).values():
            yield name


def _has_bouncer(content: Tree) -> bool:
    return any(
        handler.get("handler") == "crowdsec"
        for route in content["routes"]
        for handler in route.get("handle", ())
    )


def _app(tree: Tree, name: str) -> Mapping[str, Any]:
    return (tree.get("apps") or {}).get(name) or {}


def _at(items: list[Any], index: int) -> list[Any]:
    return items[index : index + 1]
