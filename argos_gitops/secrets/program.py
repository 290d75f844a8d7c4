"""The sops program, for what only it can decrypt: PGP, cloud key services, Vault, several key groups."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

import orjson

from argos_gitops.secrets.identities import Identities
from argos_gitops.secrets.keys import UsableFile
from argos_gitops.secrets.sops import SopsError

_SECONDS = 60


def decrypted_by_program(usable: UsableFile, identities: Identities, why: str) -> Any:
    """The tree in plain text; nothing of it touches an argument or a disk. Raises SopsError.

    What the program prints on failure is not repeated, as it may quote the file.
    """
    program = shutil.which("sops")
    if program is None:
        raise SopsError(f"{why}, which needs the sops program, and that is not on PATH; install it")
    command = [program, "decrypt", "--input-type", usable.form, "--output-type", "json", "/dev/stdin"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd="/",  # where nobody leaves a .sops.yaml
        env=_environment(usable, identities),
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(usable.data, _SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise SopsError(f"the sops program did not end within {_SECONDS} s") from None
    if process.returncode != 0:
        raise SopsError(
            f"{why}, and the sops program could not decrypt it (exit code {process.returncode}); "
            "`sops decrypt` on this machine tells why"
        )
    return _tree(output)


def _environment(usable: UsableFile, identities: Identities) -> Mapping[str, str]:
    """What the file's keys need, with the age keys that we know among SOPS's."""
    lines = [line for text in identities.texts() for line in text.reveal().splitlines()]
    keys = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    inherited = usable.environment(os.environ)
    return {**inherited, **({"SOPS_AGE_KEY": "\n".join(keys)} if keys and usable.has_age else {})}


def _tree(output: bytes) -> Any:
    try:
        return orjson.loads(output)
    except orjson.JSONDecodeError:
        raise SopsError("the sops program answered with something else than JSON") from None
