"""Variables that nobody set: Compose takes a blank for each, and says so; nobody means it in most places."""

from collections.abc import Mapping
from typing import Any

import pytest

from argos_gitops.model.problem import Problem
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.providers.docker.compose.stacks import FOLDER, Surroundings
from tests.providers.docker.compose.starts import starts_of

_SERVICE = "services:\n  web:\n    image: nginx:1\n"


def _told(around: Surroundings, files: Mapping[str, str], **spec: Any) -> list[tuple[str, str, int, str]]:
    """Problems or warnings of a Stack: code, file, line, message."""
    found: tuple[Problem, ...]
    try:
        found = ComposeRenderer(around.context()).render(around.stack(files, **spec)).warnings
    except ComposeError as error:
        found = error.problems
    return [
        (each.code, each.location.path.removeprefix(f"{FOLDER}/"), each.location.line, each.message)
        for each in found
    ]


def _one(around: Surroundings, rest: str) -> tuple[str, str, int, str]:
    (told,) = _told(around, {"compose.yaml": _SERVICE + rest})
    return told


@pytest.mark.parametrize(
    ("line", "name", "way"),
    [
        ('    environment: {POSTGRES_PASSWORD: "${PW}"}\n', "PW", "environment.POSTGRES_PASSWORD"),
        ('    environment: ["URL=redis://:${REDIS_PASSWORD}@db"]\n', "REDIS_PASSWORD", "environment.URL"),
        ('    command: ["--requirepass", "$REDIS_PASSWORD"]\n', "REDIS_PASSWORD", "command.1"),
        ('    ports: ["${DB_PORT}:5432"]\n', "DB_PORT", "ports.0.published"),
        ('    ports: ["${BIND_TO}80:80"]\n', "BIND_TO", "ports.0.published"),
        ('    volumes: ["${DATA}/x:/x"]\n', "DATA", "volumes.0.source"),
        (
            '    labels: ["traefik.http.routers.a.rule=Host(`app.${DOMAIN}`)"]\n',
            "DOMAIN",
            "labels.traefik.http",
        ),
        ('    restart: "${POLICY}"\n', "POLICY", "restart"),
        ('    mem_limit: "1${UNIT}"\n', "UNIT", "mem_limit"),
        ('    stop_grace_period: "1m${SECONDS}"\n', "SECONDS", "stop_grace_period"),
    ],
)
def test_a_blank_that_nobody_means_is_a_problem(around: Surroundings, line: str, name: str, way: str) -> None:
    """With the line that names the variable, and where it ends."""
    code, file, number, message = _one(around, line)
    assert (code, file, number) == ("ComposeVariableUnset", "compose.yaml", 4)
    assert f"the variable {name} is not set" in message
    assert f"stands in services.web.{way}" in message
    assert f"${{{name}:-}}" in message


@pytest.mark.parametrize("image", ["nginx:${TAG}", "${REGISTRY}nginx"])
def test_an_image_is_whole(around: Surroundings, image: str) -> None:
    (told,) = _told(around, {"compose.yaml": f"services:\n  web:\n    image: {image}\n"})
    assert told[:3] == ("ComposeVariableUnset", "compose.yaml", 3)


@pytest.mark.parametrize(
    "line",
    [
        '    environment: {TZ: "${TZ}"}\n',
        '    command: ["run", "${EXTRA_ARGS}"]\n',
        '    hostname: "web${SUFFIX}"\n',
    ],
)
def test_a_blank_text_is_a_warning(around: Surroundings, line: str) -> None:
    """It may be meant, and is never hidden."""
    code, file, number, message = _one(around, line)
    assert (code, file, number) == ("ComposeWarning", "compose.yaml", 4)
    assert "is not set" in message


@pytest.mark.parametrize(
    "line",
    [
        '    ports: ["${DB_PORT:-5432}:5432"]\n',
        '    environment: {POSTGRES_PASSWORD: "${PW:-}", OTHER: "${PW-}"}\n',
        '    command: ["${DEBUG:+--debug}", "$$HOME"]\n',
    ],
)
def test_a_default_is_an_answer(around: Surroundings, line: str) -> None:
    assert _told(around, {"compose.yaml": _SERVICE + line}) == []


def test_what_is_set_anywhere_is_set(around: Surroundings) -> None:
    """By the Stack, by an env file, by the env file of what is included."""
    inner = 'services: {db: {image: "db:${DB_TAG}"}}\n'
    files = {
        "compose.yaml": "include: [{path: db/compose.yaml, env_file: db/values.env}]\n"
        'services: {web: {image: "web:${TAG}", ports: ["${PORT}:80"]}}\n',
        ".env": "TAG=1\n",
        "db/compose.yaml": inner,
        "db/values.env": "DB_TAG=2\n",
    }
    assert _told(around, files, environment={"PORT": "8080"}) == []


def test_a_dollar_in_an_env_file_is_a_variable_too(around: Surroundings) -> None:
    """A password that ends at its dollar sign."""
    files = {
        "compose.yaml": _SERVICE + '    environment: {DB_PASSWORD: "${PW}"}\n',
        ".env": "A=1\nPW=ab$cd\n",
    }
    (told,) = _told(around, files)
    assert told[:3] == ("ComposeVariableUnset", ".env", 2)
    assert "the variable cd is not set" in told[3]
    assert "single quotes in an env file" in told[3]
    files = {"compose.yaml": _SERVICE + "    env_file: web.conf.env\n", "web.conf.env": "DB_PASSWORD=ab$cd\n"}
    (told,) = _told(around, files)
    assert told[:3] == ("ComposeVariableUnset", "web.conf.env", 1)


def test_a_secret_without_a_value_is_a_problem(around: Surroundings) -> None:
    """Compose warns of it only when it starts."""
    rest = "    secrets: [pw]\nsecrets:\n  pw: {environment: DB_PASSWORD}\n"
    code, file, number, message = _one(around, rest)
    assert (code, file, number) == ("ComposeVariableUnset", "compose.yaml", 6)
    assert "DB_PASSWORD is not set" in message
    files = {"compose.yaml": _SERVICE + rest}
    assert _told(around, files, environment={"DB_PASSWORD": {"env": "NOBODY"}}) == []


def test_what_compose_refuses_for_it_is_told_with_it(around: Surroundings) -> None:
    told = _told(around, {"compose.yaml": _SERVICE + "    mem_limit: ${MEM}\n"})
    assert [(code, line) for code, _, line, _ in told] == [("ComposeInvalid", 4), ("ComposeVariableUnset", 4)]


def test_every_other_warning_is_told(around: Surroundings) -> None:
    """From what is kept, too."""
    files = {"compose.yaml": _SERVICE + 'version: "3"\n'}
    with starts_of(around.compose) as commands:
        first, again = _told(around, files), _told(around, files)
    assert len(commands) == 1
    assert first == again
    ((code, file, line, message),) = first
    assert (code, file, line) == ("ComposeWarning", "compose.yaml", 4)
    assert "docker compose warns: compose.yaml: the attribute `version` is obsolete" in message
