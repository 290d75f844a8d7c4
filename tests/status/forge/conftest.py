"""A project on a real Gitea, and what speaks to it."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

import pytest

from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.secret import SecretRef, SecretValue
from argos_gitops.status.forge.access import forge_of
from argos_gitops.status.forge.forge import Forge
from tests.components.gitea import RealGitea
from tests.fakes import NoSealedFiles
from tests.status.forge.standin import StandIn

SCOPES = "write:repository,write:issue,read:user"
"""All that docs/ci.md asks for."""


@dataclass(frozen=True)
class Project(NoSealedFiles):
    """A repository on a Gitea with a first commit. `token` has the documented rights and no other."""

    gitea: RealGitea
    name: str
    token: str

    @property
    def url(self) -> str:
        return f"{self.gitea.url}/{self.name}.git"

    @property
    def spec(self) -> ForgeSpec:
        return ForgeSpec(type="gitea", token=SecretRef(env="FORGE_TOKEN"))

    def resolve(self, ref: SecretRef) -> SecretValue:
        """It is its own Secrets."""
        assert ref.env == "FORGE_TOKEN"
        return SecretValue(self.token)

    def commit(self, files: Mapping[str, bytes], *, branch: str = "main") -> str:
        return self.gitea.commit(self.name, files, branch=branch)

    def api(self, method: str, path: str, body: object = None) -> Any:
        return self.gitea.api(method, f"repos/{self.name}/{path}", body)

    def pull(self, branch: str) -> int:
        """Opens a pull request of a branch, as a person would."""
        body = {"head": branch, "base": "main", "title": f"merge {branch}", "body": "please"}
        return int(self.api("POST", "pulls", body)["number"])

    def merge(self, number: int) -> str:
        """The merge commit."""
        return self.gitea.merge(self.name, number)

    def statuses(self, sha: str) -> list[tuple[str, str]]:
        """Every status that was ever set on a commit, oldest first."""
        found = self.api("GET", f"commits/{sha}/statuses?sort=oldest")
        return [(each["status"], each["description"]) for each in found]

    def comments(self, number: int) -> list[str]:
        return [each["body"] for each in self.api("GET", f"issues/{number}/comments")]


@pytest.fixture
def project(gitea: RealGitea) -> Project:
    name = f"config-{token_hex(4)}"
    gitea.add_repository(name)
    project = Project(gitea, f"admin/{name}", gitea.token("admin", SCOPES))
    project.commit({"README.md": b"a config repository\n"})
    return project


@pytest.fixture
def forge(project: Project) -> Iterator[Forge]:
    forge = forge_of(project.spec, project.url, project)
    yield forge
    forge.close()


@pytest.fixture
def standin() -> Iterator[StandIn]:
    with StandIn() as server:
        yield server


class OneToken(NoSealedFiles):
    """Secrets that know a single one."""

    def resolve(self, ref: SecretRef) -> SecretValue:
        return SecretValue(TOKEN)


TOKEN = "token-51cc"


@pytest.fixture
def opened() -> Iterator[Callable[[ForgeSpec, str], Forge]]:
    """Opens a client, which is closed at the end."""
    with ExitStack() as stack:
        yield lambda spec, repo: stack.enter_context(closing(forge_of(spec, repo, OneToken())))
