"""A config repository on a real Gitea and a real Caddy: what people see where they review it."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest

from argos_gitops.app.application import Application, open_application
from argos_gitops.cli.progress import progress_for_people
from argos_gitops.model.plan import Plan
from argos_gitops.reconcile.parts import Approval
from tests.components.caddy import RealCaddy
from tests.components.gitea import RealGitea
from tests.real.estate import Estate, document, edge, host

_SCOPES = "write:repository,write:issue,read:user"


class Hosted:
    """A repository on Gitea, and the agent that follows it."""

    def __init__(self, gitea: RealGitea, estate: Estate) -> None:
        name = f"config-{token_hex(4)}"
        gitea.add_repository(name)
        self._gitea = gitea
        self.estate = estate
        self.project = f"admin/{name}"
        token = gitea.token("admin", _SCOPES)
        estate.environment |= {
            "ARGOS_REPO": f"{gitea.url}/{self.project}.git",
            "ARGOS_GIT_TOKEN": token,
            "FORGE_TOKEN": token,
        }
        self.token = token

    def api(self, method: str, path: str, body: object = None) -> Any:
        return self._gitea.api(method, f"repos/{self.project}/{path}", body)

    def write(self, name: str, content: Mapping[str, Any], branch: str = "main") -> str:
        """Creates or changes one file with a commit of its own; the commit's id."""
        found = [f for f in self.api("GET", f"git/trees/{branch}?recursive=1")["tree"] if f["path"] == name]
        body = {
            "branch": branch,
            "message": f"change {name}",
            "content": base64.b64encode(_text(content)).decode(),
        }
        if found:
            return str(self.api("PUT", f"contents/{name}", {**body, "sha": found[0]["sha"]})["commit"]["sha"])
        return str(self.api("POST", f"contents/{name}", body)["commit"]["sha"])

    def propose(self, branch: str, name: str, content: Mapping[str, Any]) -> int:
        """A pull request of one file."""
        self.api("POST", "branches", {"new_branch_name": branch, "old_branch_name": "main"})
        self.write(name, content, branch)
        body = {"head": branch, "base": "main", "title": branch}
        return int(self.api("POST", "pulls", body)["number"])

    def merge(self, number: int) -> str:
        return self._gitea.merge(self.project, number)

    def comments(self, number: int) -> list[str]:
        return [str(each["body"]) for each in self.api("GET", f"issues/{number}/comments")]

    def statuses(self, sha: str) -> list[tuple[str, str, str]]:
        found = self.api("GET", f"commits/{sha}/statuses?sort=oldest")
        return [(each["context"], each["status"], each["description"]) for each in found]


@pytest.fixture
def hosted(gitea: RealGitea, caddy: RealCaddy, tmp_path: Path) -> Hosted:
    forge = {"type": "gitea", "token": {"env": "FORGE_TOKEN"}, "plans": True}
    hosted = Hosted(gitea, Estate(tmp_path))
    documents = {"edge": edge(caddy), "agent": document("Agent", "agent", {"forge": forge})}
    gitea.commit(hosted.project, {f"{name}.yaml": _text(content) for name, content in documents.items()})
    return hosted


@pytest.fixture
def application(hosted: Hosted) -> Iterator[Application]:
    """The agent's insides."""
    environment = hosted.estate.environ()
    with open_application({}, environment, hosted.estate.folder, progress_for_people()) as application:
        yield application


def _text(content: Mapping[str, Any]) -> bytes:
    """JSON is YAML."""
    return json.dumps(content, indent=1).encode()


def _approve(_: Plan) -> Approval:
    return Approval(True)


def test_fm11_each_revision_is_judged_where_it_is_reviewed(hosted: Hosted) -> None:
    """Applied, rejected, and applied again, by processes that know nothing of each other."""
    number = hosted.propose("wiki", "hosts/wiki.json.yaml", host("wiki", "one"))
    good = hosted.merge(number)
    assert hosted.estate.apply().code == 0
    bad = hosted.write("hosts/bad.yaml", host("bad", "x", wrong=1))
    assert hosted.estate.apply().code == 3
    assert [state for _, state, _ in hosted.statuses(good)] == ["success"]
    assert hosted.statuses(good)[0][::2] == ("argos-gitops/test", "applied: 2 added")
    assert [state for _, state, _ in hosted.statuses(bad)] == ["failure"]
    [comment] = hosted.comments(number)
    assert "Host/wiki" in comment
    assert hosted.token not in comment
    fixed = hosted.write("hosts/bad.yaml", host("bad", "x"))
    assert hosted.estate.apply().code == 0
    assert [state for _, state, _ in hosted.statuses(fixed)] == ["success"]


def test_a_pull_request_is_told_what_merging_it_would_change(
    hosted: Hosted, application: Application
) -> None:
    """As it would be after the merge; once for each state; nothing is written to the edge."""
    hosted.write("hosts/first.yaml", host("first", "one"))
    number = hosted.propose("wiki", "hosts/wiki.yaml", host("wiki", "one"))
    hosted.write("hosts/meanwhile.yaml", host("meanwhile", "one"))
    application.apply(_approve)
    for _ in range(2):
        application.forge.plans.look()
    [comment] = hosted.comments(number)
    assert "what merging this would change" in comment
    assert "+ Host/wiki" in comment
    assert "Host/meanwhile" not in comment
    assert "Host/first" not in comment
    assert application.plan().empty
    hosted.write("hosts/wiki.yaml", host("wiki", "two", wrong=1), "wiki")
    application.forge.plans.look()
    [comment] = hosted.comments(number)
    assert "UnknownField" in comment
    hosted.write("hosts/wiki.yaml", host("wiki", "two"), "wiki")
    hosted.merge(number)
    application.apply(_approve)
    [comment] = hosted.comments(number)
    assert "applied: 1 added" in comment.replace("\\", "")


def test_a_pull_request_cannot_send_the_agent_elsewhere(
    hosted: Hosted, application: Application, make_caddy: Callable[..., RealCaddy]
) -> None:
    """One that moves a target is not planned: nobody at the new address hears of us."""
    application.apply(_approve)
    elsewhere = make_caddy()
    number = hosted.propose("moved", "edge.yaml", edge(elsewhere))
    added = hosted.propose("added", "other.yaml", {**edge(elsewhere), "metadata": {"name": "other"}})
    application.forge.plans.look()
    assert "Edge/main and is therefore not planned" in hosted.comments(number)[0].replace("\\", "")
    assert "Edge/other and is therefore not planned" in hosted.comments(added)[0].replace("\\", "")
    assert "argos-gitops/" not in elsewhere.log_tail(1000)


def test_a_conflict_is_told_on_the_pull_request(hosted: Hosted, application: Application) -> None:
    """There is no plan of what git cannot merge."""
    hosted.write("hosts/wiki.yaml", host("wiki", "one"))
    number = hosted.propose("wiki", "hosts/wiki.yaml", host("wiki", "two"))
    hosted.write("hosts/wiki.yaml", host("wiki", "three"))
    application.apply(_approve)
    application.forge.plans.look()
    assert "solve the conflicts" in hosted.comments(number)[0]
