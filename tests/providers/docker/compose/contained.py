"""Renders a Stack in a process of its own on a machine that lacks something: run with `-m`, a JSON on stdin.

As in a container, system calls are refused by a filter of seccomp; that of Docker refuses namespaces.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from argos_gitops.providers.docker.compose.confined import kernel
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from tests.providers.docker.compose.stacks import Surroundings

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_UNSHARE, _MOUNT, _PIVOT_ROOT = {"x86_64": (272, 165, 155), "aarch64": (97, 40, 41)}[os.uname().machine]
_LANDLOCK = (444, 445, 446)

MACHINES: Mapping[str, Sequence[int]] = {
    "whole": (),
    "container": (_UNSHARE, _MOUNT, _PIVOT_ROOT),
    "without mounts": (_MOUNT,),
    "without Landlock": _LANDLOCK,
    "with nothing": (_UNSHARE, *_LANDLOCK),
}
"""The system calls that each of them refuses."""


def rendered_on(
    machine: str, around: Surroundings, files: Mapping[str, str], spec: Mapping[str, Any], user: int = 0
) -> str:
    """What rendering says there: the model, or the problems."""
    given = {
        "machine": machine,
        "folder": str(around.folder / "machine"),
        "compose": str(around.compose),
        "files": files,
        "spec": spec,
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.providers.docker.compose.contained"],
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "CANARY_KEY": "canary-5e1f"},
        user=user or None,
        group=user or None,
        extra_groups=[] if user else None,
    )
    return done.stdout + done.stderr


def main() -> None:
    given = json.load(sys.stdin)
    numbers = MACHINES[given["machine"]]
    if numbers:
        kernel.keep_privileges_down()
        kernel.refuse_calls(_ARCHITECTURES[os.uname().machine], numbers)
    around = Surroundings(Path(given["folder"]), Path(given["compose"]))
    try:
        found = ComposeRenderer(around.context()).render(around.stack(given["files"], **given["spec"]))
        sys.stdout.write(json.dumps(found.model))
    except ComposeError as error:
        sys.stdout.write(str(error))


if __name__ == "__main__":
    main()
