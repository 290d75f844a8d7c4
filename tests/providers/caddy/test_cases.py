"""Planner cases as data: tests/cases/caddy, described in tests/cases/README.md."""

from collections.abc import Mapping
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson
import pytest
from ruamel.yaml import YAML

from argos_gitops.model.objects import LiveObject, ObjectSet, digest_of
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.client import RawConfig
from argos_gitops.providers.caddy.compile import Compiler
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.layout import take_apart
from argos_gitops.providers.caddy.observe import CaddyLive
from argos_gitops.providers.caddy.services import ServiceSpec
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.cases.runner import Reading, case_folders, expected, planned, read
from tests.providers.caddy.world import EdgeSpec

_KINDS = {model.kind: model for model in (EdgeSpec, ServiceSpec, HostSpec)}


def _resources(path: Path) -> list[AnyResource]:
    return [_resource(document) for document in YAML(typ="safe").load_all(path)]


def _resource(document: Mapping[str, Any]) -> AnyResource:
    kind, name = document["kind"], document["metadata"]["name"]
    return Resource(
        ResourceKey(kind, name),
        _KINDS[kind].model_validate(document["spec"]),
        Location(f"{kind.lower()}s/{name}.yaml", 1, 1),
        digest_of(document),
        annotations=document["metadata"].get("annotations", {}),
    )


def _edge(resources: list[AnyResource]) -> tuple[AnyResource, CaddySettings]:
    (edge,) = (each for each in resources if isinstance(each.spec, EdgeSpec))
    settings = getattr(edge.spec, "caddy", None)
    assert isinstance(settings, CaddySettings)
    return edge, settings


def _desired(path: Path) -> ObjectSet:
    """What is compiled depends on the live side too, which stands beside it."""
    resources = _resources(path)
    live = take_apart(read(path.with_name("live.yaml")))
    return Compiler(*_edge(resources)).compile(EagerResources(resources, ""), live)


def _live(path: Path) -> Mapping[str, LiveObject]:
    edge, settings = _edge(_resources(path.with_name("desired.yaml")))
    catalogue = Catalogue(whole=settings.whole, own_servers=settings.server is None)
    raw = RawConfig(orjson.dumps(read(path)), None)
    return CaddyLive(raw, edge.key, catalogue, known=lambda _: None).objects


READING = Reading(desired=_desired, live=_live, describe=fields)


@pytest.mark.parametrize("case", case_folders("caddy"), ids=attrgetter("name"))
def test_case(case: Path) -> None:
    """What the folder's name says."""
    assert planned(case, READING) == expected(case)
