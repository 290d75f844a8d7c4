"""The real sops program, which encrypts files for tests to decrypt."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pyrage

HOW_TO_GET = "scripts/components sops"


class RealSops:
    """Encrypts for the age identity `key`; `other_key` is one that it does not encrypt for."""

    def __init__(self, program: Path, folder: Path) -> None:
        self.program = program
        self.folder = folder
        folder.mkdir()
        identity, other = pyrage.x25519.Identity.generate(), pyrage.x25519.Identity.generate()
        self.key, self.recipient = str(identity), str(identity.to_public())
        self.other_key, self.other_recipient = str(other), str(other.to_public())

    def encrypt(self, name: str, text: str, **rule: object) -> bytes:
        """The content of a file called `name` as SOPS writes it, under a creation rule of `.sops.yaml`."""
        path, settings = self.folder / name, self.folder / ".sops.yaml"
        path.write_text(text)
        whom = {} if "key_groups" in rule else {"age": self.recipient}
        settings.write_text(json.dumps({"creation_rules": [{**whom, **rule}]}))
        return self.run("--config", str(settings), "encrypt", str(path))

    def change(self, name: str, sealed: bytes, way: str, value: str) -> bytes:
        """The file after `sops set`: way and value as JSON."""
        path = self.folder / name
        path.write_bytes(sealed)
        self.run("set", str(path), way, value, env={"SOPS_AGE_KEY": self.key})
        return path.read_bytes()

    def run(self, *arguments: str, env: Mapping[str, str] | None = None) -> bytes:
        done = subprocess.run(
            [str(self.program), "--disable-version-check", *arguments],
            capture_output=True,
            env={**os.environ, **(env or {})},
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout
