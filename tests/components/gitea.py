"""A real Gitea: users, tokens, repositories, pull requests, and webhooks that it really sends.

Facts: Gitea 1.26.0. Ours is built without C and so without SQLite: it lives in a PostgreSQL. It refuses
to run as root, so that where tests do, it runs in a user namespace of its own,
where the same user has another number.
"""

import os
import secrets
import subprocess
import time
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.components.lookup import find_program
from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET = "scripts/components gitea"
_ANY_SCOPE = "all"
_MERGE_SECONDS = 60


@dataclass(frozen=True, slots=True)
class GiteaUser:
    """Somebody with an account; `token` may do all that the account may."""

    name: str
    password: str
    token: str


class RealGitea(RealProcess):
    """A Gitea with an administrator, `admin`. `database` is the URL of an empty PostgreSQL database,
    `path` where it is served below its host (`/git`)."""

    def __init__(self, folder: Path, database: str, *, path: str = "") -> None:
        self._program = find_program("gitea", HOW_TO_GET)
        self._port = free_port()
        self._config = folder / "app.ini"
        self.folder = folder
        self.url = f"http://127.0.0.1:{self._port}{path}"
        self._write_config(database)
        self._env = {
            "HOME": str(folder),
            "PATH": os.environ["PATH"],
            "GITEA_WORK_DIR": str(folder),
        }
        self.gitea("migrate")
        self.admin = self.add_user("admin", "--admin")
        super().__init__(
            [*_unprivileged(), str(self._program), "--config", str(self._config), "web"],
            folder / "gitea.log",
            self._answers,
            self._env,
        )

    def gitea(self, *arguments: str) -> str:
        """What a `gitea` command prints."""
        command = [*_unprivileged(), str(self._program), "--config", str(self._config), *arguments]
        done = subprocess.run(
            command, capture_output=True, text=True, env=self._env, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, f"gitea {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def add_user(self, name: str, *flags: str) -> GiteaUser:
        password = secrets.token_hex(12)
        told = ("--username", name, "--password", password, "--email", f"{name}@example.com")
        self.gitea("admin", "user", "create", *told, "--must-change-password=false", *flags)
        return GiteaUser(name, password, self.token(name, _ANY_SCOPE))

    def token(self, user: str, scopes: str) -> str:
        """A new token of `user` with comma-separated scopes (`write:repository,read:user`)."""
        named = ("--username", user, "--token-name", secrets.token_hex(4), "--scopes", scopes)
        return self.gitea("admin", "user", "generate-access-token", "--raw", *named).strip().splitlines()[-1]

    def api(self, method: str, path: str, body: object = None, *, user: GiteaUser | None = None) -> Any:
        """The answer of `/api/v1/<path>`, as `user` or else as the administrator."""
        headers = {"Authorization": f"token {(user or self.admin).token}"}
        deadline = time.monotonic() + _MERGE_SECONDS
        while True:
            answer = httpx.request(
                method, f"{self.url}/api/v1/{path}", json=body, headers=headers, timeout=60
            )
            # What Gitea says of a merge while it still finds out whether there are conflicts.
            if "Please try again later" not in answer.text or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def add_repository(self, name: str) -> str:
        """An empty repository of the administrator; its URL for git, with the credentials in it."""
        self.api("POST", "user/repos", {"name": name, "default_branch": "main"})
        return self.clone_url(f"{self.admin.name}/{name}", self.admin)

    def commit(
        self, project: str, files: Mapping[str, bytes], *, branch: str = "main", onto: str = "main"
    ) -> str:
        """Adds files on top of the branch `onto`; the tip of `branch`, which may be new."""
        contents = [
            {"operation": "create", "path": path, "content": b64encode(content).decode()}
            for path, content in files.items()
        ]
        body = {"branch": onto, "message": f"add {', '.join(files)}", "files": contents}
        extra = {"new_branch": branch} if branch != onto else {}
        answer = self.api("POST", f"repos/{project}/contents", {**body, **extra})
        return str(answer["commit"]["sha"])

    def merge(self, project: str, number: int) -> str:
        """Merges a pull request, as soon as Gitea has found out that it can; the merge commit."""
        path = f"repos/{project}/pulls/{number}"
        deadline = time.monotonic() + _MERGE_SECONDS
        while not self.api("GET", path)["mergeable"]:
            assert time.monotonic() < deadline, f"{path} cannot be merged"
            time.sleep(0.05)
        self.api("POST", f"{path}/merge", {"Do": "merge"})
        return str(self.api("GET", path)["merge_commit_sha"])

    def clone_url(self, project: str, user: GiteaUser) -> str:
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{user.name}:{user.token}@{rest}/{project}.git"

    def _write_config(self, database: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        static = self._program.parent
        parts = {**_configuration(static, self.url, self._port), "database": _database(database)}
        lines = ["RUN_MODE = prod", f"WORK_PATH = {self.folder}"]
        for section, values in parts.items():
            lines += [f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
        self._config.write_text("\n".join([*lines, ""]))

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v1/version").is_success
        except httpx.TransportError:
            return False


def _unprivileged() -> Sequence[str]:
    """A new user namespace forgets whose death ends the process, so that it is told again."""
    if os.getuid() != 0:
        return ()
    return ("unshare", "--user", "--map-user=1000", "--map-group=1000", "setpriv", "--pdeathsig", "KILL")


def _database(url: str) -> Mapping[str, object]:
    parts = urlsplit(url)
    place = {"HOST": f"{parts.hostname}:{parts.port}", "NAME": parts.path[1:], "USER": parts.username}
    return {"DB_TYPE": "postgres", **place, "SSL_MODE": "disable"}


def _configuration(static: Path, url: str, port: int) -> Mapping[str, Mapping[str, object]]:
    return {
        "server": {
            "HTTP_ADDR": "127.0.0.1",
            "HTTP_PORT": port,
            "ROOT_URL": f"{url}/",
            "LOCAL_ROOT_URL": f"{url}/",
            "USE_SUB_URL_PATH": "true",
            "STATIC_ROOT_PATH": static,
            "OFFLINE_MODE": "true",
            "DISABLE_SSH": "true",
        },
        "security": {
            "INSTALL_LOCK": "true",
            "SECRET_KEY": secrets.token_hex(32),
            "PASSWORD_HASH_ALGO": "pbkdf2_v1",
        },
        "webhook": {"ALLOWED_HOST_LIST": "loopback"},
        "service": {"DISABLE_REGISTRATION": "true"},
        "indexer": {"ISSUE_INDEXER_TYPE": "db"},
        "queue": {"TYPE": "channel"},
        "cache": {"ADAPTER": "memory"},
        "cron": {"ENABLED": "false"},
        "actions": {"ENABLED": "false"},
        "log": {"MODE": "console", "LEVEL": "warn"},
    }
