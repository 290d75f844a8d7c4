"""Rendering with the real Compose: what comes out, where it stands, and that it is done once."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.components.sops import RealSops
from tests.providers.docker.compose.stacks import FOLDER, Surroundings
from tests.providers.docker.compose.starts import starts_of

WEB = """\
services:
  web:
    image: nginx:${TAG:-1}
    environment:
      DB_PASSWORD: ${DB_PASSWORD:-}
      PRICE: 5$$
    volumes: ["./conf:/etc/conf:ro", "/srv/x:/x"]
    ports:
      - "8080:80"
    labels:
      - traefik.enable=true
      - "traefik.http.routers.web.rule=Host(`a.example.com`)"
"""


def test_renders_without_an_engine_or_a_secret(around: Surroundings) -> None:
    stack = around.stack(
        {"compose.yaml": WEB}, environment={"DB_PASSWORD": {"env": "NOBODY_SET_IT"}, "TAG": "2"}
    )
    rendered = ComposeRenderer(around.context()).render(stack)
    web = rendered.services["web"]
    assert rendered.project == "wiki"
    assert web["image"] == "nginx:2"
    assert web["environment"] == {"DB_PASSWORD": "(secret DB_PASSWORD)", "PRICE": "5$"}
    assert [mount["source"] for mount in web["volumes"]] == [f"{rendered.directory}/conf", "/srv/x"]
    assert rendered.directory == str(around.folder / "state" / "stacks" / "nas" / "wiki")


def test_what_is_said_has_its_place(around: Surroundings) -> None:
    rendered = ComposeRenderer(around.context()).render(around.stack({"compose.yaml": WEB}))

    def place(*way: str | int) -> tuple[str, int, int]:
        found = rendered.place(*way)
        return found.path.removeprefix(f"{FOLDER}/"), found.line, found.column

    assert place("services", "web", "image") == ("compose.yaml", 3, 5)
    assert place("services", "web", "labels", "traefik.enable") == ("compose.yaml", 11, 9)
    assert place("services", "web", "environment", "PRICE") == ("compose.yaml", 6, 7)
    assert place("services", "web", "ports", 0, "published") == ("compose.yaml", 9, 9)
    assert place("services", "web", "restart") == ("compose.yaml", 2, 3)
    assert place("services", "nobody") == ("compose.yaml", 1, 1)


SEVERAL = {
    "base.yaml": """\
include:
  - path: [db/compose.yaml, db/override.yaml]
    env_file: db/values.env
services:
  web:
    extends: {file: common/service.yaml, service: base}
    image: web:1
    labels: {one: base, two: base}
""",
    "site.yaml": """\
services:
  web:
    labels:
      two: site
    ports: !override ["81:80"]
  extra: {image: extra, profiles: [more]}
""",
    "common/service.yaml": """\
x-common: &common
  restart: always
services:
  base:
    <<: *common
    read_only: true
    env_file: common.env
    ports: ["80:80"]
""",
    "common/common.env": "COMMON=yes\n",
    "db/compose.yaml": "services:\n  db:\n    image: db:${VERSION}\n    volumes: [./data:/data]\n",
    "db/override.yaml": "services:\n  db:\n    mem_limit: 64m\n",
    "db/values.env": "VERSION=16\n",
    "values.env": "VERSION=unused\nTAG=1\n",
    "README.md": "not read",
}


def test_includes_overrides_and_extensions_have_their_places(around: Surroundings) -> None:
    stack = around.stack(SEVERAL, files=["base.yaml", "site.yaml"], profiles=["more"])
    rendered = ComposeRenderer(around.context()).render(stack)
    web, db = rendered.services["web"], rendered.services["db"]
    assert web["labels"] == {"one": "base", "two": "site"}
    assert web["environment"] == {"COMMON": "yes"}
    assert [port["published"] for port in web["ports"]] == ["81"]
    assert db["image"] == "db:16"
    assert db["volumes"][0]["source"] == f"{rendered.directory}/db/data"
    assert {*rendered.services} == {"web", "db", "extra"}

    def place(*way: str | int) -> tuple[str, int]:
        found = rendered.place("services", *way)
        return found.path.removeprefix(f"{FOLDER}/"), found.line

    assert place("web", "labels", "two") == ("site.yaml", 4)
    assert place("web", "labels", "one") == ("base.yaml", 8)
    assert place("web", "read_only") == ("common/service.yaml", 6)
    assert place("web", "restart") == ("common/service.yaml", 2)
    assert place("db", "mem_limit") == ("db/override.yaml", 3)
    assert place("db", "image") == ("db/compose.yaml", 3)
    assert place("extra") == ("site.yaml", 6)


def test_is_what_compose_itself_says_in_a_checkout(around: Surroundings, tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    for path, text in SEVERAL.items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    said = subprocess.run(
        [around.compose, "-f", "base.yaml", "-f", "site.yaml", "-p", "wiki", "config", "--format", "json"],
        cwd=checkout,
        check=True,
        capture_output=True,
    ).stdout
    stack = around.stack(SEVERAL, files=["base.yaml", "site.yaml"], directory=str(checkout))
    assert ComposeRenderer(around.context()).render(stack).model == json.loads(said)


def test_is_worked_out_once_for_each_content(around: Surroundings, compose: Path, tmp_path: Path) -> None:
    """In this process and in the next; another file, value, profile or place is another content."""
    around.compose = tmp_path / "docker-compose"
    shutil.copy(compose, around.compose)

    def started(*, renderer: ComposeRenderer | None = None, **spec: Any) -> int:
        stack = around.stack({"compose.yaml": WEB, **spec.pop("more", {})}, **spec)
        with starts_of(around.compose) as commands:
            (renderer or ComposeRenderer(around.context())).render(stack)
        return len(commands)

    assert started() == 2, "its version, and the Stack"
    assert started() == 0
    assert started(more={"other": "file"}) == 1
    assert started(environment={"TAG": "2"}) == 1
    assert started(profiles=["x"]) == 1
    assert started(environment={"TAG": "2"}) == 0


def test_files_that_sops_encrypted_render_without_a_key(around: Surroundings, sops: RealSops) -> None:
    files: dict[str, str | bytes] = {
        "compose.yaml": (
            "services: {web: {image: 'web:${TAG}', env_file: web.env, labels: {l: '${PASSWORD}'}}}\n"
        ),
        ".env": sops.encrypt(".env", "TAG=1\nPASSWORD=canary\n", encrypted_regex="^PASS"),
        "web.env": sops.encrypt("web.env", "TOKEN=canary\n"),
    }
    web = ComposeRenderer(around.context()).render(around.stack(files)).services["web"]
    assert web["image"] == "web:1"
    assert web["environment"] == {"TOKEN": "(secret TOKEN)"}
    assert web["labels"] == {"l": "(secret PASSWORD)"}


def test_says_which_file_is_missing(around: Surroundings) -> None:
    render = ComposeRenderer(around.context()).render
    with pytest.raises(ComposeError, match=r"wiki\.yaml:1:1 ComposeInvalid .* no compose\.yaml"):
        render(around.stack({"other.yaml": "x"}))
    with pytest.raises(ComposeError, match=r"files names lost\.yaml, which is no file in stacks/wiki"):
        render(around.stack({"compose.yaml": WEB}, files=["lost.yaml"]))
    with pytest.raises(ComposeError, match=r"envFiles names \.\./x"):
        render(around.stack({"compose.yaml": WEB}, envFiles=["../x"]))


def test_nothing_of_the_agent_is_seen(around: Surroundings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_SECRET", "canary")
    monkeypatch.setenv("COMPOSE_PROFILES", "hidden")
    text = (
        "services:\n  web: {image: x, command: '[${AGENT_SECRET-}]', environment: [AGENT_SECRET]}\n"
        "  other: {image: x, profiles: [hidden]}\n"
    )
    rendered = ComposeRenderer(around.context()).render(around.stack({"compose.yaml": text}))
    assert {*rendered.services} == {"web"}
    assert rendered.services["web"]["command"] == ["[]"]
    assert rendered.services["web"]["environment"] == {"AGENT_SECRET": None}
