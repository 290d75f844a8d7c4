"""Secrets of a Stack reach its containers and nothing else: no argument, log, error or file of ours."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.errors import ProviderError
from argos_gitops.model.secret import MASK
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.components.docker import RealDockerd
from tests.components.sops import RealSops
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.test_runner import containers, runner_of

CANARY = "canary-9f41"
COMPOSE = """\
services:
  web:
    image: stand-in/sleep:1
    command: ["sh", "-c", "echo $$DB_PASSWORD $$API_TOKEN ${PLAIN}; cat /run/secrets/*; exec sleep 86400"]
    env_file: db.env
    environment: {API_TOKEN: "${API_TOKEN}"}
    volumes: ["./app.yaml:/app.yaml:ro"]
    secrets: [key, token]
secrets:
  key: {file: key.pem}
  token: {environment: API_TOKEN}
"""


@contextmanager
def arguments_seen() -> Iterator[set[str]]:
    """The command lines of all processes while it runs."""
    seen: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    seen.add(path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace"))
                except OSError:
                    continue

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ended.set()
        thread.join()


def files_with(canary: str, folder: Path) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in sorted(folder.rglob("*"))
        if path.is_file() and canary.encode() in path.read_bytes()
    ]


@pytest.fixture
def sealed(around: Surroundings, sops: RealSops) -> dict[str, str | bytes]:
    """A Stack whose secrets lie in every form in git, and one in the environment."""
    around.environment |= {"SOPS_AGE_KEY": sops.key, "TOKEN": f"{CANARY}-token"}
    return {
        "compose.yaml": COMPOSE,
        "db.env": sops.encrypt("db.env", f"DB_PASSWORD={CANARY}-db\n"),
        "app.yaml": sops.encrypt("app.yaml", f"db: {{password: {CANARY}-app}}\nport: 80\n"),
        "key.pem": sops.encrypt("key.pem", f"{CANARY}-key\nsecond {CANARY} line\n"),
    }


def test_secrets_reach_containers_and_nothing_else(
    around: Surroundings, sealed: dict[str, str | bytes], dockerd: RealDockerd, project: str
) -> None:
    spec: dict[str, Any] = {
        "environment": {"API_TOKEN": {"env": "TOKEN"}, "PLAIN": "plain"},
        "project": project,
    }
    stack, runner = around.stack(sealed, **spec), runner_of(around, dockerd)
    with arguments_seen() as seen:
        rendered = ComposeRenderer(around.context()).render(stack)
        hashes = runner.hashes(stack)
        runner.up(stack)
        logs = "\n".join(runner.logs(stack, "web"))
    web = next(iter(containers(dockerd, project).values()))["Config"]["Env"]
    assert {f"DB_PASSWORD={CANARY}-db", f"API_TOKEN={CANARY}-token"} <= {*web}
    assert f"password: {CANARY}-app" in dockerd.run("exec", f"{project}-web-1", "cat", "/app.yaml")
    assert any("docker-compose" in line and " up " in line for line in seen)
    assert not [line for line in seen if CANARY in line]
    assert CANARY not in f"{rendered.model} {rendered} {hashes} {stack} {around.progress}"
    assert CANARY not in logs
    assert MASK in logs
    assert "plain" in logs
    assert files_with(CANARY, around.folder / "cache") == []
    home = f"stacks/nas/{project}"
    assert files_with(CANARY, around.folder / "state") == [
        f"{home}/app.yaml",
        f"{home}/db.env",
        f"{home}/key.pem",
    ]
    assert around.folder.joinpath("state", home).stat().st_mode & 0o077 == 0


def test_without_the_key_all_renders_but_nothing_runs(
    around: Surroundings, sealed: dict[str, str | bytes], dockerd: RealDockerd
) -> None:
    del around.environment["SOPS_AGE_KEY"]
    stack = around.stack(sealed, environment={"API_TOKEN": {"env": "TOKEN"}})
    rendered = ComposeRenderer(around.context()).render(stack)
    assert rendered.services["web"]["environment"] == {
        "API_TOKEN": "(secret API_TOKEN)",
        "DB_PASSWORD": "(secret DB_PASSWORD)",
    }
    with pytest.raises(ProviderError, match=r"stacks/wiki/db\.env cannot be decrypted") as caught:
        runner_of(around, dockerd).hashes(stack)
    assert caught.value.reason == "SecretUnreadable"
    del around.environment["TOKEN"]
    with pytest.raises(
        ProviderError, match=r"Stack/wiki spec\.environment\.API_TOKEN: the secret env TOKEN"
    ) as caught:
        runner_of(around, dockerd).hashes(stack)
    assert caught.value.reason == "SecretMissing"


def test_what_fails_tells_no_secret(around: Surroundings, dockerd: RealDockerd, project: str) -> None:
    """A secret in a place where the engine repeats it: an image's name, a command that is not there."""
    around.environment["TOKEN"] = CANARY
    for service in (
        'image: "registry.invalid/${T}:1", pull_policy: never',
        'image: "stand-in/sleep:1", command: ["/${T}"]',
    ):
        text = f"services: {{web: {{{service}}}}}\n"
        stack = around.stack({"compose.yaml": text}, project=project, environment={"T": {"env": "TOKEN"}})
        with pytest.raises(ProviderError) as caught:
            runner_of(around, dockerd).up(stack)
        assert CANARY not in str(caught.value)
        assert MASK in str(caught.value)
    number = around.stack(
        {"compose.yaml": 'services: {web: {image: x, ports: ["${T}:80"]}}\n'},
        environment={"T": {"env": "TOKEN"}},
    )
    with pytest.raises(ProviderError) as caught:
        runner_of(around, dockerd).hashes(number)
    assert CANARY not in str(caught.value)
