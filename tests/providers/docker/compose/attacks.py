"""Hostile Stacks: each leads Compose to a file outside of its folder, in one of the ways that were found.

`{out}` stands for a folder of this machine that is none of the Stack's, `{up}` for the same from any folder,
`{home}` from the home folder, and `{agent}` for the agent's process.
"""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

CANARY = "canary-5e1f"
SERVICE = "services:\n  web:\n    image: web\n"
READ = 'labels: {got: "${CANARY_KEY:-nothing}"}'


class Attack(NamedTuple):
    """The files of a Stack, and the rest of its spec."""

    files: Mapping[str, str]
    spec: Mapping[str, Any] = {}


def _inner(env_file: str, **spec: Any) -> Attack:
    include = f'include: [{{path: inner.yaml, env_file: "{env_file}"}}]\n'
    inner = f"services: {{web: {{image: web, {READ}}}}}\n"
    return Attack({"compose.yaml": include, "inner.yaml": inner, "a/x": "", "path/agent.env": "A=1"}, spec)


def _env_file(path: str, **spec: Any) -> Attack:
    return Attack({"compose.yaml": SERVICE + f'    env_file: "{path}"\n', "a/x": "", "web.env": "A=1"}, spec)


ATTACKS: Mapping[str, Attack] = {
    "a variable that is empty but set": _inner("${X-a}{out}/agent.env", environment={"X": ""}),
    "a default without a colon": _inner("${HOME-a/a/a/a/a/a/a/a/a}/{home}/agent.env"),
    "a letter that ends no name": _env_file("a$X\u00e9/../agent.env", environment={"X": "/{up}/x"}),
    "a service in quotes": Attack(
        {
            "compose.yaml": 'services:\n  "<<":\n    image: web\n    extends: {file: "{out}/other.yaml", '
            "service: web}\n  web: {image: web}\n"
        }
    ),
    "a profile in quotes": Attack(
        {"compose.yaml": 'services: {web: {"<<": {env_file: "{out}/agent.env"}, image: web}}\n'}
    ),
    "an include by a variable": Attack(
        {"compose.yaml": 'include: ["${X-a}{out}/other.yaml"]\n' + SERVICE}, {"environment": {"X": ""}}
    ),
    "an include's folder": Attack(
        {
            "compose.yaml": 'include: [{path: inner.yaml, project_directory: "${X-a}{out}"}]\n',
            "inner.yaml": SERVICE + '    env_file: agent.env\n    labels: {got: "${CANARY_KEY:-nothing}"}\n',
        },
        {"environment": {"X": ""}},
    ),
    "a file extended by a variable": Attack(
        {"compose.yaml": SERVICE + '    extends: {file: "${X-a}{out}/other.yaml", service: web}\n'},
        {"environment": {"X": ""}},
    ),
    "labels by a variable": Attack(
        {"compose.yaml": SERVICE + '    label_file: "${X-a}{out}/agent.env"\n'}, {"environment": {"X": ""}}
    ),
    "a file that may be missing": Attack(
        {"compose.yaml": SERVICE + '    env_file: [{path: "${X-a}{out}/agent.env", required: false}]\n'},
        {"environment": {"X": ""}},
    ),
    "a path out of an env file": Attack(
        {"compose.yaml": SERVICE + '    env_file: "$WHERE"\n', ".env": "WHERE={out}/agent.env\n"}
    ),
    "the environment of Compose": _env_file("${X-a}/proc/self/environ", environment={"X": ""}),
    "the environment of its parent": _env_file("${X-a}/proc/{agent}/environ", environment={"X": ""}),
    "the agent's environment as values": _inner("${X-a}/proc/{agent}/environ", environment={"X": ""}),
    "the agent's environment as a service": Attack(
        {"compose.yaml": SERVICE + "    environment: [CANARY_KEY]\n" + f"    {READ}\n"}
    ),
    "a secret of the agent's environment": Attack(
        {"compose.yaml": SERVICE + "    secrets: [s]\nsecrets: {s: {environment: CANARY_KEY}}\n"}
    ),
    "a file read for a message": Attack(
        {"compose.yaml": 'include: ["${X-a}{out}/agent.env"]\n' + SERVICE}, {"environment": {"X": ""}}
    ),
    "a file of values read for a message": _inner("${X-a}{out}/broken.env", environment={"X": ""}),
}


@contextmanager
def neighbour() -> Iterator[int]:
    """Another process of the same user, with a secret in its environment; its id."""
    process = subprocess.Popen(["sleep", "1000"], env={"PATH": "/usr/bin:/bin", "CANARY_KEY": CANARY})
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


def placed(attack: Attack, out: str, agent: int) -> Attack:
    """An attack on a folder of this machine and the agent's process."""
    words = {
        "{out}": out,
        "{up}": "../" * 60 + out.lstrip("/"),
        "{home}": os.path.relpath(out, Path.home()),
        "{agent}": str(agent),
    }

    def filled(given: Any) -> Any:
        if isinstance(given, Mapping):
            return {key: filled(value) for key, value in given.items()}
        for word, value in words.items():
            given = given.replace(word, value)
        return given

    return Attack(filled(attack.files), filled(attack.spec))
