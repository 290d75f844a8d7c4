"""docs/routing.md: each of its examples is served by a real Caddy, and leaves nothing to do."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from argos_gitops.model.resource import AnyResource, EagerResources
from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.caddy.checks import CHECKS
from argos_gitops.providers.caddy.hosts import HostSpec, Rule
from argos_gitops.providers.caddy.matches import Match
from argos_gitops.providers.caddy.services import ServiceSpec
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, edge, edge_of, resource

PAGE = Path(__file__).parents[3] / "docs" / "routing.md"
_EXAMPLE = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_KINDS = {model.kind: model for model in (HostSpec, ServiceSpec)}


def documents() -> list[dict[str, Any]]:
    return [each for text in _EXAMPLE.findall(PAGE.read_text()) for each in YAML(typ="safe").load_all(text)]


def written(document: dict[str, Any]) -> AnyResource:
    return resource(_KINDS[document["kind"]], document["metadata"]["name"], document["spec"])


def test_the_examples_have_no_problem() -> None:
    """Together, as somebody may copy all of them."""
    revision = EagerResources([edge(), *map(written, documents())], "")
    assert [problem for check in CHECKS for problem in check(revision)] == []


def _servable(document: dict[str, Any]) -> dict[str, Any]:
    """With certificates of Caddy's own CA, and without the module that no Caddy has by itself."""
    if document["kind"] != "Host":
        return document
    tls = {"tls": {"mode": "internal"}}
    spec = {**tls, **{name: value for name, value in document["spec"].items() if name != "rateLimit"}}
    rules = [{k: v for k, v in rule.items() if k != "rateLimit"} for rule in spec.get("rules", ())]
    return {**document, "spec": {**spec, "rules": rules}}


def test_fm05_the_examples_are_served_and_leave_nothing_to_do(
    make_caddy: Callable[..., RealCaddy], world: Callable[[AnyResource], World]
) -> None:
    caddy = make_caddy(env={"BOB_HASH": "$2a$04$" + "a" * 53})
    there = world(edge_of(caddy))
    resources = [written(_servable(each)) for each in documents()]
    there.apply(*resources)
    assert there.changes(*resources) == []
    assert caddy.get("machines.example.com", "/ping", tls=True).text == "pong\n"


@pytest.mark.parametrize("model", [Rule, Match], ids=["rule", "match"])
def test_each_field_is_on_the_page(model: type[SpecModel]) -> None:
    """A field that nobody can find does not exist."""
    page = PAGE.read_text()
    names = [field.alias or name for name, field in model.model_fields.items()]
    assert [name for name in names if not re.search(rf"\b{name}\b", page)] == []
