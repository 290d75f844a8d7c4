"""What an unmerged revision can make the agent read, ask, decrypt or tell: nothing."""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.app import previews
from argos_gitops.app.application import Application, open_application
from argos_gitops.app.previews import Previewer
from argos_gitops.cli.progress import Silence
from argos_gitops.model.plan import Plan
from argos_gitops.model.secret import NOT_RESOLVED
from argos_gitops.reconcile.parts import Approval
from argos_gitops.status.forge.access import InForce
from argos_gitops.status.forge.forge import PullRequest
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.docker import RealDockerd
from tests.components.sops import RealSops
from tests.real.docker_hosts import docker_host, running, service, stack, with_compose, write_compose
from tests.real.estate import PASSWORD, Estate, ban, document, edge, host
from tests.status.forge.standin import StandIn

# Of letters and digits alone: Markdown escapes all else, and what is escaped would not be found.
ENV, FILE, INLINED = "canaryenv5a10", "canaryfile77be", "canarysops90c3"
CANARIES = (ENV, FILE, INLINED)


class Environment(dict[str, str]):
    """Remembers which variables were read; `asked` is what a test looks at."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self.asked.add(name)
        return super().get(name, default)


_OPENED: list[set[str]] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _OPENED and event in ("open", "os.stat"):
        _OPENED[-1].add(str(arguments[0]))


@cache
def _listen() -> None:
    sys.addaudithook(_hear)


@contextmanager
def opened() -> Iterator[set[str]]:
    """The paths of all files that this process opens. An audit hook stays, so there is one for all tests."""
    _listen()
    _OPENED.append(set())
    try:
        yield _OPENED[-1]
    finally:
        _OPENED.pop()


class Reviewed(Estate):
    """An estate whose branches are planned as pull requests by an agent's insides."""

    def propose(self, branch: str, *documents: Mapping[str, Any], name: str = "proposed.yaml") -> None:
        self.git("checkout", "-q", "-B", branch, "main")
        self.write(name, *documents)
        self.send(branch)

    def send(self, branch: str) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", branch)
        self.git("push", "-q", "-f", "origin", branch)
        self.git("checkout", "-q", "main")


def preview(application: Application, branch: str) -> str:
    """The comment on a pull request of `branch`."""
    snapshot = application.source.fetch()
    in_force = InForce(snapshot.revision, application.load(snapshot).resources)
    return Previewer(application)(
        PullRequest(1, "", branch, "", branch, "", open=True, merged=False, foreign=False), in_force
    )


def approve(_: Plan) -> Approval:
    return Approval(True)


@pytest.fixture
def estate(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec) -> Reviewed:
    estate = Reviewed(tmp_path, {PASSWORD: crowdsec.machine_password, "CANARY_ENV": ENV})
    estate.write("edge.yaml", edge(caddy, crowdsec))
    estate.write("hosts.yaml", host("one", "text"))
    estate.write("bans.yaml", ban("one", "100.64.0.1"))
    estate.push()
    return estate


@pytest.fixture
def environment(estate: Estate) -> Environment:
    return Environment({**estate.environ(), "ARGOS_BRANCH": "main"})


@pytest.fixture
def application(estate: Estate, environment: Environment) -> Iterator[Application]:
    with open_application({}, environment, estate.folder, Silence()) as application:
        application.apply(approve)
        yield application


def sealed(**values: str) -> str:
    """A file that SOPS could have encrypted, for keys that nobody has."""
    text = "ENC[AES256_GCM,data:{},iv:aXY=,tag:dGFn,type:str]"
    tree = {name: text.format(value) for name, value in values.items()}
    vault = {"vault_address": "http://127.0.0.1:1", "engine_path": "t", "key_name": "k", "enc": "vault:v1:x"}
    metadata = {"hc_vault": [vault], "lastmodified": "2026-01-01T00:00:00Z", "mac": "x", "version": "3.13.0"}
    return json.dumps({**tree, "sops": metadata})


def with_headers(name: str, **values: Any) -> Mapping[str, Any]:
    return host(name, "text", headers={"response": {"set": values}})


def test_a_preview_reads_no_secret_that_it_names(
    estate: Reviewed, environment: Environment, application: Application, tmp_path: Path
) -> None:
    """Variables, files and what SOPS encrypted are neither read nor shown; the change itself is."""
    secret = tmp_path / "canary.txt"
    secret.write_text(FILE)
    headers = {
        "X-Env": {"env": "CANARY_ENV"},
        "X-File": {"file": str(secret)},
        "X-Sops": {"sops": "s.yaml#key"},
    }
    users = {"alice": {"file": str(secret)}, "bob": {"env": "CANARY_ENV"}}
    wanted = host("two", "text", headers={"response": {"set": headers}}, basicAuth={"users": users})
    estate.propose("secrets", wanted, ban("two", "100.64.0.2"))
    estate.git("checkout", "-q", "secrets")
    (estate.work / "s.yaml").write_text(sealed(key="YWJj"))
    estate.send("secrets")
    environment.asked.clear()
    with opened() as paths:
        comment = preview(application, "secrets")
    assert "+ Host/two" in comment, comment
    assert "+ Decision/two" in comment
    assert NOT_RESOLVED in comment
    assert not [canary for canary in CANARIES if canary in comment]
    assert str(secret) not in paths
    assert "CANARY_ENV" not in environment.asked
    assert "Vault" not in comment


def test_a_secret_that_a_preview_leaves_alone_is_no_change(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """What SOPS encrypted in the merged revision is not shown; another value is a change."""
    estate = Reviewed(tmp_path, {"ARGOS_AGE_KEY": sops.key, PASSWORD: crowdsec.machine_password})
    estate.write("edge.yaml", edge(caddy, crowdsec))
    estate.write("hosts.yaml", with_headers("one", **{"X-Own": {"sops": "s.json#key"}}))
    first = sops.encrypt("s.json", json.dumps({"key": INLINED, "other": "x"}))
    (estate.work / "s.json").write_bytes(first)
    estate.push()
    with open_application(
        {}, {**estate.environ(), "ARGOS_BRANCH": "main"}, tmp_path, Silence()
    ) as application:
        application.apply(approve)
        assert caddy.get("one.example.com").headers["X-Own"] == INLINED
        estate.propose("beside", host("two", "text"))
        beside = preview(application, "beside")
        assert ("+ Host/two" in beside, "Host/one" in beside, INLINED in beside) == (True, False, False), (
            beside
        )
        estate.git("checkout", "-q", "-B", "other", "main")
        (estate.work / "s.json").write_bytes(sops.change("s.json", first, '["other"]', '"y"'))
        estate.send("other")
        assert "Host/one" not in preview(application, "other")
        estate.git("checkout", "-q", "-B", "rotated", "main")
        (estate.work / "s.json").write_bytes(sops.change("s.json", first, '["key"]', '"canarynew"'))
        estate.send("rotated")
        rotated = preview(application, "rotated")
        assert "~ Host/one" in rotated, rotated
        assert NOT_RESOLVED in rotated
        assert "canary" not in rotated
        estate.propose("gone", host("one", "text"), name="hosts.yaml")
        assert INLINED not in preview(application, "gone")


@pytest.mark.parametrize("field", ["adminUrl", "lapiUrl", "machine"])
def test_a_preview_asks_no_address_that_it_names(
    estate: Reviewed, application: Application, caddy: RealCaddy, crowdsec: RealCrowdSec, field: str
) -> None:
    """An Edge with an address or credentials of a stranger is told, and nobody there hears of us."""
    with StandIn() as stranger:
        moved: dict[str, Any] = edge(caddy, crowdsec)
        if field == "adminUrl":
            moved["spec"]["caddy"]["adminUrl"] = stranger.url
        elif field == "lapiUrl":
            moved["spec"]["crowdsec"]["lapiUrl"] = stranger.url
        else:
            moved["spec"]["crowdsec"]["machine"]["password"] = {"env": "CANARY_ENV"}
        estate.propose("moved", moved, name="edge.yaml")
        caddy_section = {**moved["spec"]["caddy"], "adminUrl": stranger.url}
        another = document("Edge", "another", {**moved["spec"], "caddy": caddy_section})
        estate.propose("added", another)
        for branch, name in (("moved", "Edge/main"), ("added", "Edge/another")):
            told = preview(application, branch).replace("\\", "")
            assert f"{name} and is therefore not planned" in told, told
        assert stranger.asked == []


def test_a_preview_asks_targets_as_they_are_merged(
    estate: Reviewed, environment: Environment, application: Application
) -> None:
    """Live states are read with the credentials of the revision in force, which are all that is resolved."""
    estate.propose("ban", ban("two", "100.64.0.2"))
    environment.asked.clear()
    assert "+ Decision/two" in preview(application, "ban")
    assert PASSWORD in environment.asked


def test_a_preview_of_a_stack_gives_compose_no_secret(
    tmp_path: Path, dockerd: RealDockerd, compose: Path, project: str
) -> None:
    """A secret that the pull request names reaches neither Compose nor the comment; a Stack whose secrets it
    leaves alone is no change."""
    estate = Reviewed(tmp_path, {"CANARY_ENV": ENV})
    with_compose(estate, compose)
    estate.write("box.yaml", docker_host(dockerd))
    estate.write("site.yaml", stack(project, environment={"TOKEN": {"env": "CANARY_ENV"}}))
    write_compose(estate, web=service(dockerd.web, environment={"TOKEN": "${TOKEN}"}))
    estate.push()
    environment = Environment({**estate.environ(), "ARGOS_BRANCH": "main"})
    with open_application({}, environment, tmp_path, Silence()) as application:
        application.apply(approve)
        assert set(running(dockerd, project)) == {"web"}
        estate.propose("beside", document("Network", "beside", {"host": "box"}))
        environment.asked.clear()
        beside = preview(application, "beside")
        assert "+ Network/beside" in beside, beside
        assert "Stack/site" not in beside, beside
        estate.git("checkout", "-q", "-B", "leak", "main")
        leaking = service(
            dockerd.web, environment={"TOKEN": "x", "SHOWN": "${TOKEN}"}, labels={"l": "${TOKEN}"}
        )
        write_compose(estate, web=leaking)
        estate.send("leak")
        leak = preview(application, "leak")
        assert "~ Stack/site" in leak, leak
        assert ENV not in beside + leak
        assert "CANARY_ENV" not in environment.asked


def without_ids(comment: str) -> str:
    """A comment without the ids of its plan and revision."""
    return re.sub(r"[0-9a-f]{6,40}", "", comment)


def test_a_preview_tells_no_guess_of_an_inlined_value_from_the_secret(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """Who writes what a secret may be in its place reads the same, whether that is right or not."""
    estate = Reviewed(tmp_path, {"ARGOS_AGE_KEY": sops.key, PASSWORD: crowdsec.machine_password})
    estate.write("edge.yaml", edge(caddy, crowdsec))
    estate.write("hosts.yaml", with_headers("one", **{"X-Own": {"sops": "s.json#key"}}))
    (estate.work / "s.json").write_bytes(sops.encrypt("s.json", json.dumps({"key": INLINED})))
    estate.push()
    environment = {**estate.environ(), "ARGOS_BRANCH": "main"}
    comments = []
    with open_application({}, environment, tmp_path, Silence()) as application:
        application.apply(approve)
        for guess in ("canarysops00000", INLINED):
            estate.propose("guess", with_headers("one", **{"X-Own": guess}), name="hosts.yaml")
            comments.append(without_ids(preview(application, "guess").replace(guess, "GUESS")))
    assert "~ Host/one" in comments[0]
    assert comments[0] == comments[1]


def test_a_preview_of_a_stack_tells_no_guess_from_the_secret(
    tmp_path: Path, dockerd: RealDockerd, compose: Path, project: str
) -> None:
    """Compose's hash of a right guess is the one of the container that runs, and still nothing shows it."""
    estate = Reviewed(tmp_path, {"CANARY_ENV": ENV})
    with_compose(estate, compose)
    estate.write("box.yaml", docker_host(dockerd))
    estate.write("site.yaml", stack(project, environment={"TOKEN": {"env": "CANARY_ENV"}}))
    write_compose(estate, web=service(dockerd.web, environment={"TOKEN": "${TOKEN}"}))
    estate.push()
    environment = Environment({**estate.environ(), "ARGOS_BRANCH": "main"})
    comments = []
    with open_application({}, environment, tmp_path, Silence()) as application:
        application.apply(approve)
        for guess in ("another-5a10", ENV):
            estate.propose("guess", stack(project, environment={"TOKEN": guess}), name="site.yaml")
            comments.append(without_ids(preview(application, "guess")))
    assert "~ Stack/site" in comments[0]
    assert comments[0] == comments[1]


def test_a_preview_repeats_nothing_that_a_container_says(
    tmp_path: Path, dockerd: RealDockerd, compose: Path, project: str
) -> None:
    """What a sick container writes is told with a plan, and a preview knows no secret to mask in it."""
    estate = Reviewed(tmp_path, {"CANARY_ENV": ENV})
    with_compose(estate, compose)
    estate.write("box.yaml", docker_host(dockerd))
    token = {"TOKEN": {"env": "CANARY_ENV"}}
    estate.write("site.yaml", stack(project, environment=token, health={"timeout": "3s"}))
    sick = {"test": ["CMD", "false"], "interval": "1s", "retries": 1}
    speaking = ["sh", "-c", 'echo "Hello $$TOKEN"; exec sleep 1000']
    web = service(dockerd.web, environment={"TOKEN": "${TOKEN}"}, command=speaking, healthcheck=sick)
    write_compose(estate, web=web)
    estate.push()
    environment = Environment({**estate.environ(), "ARGOS_BRANCH": "main"})
    with open_application({}, environment, tmp_path, Silence()) as application:
        application.apply(approve)
        estate.propose("beside", document("Network", "beside", {"host": "box"}))
        comment = preview(application, "beside")
        assert "is unhealthy" in comment, comment
        assert ENV not in comment


def test_a_preview_with_many_slow_stacks_ends_and_says_what_was_not_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever opens a pull request could keep the agent busy for hours, again with each attempt."""
    monkeypatch.setattr(previews, "SECONDS", 2.0)
    compose = tmp_path / "docker-compose"
    compose.write_text("#!/bin/sh\ncase $* in *version*) echo 2.40.3;; *) exec sleep 1000;; esac\n")
    compose.chmod(0o755)
    estate = Reviewed(tmp_path, {})
    with_compose(estate, compose)
    nowhere = {"docker": {"connection": {"unix": str(tmp_path / "no.sock")}}}
    estate.write("box.yaml", document("DockerHost", "box", nowhere))
    write_compose(estate, web=service("web"))
    estate.push()
    names = [f"s{number:02}" for number in range(12)]
    stacks = [
        document("Stack", name, {"host": "box", "path": "stacks/site", "project": name}) for name in names
    ]
    environment = Environment({**estate.environ(), "ARGOS_BRANCH": "main"})
    with open_application({}, environment, tmp_path, Silence()) as application:
        estate.propose("slow", *stacks)
        comment = preview(application, "slow").replace("\\", "")
    assert comment.startswith("There is no plan: the time for rendering the Stacks of one revision is over")
    assert "of 12 Stacks were not rendered" in comment
    assert "Stack/s11" in comment
