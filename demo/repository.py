"""The demo's config repository: a work tree that people edit, and the bare repository they push to."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec

_IDENTITY = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
}
_yaml = YAML()  # keeps comments


class ConfigRepository:
    """`work` is where a person edits, `bare` what argos-gitops follows."""

    def __init__(self, work: Path, bare: Path) -> None:
        self.work = work
        self.bare = bare

    def begin(self) -> None:
        """The first commit, pushed."""
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), folder=self.work)
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("remote", "add", "origin", str(self.bare))
        self.push("The edge as it is today")

    def push(self, subject: str) -> str:
        """Commits and pushes whatever was edited; the short id of the commit."""
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", subject)
        self._git("push", "--quiet", "origin", "main")
        return self._git("rev-parse", "--short", "HEAD").strip()

    def replace(self, folder: str, old: str, new: str) -> None:
        """Replaces a text in all files of a folder; it must be somewhere."""
        found = [path for path in sorted((self.work / folder).glob("*.yaml")) if old in path.read_text()]
        assert found, f"{old} is nowhere in {folder}/"
        for path in found:
            path.write_text(path.read_text().replace(old, new))

    def set_edge(self, caddy: RealCaddy, crowdsec: RealCrowdSec | None) -> None:
        """The edge's addresses; without a CrowdSec, its section and all bans are left out."""
        path = self.work / "edges" / "main.yaml"
        edge = _yaml.load(path)
        edge["spec"]["caddy"]["adminUrl"] = caddy.admin_url
        edge["spec"]["caddy"]["listen"] = [
            f"https://127.0.0.1:{caddy.https_port}",
            f"http://127.0.0.1:{caddy.http_port}",
        ]
        if crowdsec is not None:
            edge["spec"]["crowdsec"]["lapiUrl"] = crowdsec.lapi_url
            edge["spec"]["crowdsec"]["machine"]["id"] = crowdsec.machine_id
        else:
            del edge["spec"]["crowdsec"]
            shutil.rmtree(self.work / "bans")
            shutil.rmtree(self.work / "allowlists")
        _yaml.dump(edge, path)

    def specs(self, kind: str) -> Iterator[dict[str, Any]]:
        """The specs of all documents of a kind, as they stand in the work tree."""
        for path in sorted(self.work.rglob("*.yaml")):
            for document in _yaml.load_all(path):
                if document["kind"] == kind:
                    yield document["spec"]

    def show(self, ref: str, path: str) -> str:
        """A file of a branch in the bare repository."""
        return self._git("show", f"{ref}:{path}", folder=self.bare)

    def log(self, ref: str) -> str:
        return self._git("log", "--format=%h %s", ref, folder=self.bare)

    def _git(self, *arguments: str, folder: Path | None = None) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=folder or self.work,
            env={**os.environ, **_IDENTITY},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
