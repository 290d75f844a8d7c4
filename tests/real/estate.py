"""A config repository with its real systems, and the agent that people run on it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec

PASSWORD = "ESTATE_LAPI_PASSWORD"


@dataclass
class Finished:
    """A command that has ended, with all that it printed."""

    code: int
    out: str
    err: str


@dataclass
class Estate:
    """A checkout `work` that is pushed to the bare `repository`; the agent reads the latter."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.repository, self.work = self.folder / "config.git", self.folder / "work"
        self.git("init", "-q", "--bare", "-b", "main", str(self.repository), at=self.folder)
        self.git("init", "-q", "-b", "main", str(self.work), at=self.folder)
        self.git("remote", "add", "origin", str(self.repository))

    def git(self, *arguments: str, at: Path | None = None) -> str:
        command = ["git", *arguments]
        return subprocess.run(command, cwd=at or self.work, check=True, capture_output=True, text=True).stdout

    def write(self, name: str, *documents: Mapping[str, Any]) -> None:
        """Documents are written as JSON, which is YAML."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("---\n".join(json.dumps(document, indent=1) + "\n" for document in documents))

    def push(self, subject: str = "change") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD").strip()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "argos_gitops", *arguments]

    def environ(self) -> dict[str, str]:
        own = {
            "ARGOS_REPO": str(self.repository),
            "ARGOS_INSTANCE": "test",
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        return {**os.environ, **own, **self.environment}

    def run(self, *arguments: str) -> Finished:
        """One command of the product, to its end."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environ(),
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        return Finished(done.returncode, done.stdout, done.stderr)

    def apply(self, *arguments: str) -> Finished:
        return self.run("apply", "--auto-approve", *arguments)

    def status_file(self, name: str) -> str:
        return self.git("show", f"argos/status/test:{name}", at=self.repository)

    def status_commits(self) -> int:
        return int(self.git("rev-list", "--count", "argos/status/test", at=self.repository))


def document(kind: str, name: str, spec: Mapping[str, Any], **annotations: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name}
    if annotations:
        metadata["annotations"] = {f"argos.dev/{key}": value for key, value in annotations.items()}
    return {"apiVersion": "argos.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}


def edge(caddy: RealCaddy, crowdsec: RealCrowdSec | None = None, **caddy_settings: Any) -> dict[str, Any]:
    """An Edge of the given components, plain HTTP on Caddy's test port."""
    sections: dict[str, Any] = {
        "caddy": {
            "adminUrl": caddy.admin_url,
            "listen": [f"http://127.0.0.1:{caddy.http_port}"],
            **caddy_settings,
        }
    }
    if crowdsec is not None:
        sections["crowdsec"] = {
            "lapiUrl": crowdsec.lapi_url,
            "machine": {"id": crowdsec.machine_id, "password": {"env": PASSWORD}},
        }
    return document("Edge", "main", sections)


def host(name: str, text: str, **spec: Any) -> dict[str, Any]:
    """A Host that answers with a text, without TLS."""
    wanted = {
        "edge": "main",
        "domains": [f"{name}.example.com"],
        "response": {"body": text},
        "tls": {"mode": "off"},
    }
    return document("Host", name, {**wanted, **spec})


def ban(name: str, value: str, **spec: Any) -> dict[str, Any]:
    scope = "Range" if "/" in value else "Ip"
    wanted = {"edge": "main", "type": "ban", "scope": scope, "value": value, "reason": "test"}
    return document("Decision", name, {**wanted, **spec})


def country(code: str) -> dict[str, Any]:
    return document("CountryBan", code.lower(), {"edge": "main", "country": code, "reason": "test"})
