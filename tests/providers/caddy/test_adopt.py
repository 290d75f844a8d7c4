"""A live Host in the words of the configuration: right, or not said at all."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.manifests.editing import FileEdits, edit_file
from argos_gitops.manifests.reading import read_documents
from argos_gitops.manifests.splicing import rendered_document
from argos_gitops.model.adoption import Adoption, Edit, Unsayable
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.objects import ManagedObject
from argos_gitops.model.resource import AnyResource, EagerResources, ResourceKey
from argos_gitops.model.spec import SpecModel
from argos_gitops.planning.fields import field_changes
from argos_gitops.providers.caddy.adopt import Adopter
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.providers.caddy.strategies import hosts, services
from tests.providers.caddy.world import edge, host, resource, service

EDGE = edge()
WIKI = ResourceKey("Host", "wiki")
OBJECT = "host/wiki"
_KINDS: Mapping[str, type[SpecModel]] = {"Host": HostSpec, "Service": ServiceSpec}


def _set(resources: Sequence[AnyResource]) -> EagerResources:
    return EagerResources(resources, "")


def _compiled(resources: Sequence[AnyResource]) -> dict[str, ManagedObject]:
    section: CaddySettings = EDGE.spec.caddy  # type: ignore[attr-defined] # the world's own Edge
    return Compiler(EDGE, section).compile(_set([EDGE, *resources]), Layout())


def _drift(git: Sequence[AnyResource], live: Sequence[AnyResource]) -> Change:
    """What differs where `git` was applied and somebody made `live` of it."""
    after, before = _compiled(git).get(OBJECT), _compiled(live).get(OBJECT)
    return Change(
        Action.UPDATE,
        Cause.DRIFT,
        OBJECT,
        WIKI,
        None if before is None else before.content,
        None if after is None else after.content,
        fields=field_changes(_told(before), _told(after)),
    )


def _told(each: ManagedObject | None) -> Mapping[str, str] | None:
    return None if each is None else fields(each.content)


def _adopted(git: Sequence[AnyResource], live: Sequence[AnyResource]) -> Adoption | Unsayable:
    return Adopter(EDGE, _set([EDGE, *git])).adopt(_drift(git, live))


def _document(each: AnyResource) -> dict[str, Any]:
    return {
        "apiVersion": "argos.dev/v1",
        "kind": each.key.kind,
        "metadata": {"name": each.name},
        "spec": each.spec.model_dump(mode="json", by_alias=True, exclude_unset=True),
    }


def _merged(git: Sequence[AnyResource], adoption: Adoption) -> list[AnyResource]:
    """The resources of a file that holds them all, once the adoption was written into it."""
    text = "---\n".join(rendered_document(_document(each)) for each in git)
    made = edit_file(text.encode(), FileEdits(adoption.edits, adoption.removed, adoption.added))
    assert made is not None
    contents = [document.content for document in read_documents(made).documents]
    return [resource(_KINDS[each["kind"]], each["metadata"]["name"], each["spec"]) for each in contents]


_pools = st.tuples(services("app"), services("blog"), services("shop"))


@given(_pools, hosts("wiki"), hosts("wiki"))
def test_what_is_adopted_is_what_is_live(
    pool: tuple[AnyResource, ...], git: AnyResource, live: AnyResource
) -> None:
    """Any Host that became any other one; what is said compiles to it, apart from what says why it cannot."""
    drift = _drift([*pool, git], [*pool, live])
    if drift.before == drift.after:
        return
    found = Adopter(EDGE, _set([EDGE, *pool, git])).adopt(drift)
    if isinstance(found, Unsayable):
        assert found.why
        return
    after = _compiled(_merged([*pool, git], found)).get(OBJECT)
    assert (None if after is None else after.content) == drift.before


@given(hosts("wiki"), hosts("wiki"))
def test_a_secret_never_gets_into_git(git: AnyResource, live: AnyResource) -> None:
    """A value under a name that sounds secret is neither proposed, nor told."""
    canary = "canary-4e"
    secret = {"headers": {"request": {"set": {"Authorization": canary}}}, "enabled": True}
    exposed = host("wiki", **{**_document(live)["spec"], **secret})
    pool = [service(name, "127.0.0.1:1") for name in ("app", "blog", "shop")]
    found = _adopted([*pool, git], [*pool, exposed])
    assert canary not in repr(found)


_APP = service("app", "127.0.0.1:1")


@pytest.mark.parametrize(
    ("git", "live", "why"),
    [
        ([host("wiki", service="app"), host("blog", service="app")], "127.0.0.1:2", "serves 2 Hosts"),
        ([host("wiki", headers={"request": {"set": {"X-A": {"env": "A"}}}})], "X-A", "a secret"),
    ],
)
def test_why_it_cannot_be_said(git: list[AnyResource], live: str, why: str) -> None:
    moved = service("app", live) if ":" in live else _APP
    changed = git if ":" in live else [host("wiki", headers={"request": {"set": {"X-A": "1"}}})]
    found = _adopted([_APP, *git], [moved, *changed])
    assert isinstance(found, Unsayable)
    assert why in found.why


_RULE = {"match": {"path": "/a"}, "response": {"body": "a"}}


@pytest.mark.parametrize(
    ("git", "live"),
    [
        ({"rules": [_RULE]}, {}),
        ({}, {"rules": [_RULE]}),
        ({"rules": [_RULE]}, {"rules": [{**_RULE, "response": {"body": "b"}}]}),
        ({"allow": ["192.0.2.1"]}, {}),
        ({}, {"basicAuth": {"users": {"ann": {"env": "HASH"}}}}),
        ({"enabled": False, "allow": ["192.0.2.1"]}, {}),
    ],
    ids=str,
)
def test_who_gets_in_is_never_taken_over(git: dict[str, Any], live: dict[str, Any]) -> None:
    """Whatever somebody did on the edge to rules and guards, only people change them in git."""
    found = _adopted([host("wiki", **git)], [host("wiki", **live)])
    assert isinstance(found, Unsayable)
    assert "who gets in" in found.why


def test_beside_rules_the_rest_is_adopted() -> None:
    """They stay as they are."""
    git, live = host("wiki", rules=[_RULE]), host("wiki", rules=[_RULE], compression=True)
    assert _adopted([git], [live]) == Adoption({WIKI: [Edit(("spec", "compression"), value=True)]})


def test_the_service_of_one_host_gets_its_new_addresses() -> None:
    """A target that stays keeps whatever else git says of it."""
    git = service("app", targets=[{"address": "127.0.0.1:1", "weight": 1}, {"address": "127.0.0.1:2"}])
    live = service("app", "127.0.0.1:1", "127.0.0.1:3")
    wiki = host("wiki", service="app")
    targets = [{"address": "127.0.0.1:1", "weight": 1}, {"address": "127.0.0.1:3"}]
    assert _adopted([git, wiki], [live, wiki]) == Adoption(
        {ResourceKey("Service", "app"): (Edit(("spec", "targets"), targets),)}
    )


def test_what_is_an_edges_has_no_host() -> None:
    change = Change(Action.UPDATE, Cause.DRIFT, "edge/http", EDGE.key, {}, {})
    assert isinstance(Adopter(EDGE, _set([EDGE])).adopt(change), Unsayable)
