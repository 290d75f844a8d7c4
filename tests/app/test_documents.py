"""Targets as they are kept in the store."""

from argos_gitops.app.discovery import kind_registry
from argos_gitops.app.documents import dump_resource, parse_resource
from argos_gitops.manifests.attachments import Attachments, bound_resource
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import Resource, ResourceKey

EDGE = {
    "crowdsec": {
        "lapiUrl": "http://127.0.0.1:8081",
        "machine": {"id": "argos", "password": {"sops": "edge.yaml#lapi.password"}},
    }
}


def test_a_target_keeps_which_content_its_secrets_were_bound_to() -> None:
    """So that it can be cleaned up after git has forgotten both the target and the file."""
    registry = kind_registry()
    spec = registry.kinds["Edge"].model_validate(EDGE)
    edge = Resource(ResourceKey("Edge", "main"), spec, Location("edge.yaml", 1), "d")
    target = bound_resource(edge, Attachments({"edge.yaml": "b10b"}))
    again = parse_resource(dump_resource(target), registry)
    assert again == target
    assert again != edge
    assert dump_resource(again) == dump_resource(target)
