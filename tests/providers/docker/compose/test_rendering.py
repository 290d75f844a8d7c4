"""Rendering with the real Compose: what comes out, where it stands, and that it is done once."""

from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.providers.docker.compose.stacks import FOLDER, Surroundings

WEB = """\
services:
  web:
    image: nginx:${TAG:-1}
    environment:
      DB_PASSWORD: ${DB_PASSWORD}
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
