"""Hostile Stacks through what people and the forge run: the agent's secrets are in no output and no file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from argos_gitops.app.application import Application, open_application
from argos_gitops.cli.progress import Silence
from tests.components.docker import RealDockerd
from tests.components.sops import RealSops
from tests.providers.docker.compose.attacks import ATTACKS, CANARY, SERVICE, Attack, neighbour, placed
from tests.providers.docker.compose.watching import opened
from tests.real.docker_hosts import docker_host, stack, with_compose
from tests.real.test_previews import Environment, Reviewed, approve, preview

SPELLINGS = (
    "a variable that is empty but set",
    "a default without a colon",
    "a letter that ends no name",
    "a service in quotes",
    "the agent's environment as values",
    "a file read for a message",
)
TOKEN, SEALED = "canarytoken31c7", "canarysealed0b8d"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Files of the agent that no Stack may see."""
    folder = tmp_path / "agent"
    folder.mkdir()
    (folder / "agent.env").write_text(f"CANARY_KEY={CANARY}\n")
    (folder / "other.yaml").write_text(f"services: {{web: {{image: {CANARY}}}}}\n")
    return folder


@pytest.fixture
def estate(tmp_path: Path, dockerd: RealDockerd, compose: Path) -> Reviewed:
    folder = tmp_path / "estate"
    folder.mkdir()
    estate = Reviewed(folder, {"CANARY_KEY": CANARY, "TOKEN": TOKEN})
    with_compose(estate, compose)
    estate.write("box.yaml", docker_host(dockerd))
    estate.push()
    return estate


@pytest.fixture
def environment(estate: Reviewed) -> Environment:
    return Environment(estate.environ())


@pytest.fixture
def application(estate: Reviewed, environment: Environment) -> Iterator[Application]:
    with open_application({}, environment, estate.folder, Silence()) as application:
        yield application


def lay_out(estate: Reviewed, attack: Attack, project: str) -> None:
    for path, text in attack.files.items():
        place = estate.work / "stacks" / "site" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    estate.write("site.yaml", stack(project, **attack.spec))


def files_with(canary: str, folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and canary.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", SPELLINGS)
def test_a_pull_request_reads_no_file_of_the_agent(
    estate: Reviewed, application: Application, out: Path, project: str, name: str
) -> None:
    """In the comment of the forge, by validate and by plan."""
    estate.git("checkout", "-q", "-B", "evil", "main")
    with opened(out) as watching, neighbour() as process:
        lay_out(estate, placed(ATTACKS[name], str(out), process), project)
        estate.send("evil")
        said = preview(application, "evil")
        estate.git("checkout", "-q", "evil")
        for command in (("validate",), ("validate", "-o", "json"), ("plan",), ("plan", "-o", "json")):
            done = estate.run(*command, "--repo", str(estate.work))
            said += done.out + done.err
        assert watching.seen() == set()
    assert "site" in said
    assert CANARY not in said
    assert files_with(CANARY, estate.folder / "state") == []
    assert files_with(CANARY, estate.folder / "cache") == []


def test_a_preview_resolves_no_secret_of_a_stack(
    estate: Reviewed, application: Application, environment: Environment, sops: RealSops, project: str
) -> None:
    """What changed is told, a changed secret as such, and nothing is decrypted or looked up for it."""
    text = SERVICE.replace("image: web", 'image: "stand-in/sleep:1"') + (
        '    environment: {T: "${TOKEN}"}\n    env_file: s.env\n    volumes: ["./s.env:/s.env:ro"]\n'
    )
    sealed = sops.encrypt("s.env", f"PASSWORD={SEALED}\n")
    secrets = {"environment": {"TOKEN": {"env": "TOKEN"}}}
    lay_out(estate, Attack({"compose.yaml": text}, secrets), project)
    (estate.work / "stacks/site/s.env").write_bytes(sealed)
    estate.push()
    environment["SOPS_AGE_KEY"] = sops.key
    application.apply(approve)
    environment.asked.clear()
    del environment["SOPS_AGE_KEY"]

    estate.git("checkout", "-q", "-B", "same", "main")
    (estate.work / "README.md").write_text("nothing else")
    estate.send("same")
    comment = preview(application, "same")
    assert "Stack/site" not in comment, "a secret that is a placeholder on both sides is no change"

    estate.git("checkout", "-q", "-B", "asks", "main")
    leaking = text + '    labels: {leak: "${TOKEN} ${CANARY_KEY:-}", file: "${PASSWORD:-}"}\n'
    lay_out(estate, Attack({"compose.yaml": leaking}, secrets), project)
    estate.send("asks")
    comment = preview(application, "asks")
    assert "Stack/site" in comment

    estate.git("checkout", "-q", "-B", "rotates", "main")
    (estate.work / "stacks/site/s.env").write_bytes(sops.encrypt("s.env", f"PASSWORD={SEALED}-2\n"))
    estate.send("rotates")
    rotated = preview(application, "rotates")
    assert "Stack/site" in rotated
    for said in (comment, rotated):
        assert TOKEN not in said
        assert SEALED not in said
        assert "secret-not-resolved" not in said
    assert "TOKEN" not in environment.asked
    environment["SOPS_AGE_KEY"] = sops.key
    assert application.plan().empty, "a preview leaves nothing behind that a pass would take for true"
