"""What is said of Stacks before any host is asked."""

import re
import time
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.app.discovery import kind_registry
from argos_gitops.app.expansion import Expansions
from argos_gitops.manifests.loader import Loaded
from argos_gitops.model.errors import TransientError
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import Expansion, ProviderContext, ProviderSpec
from argos_gitops.providers.docker import PROVIDER
from argos_gitops.providers.docker.compose.checking import stacks_checked
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.settings import DockerSettings
from tests.providers.docker.compose.stacks import FOLDER, Surroundings

MOUNTS = """\
services:
  web:
    image: web
    configs: [c]
    volumes:
      - /srv/data:/data
      - ./conf:/etc/conf:ro
      - ./state:/state
      - named:/named
configs: {c: {file: ./conf/a}}
volumes: {named: {}}
"""


class HostSpec:
    """A DockerHost as far as it matters here."""

    def __init__(self, connection: Mapping[str, Any]) -> None:
        self.docker = DockerSettings.model_validate({"connection": connection})


def checked(around: Surroundings, connection: Mapping[str, Any], *stacks: Any) -> Expansion:
    host: Any = HostSpec(connection)
    hosts: list[AnyResource] = [Resource(ResourceKey("DockerHost", "nas"), host, Location("h.yaml", 1), "")]
    return stacks_checked(EagerResources([*hosts, *stacks], ""), ComposeRenderer(around.context()))


def places(found: Expansion) -> list[tuple[str, int]]:
    return [(problem.location.path, problem.location.line) for problem in found.problems]


def test_another_machine_cannot_mount_our_files(around: Surroundings) -> None:
    files = {"compose.yaml": MOUNTS, "conf/a": "x"}
    ssh = {"ssh": {"host": "deploy@docker01.example.com"}}
    here = checked(around, {"unix": "/var/run/docker.sock"}, around.stack(files))
    assert here == Expansion(problems=[], warnings=[])
    away = checked(around, ssh, around.stack(files))
    path = f"{FOLDER}/compose.yaml"
    assert places(away) == [(path, 7), (path, 8), (path, 10)]
    assert "write an absolute path" in away.problems[0].message
    own_folder = checked(around, ssh, around.stack(files, directory="/srv/wiki"))
    assert places(own_folder) == [(path, 7), (path, 10)], "what is not in git may be there"


def test_all_stacks_are_told_together(around: Surroundings) -> None:
    good, bad, worse = (
        around.stack({"compose.yaml": text}, name=name)
        for name, text in (("a", MOUNTS), ("b", "services: {web: {imagee: x}}\n"), ("c", "servicess: {}\n"))
    )
    found = checked(around, {"unix": "/run/docker.sock"}, good, bad, worse)
    assert [problem.message.partition(":")[0] for problem in found.problems] == ["Stack/b", "Stack/c"]


class TooSlow:
    """A renderer whose Compose does not end."""

    def render(self, _: object) -> Rendered:
        raise TransientError("docker compose did not end within 60 s", reason="ComposeTimeout")


def test_a_stack_that_takes_too_long_is_named(around: Surroundings) -> None:
    stack: Any = around.stack({"compose.yaml": MOUNTS})
    renderer: Any = TooSlow()
    with pytest.raises(TransientError, match="Stack/wiki: docker compose did not end") as caught:
        stacks_checked(EagerResources([stack], ""), renderer)
    assert str(stack.location) in str(caught.value)
    assert caught.value.reason == "ComposeTimeout"


def test_many_slow_stacks_end_with_the_time_for_the_revision(around: Surroundings, tmp_path: Path) -> None:
    """Each has a minute, so that 200 would take an hour; what was not looked at is named with its place."""
    around.compose = tmp_path / "docker-compose"
    around.compose.write_text("#!/bin/sh\ncase $* in *version*) echo 2.40.3;; *) exec sleep 1000;; esac\n")
    around.compose.chmod(0o755)
    stacks: list[Any] = [around.stack({"compose.yaml": MOUNTS}, name=f"s{number:02}") for number in range(30)]
    renderer = ComposeRenderer(replace(around.context(), deadline=time.monotonic() + 2))
    with pytest.raises(TransientError, match=r"rendering the Stacks of one revision is over") as caught:
        stacks_checked(EagerResources(stacks, ""), renderer)
    assert caught.value.reason == "ComposeDeadline"
    counts = [int(each) for each in re.findall(r"(\d+) (?:of 30 Stacks|took too long)", str(caught.value))]
    assert sum(counts) == 30
    assert f"{stacks[15].location} Stack/s15, " in str(caught.value)
    assert ", and " in str(caught.value)


def _given(context: ProviderContext, _: ProviderSpec) -> ProviderContext:
    return context


def test_what_is_merged_has_a_deadline_too_and_an_unmerged_revision_the_earlier_one() -> None:
    """Whatever asks Compose while a revision is worked out has it."""
    given: list[float | None] = []

    def expand(_: ResourceSet, context: ProviderContext) -> Expansion:
        given.append(context.deadline)
        return Expansion()

    spec = replace(PROVIDER, expand=expand)
    stack: Any = Resource(ResourceKey("Stack", "a"), None, Location("a.yaml", 1), "d")
    loaded: Any = Loaded(EagerResources([stack], "f"), ())
    soon = time.monotonic()
    for deadline in (None, soon):
        context: Any = replace(Surroundings(Path(), Path()).context(), deadline=deadline)
        Expansions([spec], kind_registry(), partial(_given, context)).of(loaded)
    assert given[0] is not None
    assert soon < given[0] < time.monotonic() + 3600
    assert given[1] == soon


def test_without_compose_the_rest_is_still_valid(around: Surroundings, tmp_path: Path) -> None:
    around.compose = tmp_path / "nothing"
    found = checked(around, {"unix": "/run/docker.sock"}, around.stack({"compose.yaml": MOUNTS}))
    (warning,) = found.warnings
    assert found.problems == []
    assert warning.code == "ComposeMissing"
    assert "install Docker's Compose plugin" in warning.message


def test_an_old_compose_is_none(around: Surroundings, tmp_path: Path) -> None:
    around.compose = tmp_path / "docker-compose"
    around.compose.write_text("#!/bin/sh\necho 1.29.2\n")
    around.compose.chmod(0o755)
    (warning,) = checked(around, {"unix": "/x"}, around.stack({"compose.yaml": MOUNTS})).warnings
    assert "is 1.29.2" in warning.message


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("services:\n  web:\n    image: x\n    ports: [abc]\n", 4, "abc"),
        ("services:\n  web:\n    imagee: x\n", 2, "imagee"),
        ("services:\n  web:\n    image: x\n    depends_on:\n      - nobody\n", 2, "nobody"),
        ("services:\n  web:\n    image: x\n    networks: [lost]\n", 2, "lost"),
        ("services:\n  web:\n    image: ${IMAGE:?say which}\n", 3, "say which"),
        ("services:\n  web:\n    image: x\n    env_file:\n      - missing.env\n", 5, "missing.env"),
        ("services:\n  web:\n    image: x\n    cpus: many\n", 4, "many"),
        ("services:\n  web: {image: x}\n  web: {image: y}\n", 3, "already"),
        ("include:\n  - lost.yaml\nservices: {web: {image: x}}\n", 2, "lost.yaml"),
        ("services:\n  web:\n    extends: {service: nobody}\n", 2, "nobody"),
    ],
)
def test_what_compose_refuses_has_its_line(around: Surroundings, text: str, line: int, said: str) -> None:
    (problem,) = checked(around, {"unix": "/x"}, around.stack({"compose.yaml": text})).problems
    assert said in problem.message
    assert (problem.location.path, problem.location.line) == (f"{FOLDER}/compose.yaml", line), problem.message
    assert "argos-compose-" not in problem.message
