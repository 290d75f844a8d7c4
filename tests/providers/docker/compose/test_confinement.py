"""Hostile Compose files: nothing outside of the Stack's folder is read, and each attempt has its line."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.components.sops import RealSops
from tests.providers.docker.compose.stacks import FOLDER, Surroundings

SERVICE = "services:\n  web:\n    image: web\n"


def refused(
    around: Surroundings, files: Mapping[str, str | bytes], **spec: Any
) -> list[tuple[str, int, str]]:
    """What is said, with path and line."""
    with pytest.raises(ComposeError) as caught:
        ComposeRenderer(around.context()).render(around.stack(files, **spec))
    return [
        (problem.location.path.removeprefix(f"{FOLDER}/"), problem.location.line, problem.message)
        for problem in caught.value.problems
    ]


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file that a reader would block on for ever: whoever opens it is told by a test that does not end."""
    path = tmp_path / "outside.yaml"
    os.mkfifo(path)
    return path


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("include:\n  - {path}\n", 2),
        ("include:\n  - path: [ok.yaml, '{path}']\n", 2),
        ("include:\n  - path: ok.yaml\n    env_file: {path}\n", 3),
        ("include:\n  - path: ok.yaml\n    project_directory: /etc\n", 3),
        (SERVICE + "    env_file: {path}\n", 4),
        (SERVICE + "    env_file:\n      - path: {path}\n        required: false\n", 5),
        (SERVICE + "    label_file: [{path}]\n", 4),
        (SERVICE + "    extends:\n      file: {path}\n      service: web\n", 5),
        ("x-evil: &evil\n  env_file: {path}\nservices:\n  web:\n    <<: *evil\n    image: web\n", 2),
        ("x-evil: &evil {path}\n" + SERVICE + "    env_file: *evil\n", 5),
        (SERVICE + "---\n" + SERVICE + "    env_file: {path}\n", 8),
        (SERVICE + "    env_file: ~/.ssh/id_ed25519\n", 4),
        (SERVICE + "    env_file: ../../../etc/passwd\n", 4),
        (SERVICE + "    env_file: a/" + "../a/" * 9 + "b\n", 4),
        ("include: [oci://registry.example.com/stack]\n", 1),
        ("include:\n  - https://git.example.com/stack.git\n", 2),
    ],
)
def test_files_of_others_are_not_read(around: Surroundings, outside: Path, text: str, line: int) -> None:
    files = {"compose.yaml": text.replace("{path}", str(outside)), "ok.yaml": SERVICE}
    assert {(path, number) for path, number, _ in refused(around, files)} == {("compose.yaml", line)}


def test_every_way_out_is_told_at_once(around: Surroundings) -> None:
    """Also those in files that are included or extended, from where these count."""
    files = {
        "compose.yaml": "include: [sub/other.yaml]\n"
        + SERVICE
        + "    extends: {file: sub/base.yaml, service: b}\n",
        "sub/other.yaml": "services:\n  db:\n    image: db\n    env_file: ../../x.env\n",
        "sub/base.yaml": "services:\n  b:\n    label_file: /etc/passwd\n",
    }
    told = refused(around, files)
    assert [(path, line) for path, line, _ in told] == [("sub/base.yaml", 3), ("sub/other.yaml", 4)]
    assert "../../x.env leads out of the Stack's folder stacks/wiki" in told[1][2]


def test_variables_lead_nowhere_else(around: Surroundings, outside: Path) -> None:
    compose = {"compose.yaml": SERVICE + "    env_file: ${WHERE:-web.env}\n", "web.env": "A=b\n"}
    context = around.context()
    assert ComposeRenderer(context).render(around.stack(compose)).services["web"]["environment"] == {"A": "b"}
    for values in (
        f"WHERE={outside}\n",
        f"WHERE='{outside}'\n",
        f"export WHERE={outside}\n",
        f"WHERE: {outside}\n",
        f"ROOT={outside.parent}\nWHERE=$ROOT/{outside.name}\n",
        f"A='\nWHERE=web.env\n'\nWHERE={outside}\n",
    ):
        assert refused(around, {**compose, ".env": values})[0][:2] == ("compose.yaml", 4)
    assert refused(around, compose, environment={"WHERE": str(outside)})[0][:2] == ("compose.yaml", 4)
    assert refused(around, compose, environment={"WHERE": {"env": "X"}})[0][:2] == ("compose.yaml", 4)


def test_a_value_that_is_certain_is_used(around: Surroundings) -> None:
    files = {
        "compose.yaml": SERVICE + "    env_file: $STAGE.env\n",
        ".env": "STAGE=prod\n",
        "prod.env": "A=prod\n",
    }
    rendered = ComposeRenderer(around.context()).render(around.stack(files))
    assert rendered.services["web"]["environment"] == {"A": "prod"}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (SERVICE + "secrets:\n  s:\n    file: /etc/shadow\n", 6),
        (SERVICE + "configs:\n  c:\n    file: ../../etc/passwd\n", 6),
        (SERVICE + "secrets:\n  s:\n    environment: PATH\n", 6),
        (SERVICE + "    build: /etc\n", 4),
        (SERVICE + "    build: {context: ., dockerfile: ../../x}\n", 4),
        (SERVICE + "    build:\n      context: .\n      additional_contexts:\n        x: /etc\n", 7),
        (SERVICE + "    use_api_socket: true\n", 4),
        ("services:\n  web:\n    provider:\n      type: sh\n", 3),
    ],
)
def test_what_the_agent_would_hand_out_or_run(around: Surroundings, text: str, line: int) -> None:
    used = text.replace("image: web\n", "image: web\n    secrets: [s]\n    configs: [c]\n")
    told = refused(around, {"compose.yaml": _only_those_defined(text, used)})
    shift = 0 if "secrets:" not in text and "configs:" not in text else 1
    assert [(path, number) for path, number, _ in told] == [("compose.yaml", line + shift)]


def _only_those_defined(text: str, used: str) -> str:
    """Compose drops secrets and configs that no service uses."""
    if "secrets:" in text:
        return used.replace("    configs: [c]\n", "")
    return used.replace("    secrets: [s]\n", "") if "configs:" in text else text


def test_mounts_of_the_host_are_its_own_affair(around: Surroundings) -> None:
    """What a container may mount is for policies to say: rendering reads none of it."""
    files = {"compose.yaml": SERVICE + '    volumes: ["/etc:/host-etc:ro", "../x:/x"]\n'}
    mounts = ComposeRenderer(around.context()).render(around.stack(files)).services["web"]["volumes"]
    assert mounts[0]["source"] == "/etc"


def test_variables_that_steer_compose_are_refused(around: Surroundings) -> None:
    for name in ("PATH", "LD_PRELOAD", "DOCKER_HOST", "COMPOSE_FILE", "GODEBUG"):
        assert name in refused(around, {"compose.yaml": SERVICE}, environment={name: "x"})[0][2]
    told = refused(around, {"compose.yaml": SERVICE, ".env": "A=b\nCOMPOSE_FILE=/etc/passwd\n"})
    assert told[0][:2] == (".env", 2)


def test_bombs_end_in_a_problem(around: Surroundings) -> None:
    laughs = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 30))
    told = refused(around, {"compose.yaml": laughs + SERVICE})
    assert "nodes with every alias expanded" in told[0][2]
    nested = refused(around, {"compose.yaml": "a: " + "[" * 10_000})
    assert "nested deeper" in nested[0][2]
    endless = refused(around, {"compose.yaml": "include: [compose.yaml]\n" + SERVICE})
    assert endless[0][0] == "compose.yaml"


def test_a_bomb_of_variables_takes_no_memory(around: Surroundings) -> None:
    doubled = "A0=xxxxxxxxxxxxxxxx\n" + "".join(f"A{n}=${{A{n - 1}}}${{A{n - 1}}}\n" for n in range(1, 40))
    files = {"compose.yaml": SERVICE + "    command: ${A39}\n", ".env": doubled}
    assert "grow beyond all measure" in refused(around, files)[0][2]


def test_files_that_are_no_files(around: Surroundings) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    assert "LFS pointer" in refused(around, {"compose.yaml": pointer})[0][2]
    assert "control character" in refused(around, {"compose.yaml": "a: \x07"})[0][2]
    assert "not UTF-8" in refused(around, {"compose.yaml": b"services: \xff"})[0][2]


def test_encryption_hides_no_path(around: Surroundings, sops: RealSops) -> None:
    """Anybody can encrypt for the agent: what only it can read must not say which files it reads."""
    hidden = SERVICE + "    env_file: /etc/passwd\n"
    compose = sops.encrypt("compose.yaml", hidden, encrypted_regex="^env_file$")
    told = refused(around, {"compose.yaml": compose})
    assert told[0][0] == "compose.yaml"
    assert "must not be encrypted" in told[0][2]
    binary: dict[str, str | bytes] = {
        "compose.yaml": "include: [other.txt]\n",
        "other.txt": sops.encrypt("other.txt", hidden),
    }
    told = refused(around, binary)
    assert told[0][:2] == ("other.txt", 1)
    assert "must be YAML or JSON" in told[0][2]
