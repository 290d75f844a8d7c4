"""Compose files and env files that nobody would write, given to the real Compose: it opens nothing else.

Bounded and always the same. Recorded is which files of the agent are opened by anybody (inotify), and who is
called (listeners); and nothing that was said may hold what those files hold.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from argos_gitops.model.errors import ArgosError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.resolving import Resolver
from tests.providers.docker.compose.attacks import CANARY, Attack, placed
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.compose.watching import listeners, opened

_STACKS_A_SEED = 12
_TARGETS = ("/agent.env", "/agent.env", "/broken.env", "/other.yaml", "/other.yaml", "/.env", "", "/l.sock")
_OUTSIDE = ("{out}", "{out}", "{out}", "/{up}", "{home}")
_PROCESSES = ("/proc/self/environ", "/proc/{agent}/environ", "/proc/1/cmdline", "/dev/fd/0", "/etc/passwd")
_INSIDE = ("web.env", "inner.yaml", "a/x", "a", ".", "")
_PREFIXES = ("${X-a}", "${X-a}", "${X-a}", "a$X\u00e9/..", "${HOME-a/a/a/a/a/a/a/a/a}/") * 2 + (
    *("", "${X:-}", "${X-}", "$X", "${X}", "${PWD-a/a}", "${U:-${X}}", "${X+}", "$$X", "${1}", "\u00e9$X"),
    *("./", "a/../", "~/", "file://"),
)
_VALUES = ("", "", "", "{out}/x", "/{up}/x", "a", "${CANARY_KEY}", "$X")
_LINES = (
    "{n}={v}",
    "export {n}={v}",
    '{n}="{v}"',
    "{n}='{v}'",
    "{n}: {v}",
    "{n}",
    "#{n}={v}",
    "{n}={v} # {v}",
)
_NAMES = ("X", "U", "HOME", "PWD", "COMPOSE_ENV_FILES", "COMPOSE_PROFILES", "TAG", "\u00e9")


class Author:
    """Writes hostile Stacks; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - the same each time

    def stack(self) -> Attack:
        files = {
            "compose.yaml": json.dumps(self._document(), ensure_ascii=False).replace('"<<":', "<<:"),
            "inner.yaml": json.dumps({"services": {"web": self._service()}}, ensure_ascii=False),
            "web.env": "A=1\n",
            "a/x": self._env_file(),
        }
        if self._once_in(3):
            files[".env"] = self._env_file()
        names = ["X", *(name for name in ("U", "TAG") if self._once_in(4))]
        return Attack(files, {"environment": {name: self._one(_VALUES) for name in names}})

    def _document(self) -> dict[str, Any]:
        document: dict[str, Any] = {"services": {"main": self._service()}}
        if self._once_in(2):
            include: dict[str, Any] = {"path": self._path() if self._once_in(3) else "inner.yaml"}
            if self._once_in(2):
                include["env_file"] = self._path()
            if self._once_in(4):
                include["project_directory"] = self._path()
            document["include"] = [include]
        if self._once_in(4):
            section = self._one(["configs", "secrets"])
            document[section] = {"s": self._one([{"file": self._path()}, {"environment": "CANARY_KEY"}])}
            document["services"]["main"][section] = ["s"]
        return document

    def _service(self) -> dict[str, Any]:
        service: dict[str, Any] = {"image": "web:${TAG-1}", "labels": {"got": "${CANARY_KEY:-none} ${X-}"}}
        path = self._path()
        further: dict[str, Any] = {
            "env_file": self._one([path, [path], [{"path": path, "required": False}]]),
            "label_file": self._one([path, [path]]),
            "extends": {"file": path, "service": "web"},
        }
        if not self._once_in(4):
            name = self._one([*further])
            service[name] = further[name]
        if self._once_in(3):
            service["environment"] = self._one([["CANARY_KEY"], ["X", "HOME"], {"K": "${CANARY_KEY-}"}])
        return {"<<": service, "image": "web"} if self._once_in(6) else service

    def _path(self) -> str:
        kinds = [self._one(_INSIDE), self._one(_PROCESSES)]
        path = self._one([*kinds, *[self._one(_OUTSIDE) + self._one(_TARGETS)] * 4])
        return f"{self._one(_PREFIXES)}{path}"

    def _env_file(self) -> str:
        """Right lines, and such as only a lenient reader takes."""
        lines = []
        for _ in range(self._random.randrange(4)):
            value = self._one(
                [self._path(), self._one(_VALUES), "".join(self._random.choices("a$'\"# \\{}", k=6))]
            )
            lines.append(self._one(_LINES).replace("{n}", self._one(_NAMES)).replace("{v}", value))
        return "\n".join(lines)

    def _one(self, choices: Any) -> Any:
        return self._random.choice(choices)

    def _once_in(self, times: int) -> bool:
        return self._random.randrange(times) == 0


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """What is the agent's own."""
    folder = tmp_path / "agent"
    folder.mkdir()
    for name in ("agent.env", ".env"):
        (folder / name).write_text(f"CANARY_KEY={CANARY}\n")
    (folder / "broken.env").write_text(f"CANARY {CANARY}\n")
    (folder / "other.yaml").write_text(f"services: {{web: {{image: {CANARY}}}}}\n")
    return folder


def said_of(around: Surroundings, files: Mapping[str, str], spec: Mapping[str, Any]) -> str:
    """What validating says, and what working it out for a plan does where it is valid."""
    stack = around.stack(files, **spec)
    try:
        rendered = ComposeRenderer(around.context()).render(stack)
        return f"{rendered.model} {Resolver(around.context()).resolved(stack).model}"
    except ArgosError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(8))
def test_whatever_is_written_nothing_of_the_agent_is_opened(
    around: Surroundings, out: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setenv("CANARY_KEY", CANARY)
    author = Author(seed)
    with listeners(out) as listening, opened(out) as watching:
        for _ in range(_STACKS_A_SEED):
            tried = placed(author.stack(), str(out), os.getpid())
            said = said_of(around, tried.files, tried.spec)
            assert watching.seen() == set(), tried
            assert listening.called() == [], tried
            assert CANARY not in said, tried
