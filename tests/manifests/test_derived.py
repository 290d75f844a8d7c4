"""Documents that follow from others are held to the models of their kind, at the place they follow from."""

from typing import Any

from argos_gitops.app.discovery import kind_registry
from argos_gitops.manifests.derived import Deriver
from argos_gitops.manifests.schema import DocumentModels
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import DERIVED_ANNOTATION, AnyResource, EagerResources

HERE = Location("stacks/wiki/compose.yaml", 7, 9)


def _service(name: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "annotations": {DERIVED_ANNOTATION: "Stack/wiki"}}
    return {"apiVersion": "argos.dev/v1", "kind": "Service", "metadata": metadata, "spec": spec}


def _derived(*documents: dict[str, Any], known: tuple[AnyResource, ...] = ()) -> Deriver:
    deriver = Deriver(DocumentModels(kind_registry().kinds), EagerResources(known, "known"))
    deriver.add((document, HERE) for document in documents)
    return deriver


WIKI = _service("wiki", targets=[{"address": "127.0.0.1:1"}])


def test_a_document_becomes_a_resource_at_its_place() -> None:
    """With a digest of its content, and the word of what it follows from."""
    (found,) = _derived(WIKI).resources.values()
    assert (str(found.key), found.location, found.derived_from) == ("Service/wiki", HERE, "Stack/wiki")
    (again,) = _derived(WIKI).resources.values()
    (other,) = _derived(_service("wiki", targets=[{"address": "127.0.0.1:2"}])).resources.values()
    assert found.digest == again.digest != other.digest


def test_what_a_model_refuses_is_told_at_that_place() -> None:
    deriver = _derived(_service("wiki", targets=[{"address": "nowhere"}], colour="red"), WIKI)
    assert {problem.location for problem in deriver.problems} == {HERE}
    assert all("Service/wiki, which follows from this: spec" in each.message for each in deriver.problems)
    assert len(deriver.problems) == 2
    assert len(deriver.resources) == 1


def test_a_name_that_is_taken_is_told_with_its_owner() -> None:
    """By what somebody wrote, and by another document that follows."""
    (written,) = _derived(WIKI).resources.values()
    for deriver in (_derived(WIKI, known=(written,)), _derived(WIKI, WIKI)):
        (problem,) = deriver.problems
        assert problem.code == "DuplicateResource"
        assert f"Service/wiki is defined at {HERE}" in problem.message
