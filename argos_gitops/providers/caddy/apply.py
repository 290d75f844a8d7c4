"""Writing changes: one configuration put together, and one write that only succeeds on what was read."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import orjson

from argos_gitops.model.change import Action, Change, Outcome, Result
from argos_gitops.model.claim import Claim
from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.caddy.bulk import collector_paused
from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.client import AdminClient, RawConfig
from argos_gitops.providers.caddy.layout import Layout, Tree, put_together
from argos_gitops.providers.caddy.marks import host_object
from argos_gitops.providers.caddy.observe import CaddyLive
from argos_gitops.providers.caddy.proof import tokens_for, with_proof
from argos_gitops.providers.caddy.rejection import Rejection, rejection

_OLD = "older than 2.8"


def write(
    client: AdminClient,
    target: ResourceKey,
    catalogue: Catalogue,
    live: CaddyLive,
    changes: Sequence[Change],
    claim: Claim | None = None,
) -> Iterator[Outcome]:
    """All changes in one write, so that Caddy takes over all of them or none.

    Raises StalePlanError when the configuration moved since `live` was read, TransientError when Caddy
    did not answer. When Caddy refuses, each change has its outcome, then TerminalError is raised.
    """
    edits = {change.object_id: change.after for change in changes}
    layout = catalogue.edited(live.layout, edits)
    layout = replace(layout, tokens=tokens_for(layout.hosts, layout.tokens), claim=claim)
    _check_servers(client, target, layout)
    intended = Intended(layout, whole=catalogue.whole)
    if any(change.before == change.after for change in changes):
        complaint = client.replace(orjson.dumps(intended.tree), live.raw.tag, again=True)
    else:
        complaint = _replace(client, intended, live.raw, _route_alone(changes, live, claim))
    if not complaint:
        yield from (Outcome(change, Result.DONE) for change in changes)
        return
    refused = rejection(complaint, layout, intended.tree, _name(client, live.raw))
    yield from _outcomes(refused, target, changes)
    raise TerminalError(f"{refused.subject(target)}: {refused.message}", reason=refused.reason)


@dataclass
class Intended:
    """What Caddy should hold after the write; put together only when it is asked for."""

    layout: Layout
    whole: bool

    @cached_property
    def tree(self) -> Tree:
        with collector_paused():
            return put_together(self.layout, whole=self.whole)


def only_route_of(changes: Sequence[Change]) -> Tree | None:
    """The one route that all of `changes` come down to, which stays where it is; None if there is more.

    Sending it alone costs Caddy less than the whole configuration, and is the commonest change there is.
    """
    if len(changes) != 1 or changes[0].action is not Action.UPDATE:
        return None
    before, after = changes[0].before, changes[0].after
    if not ("routes" in before and {**before, "routes": ()} == {**after, "routes": ()}):
        return None
    old, new = before["routes"], after["routes"]
    if len(old) != len(new):
        return None
    differing = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
    if len(differing) != 1:
        return None
    one, other = differing[0]
    stays = (one.get("@id"), one.get("match")) == (other.get("@id"), other.get("match"))
    return other if stays and "@id" in other else None


def _route_alone(changes: Sequence[Change], live: CaddyLive, claim: Claim | None) -> Tree | None:
    """The one route with its proof; None where a Host has none yet, or the claim is another one: they come
    with the whole."""
    route, layout = only_route_of(changes), live.layout
    if route is None or layout.hosts.keys() != layout.tokens.keys() or live.claim != claim:
        return None
    name = changes[0].object_id.partition("/")[2]
    return with_proof(route, name, layout.tokens[name])


def _replace(client: AdminClient, intended: Intended, known: RawConfig, route: Tree | None) -> str:
    """Caddy's complaint, if any. A write that broke off may have landed all the same: then that is seen."""
    try:
        if route is not None:
            return client.replace_route(route["@id"], orjson.dumps(route), known)
        return client.replace(orjson.dumps(intended.tree), known.tag)
    except TransientError:
        if _landed(client, intended.tree):
            return ""
        raise


def _landed(client: AdminClient, tree: Tree) -> bool:
    try:
        found: object = orjson.loads(client.read().body)
    except (ProviderError, orjson.JSONDecodeError):
        return False
    return found == tree


def _check_servers(client: AdminClient, target: ResourceKey, layout: Layout) -> None:
    used = {content["server"] for content in layout.hosts.values()}
    for missing in sorted(used - set(layout.servers)):
        there = ", ".join(sorted(layout.servers)) or "none"
        raise TerminalError(
            f"{target}: Caddy at {client.admin_url} has no server {missing} for our routes to go into "
            f"(it has: {there}); create it there, or name another in caddy.server",
            reason="ServerMissing",
        )


def _name(client: AdminClient, known: RawConfig) -> str:
    version = client.version() or (_OLD if known.etag is None else "")
    return f"Caddy {version} at {client.admin_url}".replace("Caddy  ", "Caddy ")


def _outcomes(refused: Rejection, target: ResourceKey, changes: Sequence[Change]) -> Iterator[Outcome]:
    """The change that is to blame has failed, and the others were not tried; all failed if it is unknown."""
    guilty = {
        change.object_id
        for change in changes
        if refused.host is not None
        and change.object_id == host_object(refused.host)
        and change.action is not Action.DELETE
    }
    subject = refused.subject(target)
    for change in changes:
        if not guilty or change.object_id in guilty:
            yield Outcome(change, Result.FAILED, refused.reason, refused.message)
        else:
            yield Outcome(
                change, Result.SKIPPED, "NotTried", f"refused because of {subject}: {refused.reason}"
            )
