"""A Stack whose author nobody trusts learns nothing of the agent: no file, no variable, no neighbour."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from argos_gitops.model.errors import ArgosError
from argos_gitops.providers.docker.compose.limits import is_reserved
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.resolving import Resolver
from tests.providers.docker.compose.attacks import ATTACKS, CANARY, SERVICE, Attack, neighbour, placed
from tests.providers.docker.compose.contained import MACHINES, rendered_on
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.starts import starts_of
from tests.providers.docker.compose.watching import listeners, opened

ENVIRONMENT = {
    "PATH", "HOME", "PWD", "DOCKER_CONFIG", "XDG_CACHE_HOME", "COMPOSE_ANSI", "COMPOSE_MENU",
    "COMPOSE_PROGRESS", "COMPOSE_REMOVE_ORPHANS", "COMPOSE_EXPERIMENTAL_GIT_REMOTE",
    "COMPOSE_EXPERIMENTAL_OCI_REMOTE", "COMPOSE_DISABLE_ENV_FILE",
}  # fmt: skip
HOMES = (Path("/dev/shm"), Path(tempfile.gettempdir()))  # noqa: S108 - only looked at


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder of the agent's own, outside of every Stack."""
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "agent.env").write_text(f"CANARY_KEY={CANARY}\n")
    (folder / "broken.env").write_text(f"CANARY {CANARY}\n")
    (folder / ".env").write_text(f"CANARY_KEY={CANARY}\n")
    (folder / "other.yaml").write_text(f"services: {{web: {{image: web, labels: {{got: {CANARY}}}}}}}\n")
    return folder


@pytest.fixture(autouse=True)
def _agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent's environment holds a secret."""
    monkeypatch.setenv("CANARY_KEY", CANARY)


@pytest.fixture
def agent() -> Iterator[int]:
    """A process whose environment nobody may read."""
    with neighbour() as number:
        yield number


def tried(around: Surroundings, attack: Attack) -> str:
    """Whatever validating and planning say of a Stack."""
    stack, said = around.stack(attack.files, **attack.spec), []
    for attempt in (
        lambda: ComposeRenderer(around.context()).render(stack),
        lambda: Resolver(around.context()).resolved(stack).model,
    ):
        try:
            said.append(repr(attempt()))
        except ArgosError as error:
            said.append(str(error))
    return "\n".join(said)


@pytest.mark.parametrize("name", ATTACKS)
def test_no_file_outside_of_the_folder_is_read(
    around: Surroundings, out: Path, agent: int, name: str
) -> None:
    with opened(out) as watching:
        said = tried(around, placed(ATTACKS[name], str(out), agent))
        assert watching.seen() == set()
    assert CANARY not in said


@pytest.mark.parametrize("machine", [name for name in MACHINES if name != "with nothing"])
@pytest.mark.parametrize("name", ["a variable that is empty but set", "the agent's environment as values"])
def test_each_means_alone_keeps_files_away(
    around: Surroundings, out: Path, agent: int, machine: str, name: str
) -> None:
    """Namespaces where there is no Landlock, Landlock where a container's filter refuses namespaces."""
    attack = placed(ATTACKS[name], str(out), agent)
    good = {
        "compose.yaml": "include: [inner.yaml]\n" + SERVICE,
        "inner.yaml": "services: {db: {image: db}}\n",
    }
    assert '"image": "db"' in rendered_on(machine, around, good, {})
    with opened(out) as watching:
        said = rendered_on(machine, around, attack.files, attack.spec)
        assert watching.seen() == set()
    assert CANARY not in said
    assert "Compose" in said, "it is refused with its code"


def test_where_nothing_confines_nothing_is_rendered(around: Surroundings) -> None:
    said = rendered_on("with nothing", around, {"compose.yaml": SERVICE}, {})
    assert "wiki.yaml:1:1 ComposeUnconfined Stack/wiki: docker compose was not started" in said
    assert "Landlock" in said


def steering(tcp: int, unix: Path) -> dict[str, str]:
    """Variables by which programs would call somebody, or load something."""
    return {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{tcp}",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{tcp}",
        "OTEL_RESOURCE_ATTRIBUTES": "a={file}",
        "OTEL_TRACES_SAMPLER": "always_on",
        "COMPOSE_EXPERIMENTAL_OTEL": "true",
        "HTTP_PROXY": f"http://127.0.0.1:{tcp}",
        "https_proxy": f"http://127.0.0.1:{tcp}",
        "SSH_AUTH_SOCK": str(unix),
        "DOCKER_HOST": f"tcp://127.0.0.1:{tcp}",
        "DOCKER_CONTEXT": "elsewhere",
        "COMPOSE_EXPERIMENTAL_GIT_REMOTE": "1",
        "COMPOSE_EXPERIMENTAL_OCI_REMOTE": "1",
        "LD_PRELOAD": str(unix),
        "GODEBUG": "netdns=go",
    }


def test_no_variable_of_a_stack_makes_compose_call_anybody(around: Surroundings, out: Path) -> None:
    """Of its document and of its env file; tracing of Compose would send what a file holds."""
    with listeners(out) as listening, opened(out) as watching:
        values = steering(listening.tcp_port, listening.path)
        values["OTEL_RESOURCE_ATTRIBUTES"] = f"a={out}/agent.env"
        written = "".join(f"{name}={value}\n" for name, value in values.items())
        in_file = around.stack({"compose.yaml": SERVICE, ".env": written})
        allowed = {name: value for name, value in values.items() if not is_reserved(name)}
        in_document = around.stack({"compose.yaml": SERVICE}, environment=allowed)
        for stack in (in_file, in_document):
            assert {*ComposeRenderer(around.context()).render(stack).services} == {"web"}
            assert {*Resolver(around.context()).resolved(stack).hashes} == {"web"}
        assert listening.called() == []
        assert watching.seen() == set()


def test_the_environment_of_compose_is_an_allow_list(around: Surroundings) -> None:
    """No value of a Stack, plain or secret, and nothing of the agent is in it."""
    around.environment["TOKEN"] = "canary-token"
    text = SERVICE + '    environment: {T: "${TOKEN}", P: "${PLAIN}"}\n    secrets: [s]\n'
    files = {"compose.yaml": text + "secrets: {s: {environment: TOKEN}}\n", ".env": "FILE=canary-file\n"}
    stack = around.stack(files, environment={"TOKEN": {"env": "TOKEN"}, "PLAIN": "canary-plain"})
    with starts_of(around.compose) as starts:
        ComposeRenderer(around.context()).render(stack)
        resolved = Resolver(around.context()).resolved(stack)
    assert resolved.model["services"]["web"]["environment"] == {"T": "canary-token", "P": "canary-plain"}
    assert len(starts) >= 4
    for start in starts:
        assert {*start.environment} <= ENVIRONMENT
        assert "canary" not in f"{start.command} {start.environment}"


def test_values_leave_nothing_behind(around: Surroundings) -> None:
    """Whether Compose takes the Stack or not."""
    good = around.stack({"compose.yaml": SERVICE}, environment={"V": "canary-left"})
    bad = around.stack({"compose.yaml": "services: 3\n"}, environment={"V": "canary-left"})
    ComposeRenderer(around.context()).render(good)
    with pytest.raises(ArgosError):
        ComposeRenderer(around.context()).render(bad)
    assert not [path for home in HOMES for path in home.glob(f"argos-compose-{os.getpid()}-*")]


def test_a_secret_decides_nothing(around: Surroundings) -> None:
    """Reviews and policies see placeholders: what runs is the same but for texts."""
    around.environment |= {"W": "web.env", "OUT": "/srv", "T": "word and word"}
    optional = 'env_file: [{path: "${WHERE}", required: false}]'
    files = {"compose.yaml": SERVICE + f"    {optional}\n", "web.env": "A=1\n"}
    with pytest.raises(ArgosError, match=r"services\.web\.environment: a secret decides what stands here"):
        Resolver(around.context()).resolved(around.stack(files, environment={"WHERE": {"env": "W"}}))
    moved = {
        "compose.yaml": 'include: [{path: a/in.yaml, project_directory: "${OUT}"}]\n',
        "a/in.yaml": SERVICE + '    volumes: ["../x:/x"]\n',
    }
    with pytest.raises(ArgosError, match="a secret decides what stands here"):
        Resolver(around.context()).resolved(around.stack(moved, environment={"OUT": {"env": "OUT"}}))
    text = SERVICE + '    command: [run, "--token=${T}", now]\n    labels: {l: "a ${T} b"}\n'
    stack = around.stack({"compose.yaml": text}, environment={"T": {"env": "T"}})
    assert Resolver(around.context()).resolved(stack).model["services"]["web"]["labels"] == {
        "l": "a word and word b"
    }
