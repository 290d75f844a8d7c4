"""What a revision of Stacks and Networks may not say."""

from argos_gitops.model.resource import EagerResources, Resource, ResourceSet
from argos_gitops.providers.docker.checks import CHECKS
from argos_gitops.providers.docker.kinds import StackSpec
from tests.fakes import resource
from tests.providers.docker.host import annotated, docker_host, network


def _stack(name: str, **spec: object) -> Resource[StackSpec]:
    given = StackSpec.model_validate({"host": "nas", "path": f"stacks/{name}", **spec})
    return resource("Stack", name, given)  # type: ignore[return-value]


def _codes(resources: ResourceSet) -> list[str]:
    return [problem.code for check in CHECKS for problem in check(resources)]


def _resources(*given: object) -> ResourceSet:
    return EagerResources(given, "test")  # type: ignore[arg-type]


def test_a_project_belongs_to_one_stack_of_a_host() -> None:
    """By its name on the host, whatever the Stack is called; another host is another matter."""
    wiki = _stack("wiki")
    assert _codes(_resources(wiki, _stack("other", project="wiki"))) == ["DuplicateProject"]
    assert _codes(_resources(wiki, _stack("other", project="wiki", host="attic"))) == []


def test_a_network_is_declared_once() -> None:
    assert _codes(_resources(network("edge"), network("front", on_host="edge"))) == ["DuplicateNetwork"]
    assert _codes(_resources(network("edge"), network("front"))) == []


def test_a_stack_waits_for_stacks_of_its_own_host_alone() -> None:
    """A missing one is found with all dependencies, not here."""
    wiki = annotated(_stack("wiki"), dependsOn="Stack/db")
    assert _codes(_resources(wiki, _stack("db"))) == []
    assert _codes(_resources(wiki)) == []
    assert _codes(_resources(wiki, _stack("db", host="attic"))) == ["DependencyElsewhere"]
    on_host = annotated(_stack("wiki"), dependsOn="DockerHost/attic")
    assert _codes(_resources(on_host, docker_host("/x", "attic"))) == ["DependencyElsewhere"]
