"""A live ban said in the words of the configuration. Pure."""

from collections.abc import Iterator

from argos_gitops.model.adoption import GONE, Adoption, Edit, Unsayable
from argos_gitops.model.change import Change
from argos_gitops.model.objects import Content
from argos_gitops.model.resource import API_VERSION, Resource, ResourceKey, ResourceSet
from argos_gitops.providers.crowdsec.kinds import DecisionSpec
from argos_gitops.providers.crowdsec.marks import reason_and_until
from argos_gitops.providers.crowdsec.observe import stamp_of
from argos_gitops.providers.crowdsec.rows import end_of


def adoption_of(change: Change, edge: str, resources: ResourceSet) -> Adoption | Unsayable:
    """What git would have to say for `change` not to be needed."""
    room, _, name = change.object_id.partition("/")
    if room != "decision":
        return Unsayable("a country follows the GeoIP database and the Allowlists")
    live = change.before
    known = resources.of(DecisionSpec).get(name)
    if live is None:
        return Adoption(removed=(ResourceKey(DecisionSpec.kind, name),))
    if len(live["values"]) != 1 or "also" in live:
        return Unsayable("it is several bans now, and a Decision is one")
    if known is None or known.spec.edge != edge:
        return Adoption(added=(_document(name, edge, live),))
    edits = tuple(_edits(known, live))
    return (
        Adoption({known.key: edits}) if edits else Unsayable("what differs has no field in the configuration")
    )


def _document(name: str, edge: str, live: Content) -> dict[str, object]:
    spec = {"edge": edge, **{field: value for field, value in _fields(live) if value is not None}}
    return {"apiVersion": API_VERSION, "kind": DecisionSpec.kind, "metadata": {"name": name}, "spec": spec}


def _edits(known: Resource[DecisionSpec], live: Content) -> Iterator[Edit]:
    spec = known.spec
    given = {
        "type": spec.type,
        "scope": spec.scope,
        "value": spec.canonical_value,
        "reason": spec.reason,
        "until": None if spec.until is None else f"{spec.until:%Y-%m-%dT%H:%M:%SZ}",
    }
    for field, value in _fields(live):
        if value != given[field]:
            yield Edit(("spec", field), GONE if value is None else value)


def _fields(live: Content) -> Iterator[tuple[str, str | None]]:
    reason, _ = reason_and_until(live["scenario"])
    end = end_of(stamp_of(live))
    yield "type", live["type"]
    yield "scope", live["scope"]
    yield "value", live["values"][0]
    yield "reason", reason
    yield "until", None if end is None else f"{end:%Y-%m-%dT%H:%M:%SZ}"
