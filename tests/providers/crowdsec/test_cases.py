"""Planner cases as data: tests/cases/crowdsec, described in tests/cases/README.md.

`live.yaml` is what LAPI answers: a list of alerts. `geo.yaml`, which only this set has, is the GeoIP
database: ranges by country; without it there is none. The Edge is `main`, and the time that of the runner.
"""

from collections.abc import Mapping
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from argos_gitops.model.objects import Content, LiveObject, ObjectSet, digest_of
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.providers.crowdsec.client import Alerts
from argos_gitops.providers.crowdsec.compile import Compiler
from argos_gitops.providers.crowdsec.fields import fields_of
from argos_gitops.providers.crowdsec.kinds import AllowlistSpec, CountryBanSpec, DecisionSpec
from argos_gitops.providers.crowdsec.networks import Ranges, parsed
from argos_gitops.providers.crowdsec.observe import CrowdSecLive, standing_of
from tests.cases.runner import NOW, Reading, case_folders, expected, planned, read

_KINDS = {model.kind: model for model in (DecisionSpec, AllowlistSpec, CountryBanSpec)}
_MARGIN = timedelta(days=1)
_MAX_AGE = timedelta(days=7)


def _resource(document: Mapping[str, Any]) -> AnyResource:
    kind, name = document["kind"], document["metadata"]["name"]
    return Resource(
        ResourceKey(kind, name),
        _KINDS[kind].model_validate(document["spec"]),
        Location(f"bans/{name}.yaml", 1, 1),
        digest_of(document),
        annotations=document["metadata"].get("annotations", {}),
    )


def _observed(path: Path) -> CrowdSecLive:
    return CrowdSecLive(standing_of([Alerts(list(read(path) or ()), NOW)], _MAX_AGE), NOW)


def _desired(path: Path) -> ObjectSet:
    """What is compiled depends on the live side too, which stands beside it."""
    documents = YAML(typ="safe").load_all(path) if path.exists() else ()
    resources = EagerResources([_resource(document) for document in documents], "")
    database: Mapping[str, list[str]] | None = read(path.with_name("geo.yaml")) or None

    def ranges(country: str) -> tuple[Ranges, ...] | None:
        return None if database is None else parsed(database.get(country, ()))

    bans = Compiler("main", _MARGIN).bans(
        resources, _observed(path.with_name("live.yaml")), ranges, "" if database is None else "database"
    )
    return {managed.id: managed for _, managed in bans}


def _live(path: Path) -> Mapping[str, LiveObject]:
    return _observed(path).objects


def _describe(content: Content) -> Mapping[str, str]:
    return fields_of(content)


READING = Reading(system="crowdsec", desired=_desired, live=_live, describe=_describe)


@pytest.mark.parametrize("case", case_folders("crowdsec"), ids=attrgetter("name"))
def test_case(case: Path) -> None:
    """What the folder's name says."""
    assert planned(case, READING) == expected(case)
