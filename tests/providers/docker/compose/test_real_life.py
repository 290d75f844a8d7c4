"""The confinement loses and changes nothing that people write: the Stacks in `real_life`."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.providers.docker.compose.stacks import Surroundings

FOLDER = Path(__file__).with_name("real_life")
STACKS: Mapping[str, Mapping[str, Any]] = {
    "build": {"environment": {"GIT_SHA": "0123abc"}},
    "hooks-and-the-rest": {},
    "include-and-extends": {},
    "media": {},
    "networks": {},
    "nextcloud": {},
    "profiles-and-resources": {"profiles": ["ui"]},
    "secrets-and-configs": {"environment": {"API_KEY": "example"}},
    "several-files": {"files": ["compose.yaml", "compose.prod.yaml"], "envFiles": ["prod.env"]},
    "variables": {"environment": {"TAG": "2"}},
    "volumes": {},
}
"""What the Stack's document says beside its folder."""


@pytest.mark.parametrize("name", STACKS)
def test_a_stack_comes_out_as_compose_prints_it(around: Surroundings, name: str) -> None:
    files = {
        str(path.relative_to(FOLDER / name)): path.read_text()
        for path in (FOLDER / name).rglob("*")
        if path.is_file()
    }
    rendered = ComposeRenderer(around.context()).render(around.stack(files, **STACKS[name]))
    assert rendered.model == unconfined(around.compose, Path(rendered.directory), files, STACKS[name])


@pytest.mark.parametrize(
    "name", ["GIT_SHA", "GIT_BRANCH", "SSH_PORT", "SSH_DOMAIN", "DOCKER_GID", "DOCKER_DATA_DIR", "XDG_MENU"]
)
def test_a_name_of_ones_own_is_no_variable_of_a_program(around: Surroundings, name: str) -> None:
    files = {"compose.yaml": f"services: {{web: {{image: 'web:${{{name}}}'}}}}\n"}
    rendered = ComposeRenderer(around.context()).render(around.stack(files, environment={name: "7"}))
    assert rendered.services["web"]["image"] == "web:7"


@pytest.mark.parametrize(
    "name",
    [
        *("GIT_DIR", "GIT_CONFIG_COUNT", "GIT_SSH_COMMAND", "SSH_AUTH_SOCK", "DOCKER_HOST", "DOCKER_CONFIG"),
        *("COMPOSE_FILE", "BUILDX_CONFIG", "LD_PRELOAD", "XDG_CONFIG_HOME"),
    ],
)
def test_a_variable_of_a_program_is_none_for_a_stack(around: Surroundings, name: str) -> None:
    stack = around.stack({"compose.yaml": "services: {web: {image: web}}\n"}, environment={name: "7"})
    with pytest.raises(ComposeError, match=f"{name} steers Compose"):
        ComposeRenderer(around.context()).render(stack)


def unconfined(compose: Path, folder: Path, files: Mapping[str, str], spec: Mapping[str, Any]) -> Any:
    """What Compose itself makes of the files in this folder, as a person would call it there."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    values = folder.parent / "values.env"
    values.write_text("".join(f"{key}='{value}'\n" for key, value in spec.get("environment", {}).items()))
    default = [folder / ".env"] if (folder / ".env").exists() else []
    env_files = [*(folder / each for each in spec.get("envFiles", ())), *default, values]
    words = [word for file in spec.get("files", ()) for word in ("--file", file)]
    words += [word for file in env_files for word in ("--env-file", str(file))]
    words += [word for profile in spec.get("profiles", ()) for word in ("--profile", profile)]
    done = subprocess.run(
        [str(compose), "--project-name", "wiki", *words, "config", "--format", "json"],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(Path.home())},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.replace("$$", "$"))
