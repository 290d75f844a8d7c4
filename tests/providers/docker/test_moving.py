"""Moving a project that runs already: what is there is recognised, and the plan says what becomes of it."""

import pytest

from argos_gitops.model.change import Action
from argos_gitops.model.resource import EagerResources
from argos_gitops.providers.docker.compose.checking import stacks_checked
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.components.docker import RealDockerd
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.host import Host

_WIKI = "services: {web: {image: stand-in/web:1, volumes: ['data:/data']}}\nvolumes: {data: {}}\n"
_FOLDER = "services: {web: {image: stand-in/web:1, volumes: ['./data:/data']}}\n"


def _fields(host: Host) -> dict[str, str | None]:
    (change,) = host.plan()
    return {each.name: each.after for each in change.fields}


def test_a_twin_under_another_projects_name_is_told(host: Host, project: str) -> None:
    """Its volume would stay behind; naming the project takes it over."""
    host.want(host.stack(_WIKI, project=project)).apply()
    host.inventory.clear()
    host.want(host.stack(_WIKI, project=f"{project}-moved"))
    fields = _fields(host)
    told = fields[f"would start beside {project}-web-1"]
    assert told == f"it has the same service and image; `project: {project}` takes it over"
    assert fields["leaves behind at /data"] == f"{project}_data, and takes {project}-moved_data"
    host.want(host.stack(_WIKI, project=project))
    assert host.plan() == ()


def test_a_container_by_hand_with_the_same_name_is_told(
    host: Host, project: str, dockerd: RealDockerd
) -> None:
    dockerd.run("run", "--detach", "--name", f"{project}-wiki", dockerd.sleep)
    named = f"services: {{web: {{image: stand-in/web:1, container_name: {project}-wiki}}}}\n"
    host.want(host.stack(named, project=project))
    assert _fields(host)[f"would start beside {project}-wiki"] == f"it has the same name {project}-wiki"
    dockerd.run("rm", "--force", f"{project}-wiki")


def test_a_route_of_another_service_is_told(host: Host, project: str, dockerd: RealDockerd) -> None:
    label = "traefik.http.routers.a.rule=Host(`a.example.com`)"
    dockerd.run("run", "--detach", "--name", f"{project}-old", "--label", label, dockerd.sleep)
    labelled = f"services: {{web: {{image: stand-in/web:1, labels: ['{label}']}}}}\n"
    host.want(host.stack(labelled, project=project))
    assert _fields(host)[f"would start beside {project}-old"] == "it has the same route Host(`a.example.com`)"
    dockerd.run("rm", "--force", f"{project}-old")


def test_a_folder_that_would_stay_behind_is_told(host: Host, project: str) -> None:
    """The project is taken over, and `./data` would be another folder without `directory`."""
    old = host.surroundings.folder / "opt"
    host.want(host.stack(_FOLDER, project=project, directory=str(old))).apply()
    host.inventory.clear()
    host.want(host.stack(_FOLDER, project=project))
    (change,) = host.plan()
    assert change.action is Action.UPDATE
    assert "will be taken over" in change.note
    fields = {each.name: each.after for each in change.fields}
    new = host.surroundings.folder / "state" / "stacks" / "nas" / project / "data"
    assert fields["leaves behind at /data"] == f"{old}/data, and takes {new}"


def test_a_new_stack_stands_beside_nobody(host: Host, project: str) -> None:
    host.want(host.stack(_WIKI, project=project))
    assert not [name for name in _fields(host) if "beside" in name or "behind" in name]


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"compose.yaml": "name: old\n" + _WIKI}, "compose.yaml:1"),
        ({"compose.yaml": _WIKI, ".env": "A=1\nCOMPOSE_PROJECT_NAME=old\n"}, ".env:2"),
    ],
)
def test_another_name_in_the_files_is_a_warning(
    around: Surroundings, files: dict[str, str], place: str
) -> None:
    def warnings(**spec: str) -> list[str]:
        resources = EagerResources((around.stack(files, **spec),), "one")  # type: ignore[arg-type]
        return [str(each) for each in stacks_checked(resources, ComposeRenderer(around.context())).warnings]

    (told,) = warnings()
    assert told.startswith(f"stacks/wiki/{place}:")
    assert "calls the project old, and it runs as wiki here" in told
    assert warnings(project="old") == []
