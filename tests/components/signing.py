"""People who sign their commits: with SSH keys, with OpenPGP keys, or not at all."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.components.git import Origin

HOW_TO_GET_GPG = "scripts/components gpg"
HOW_TO_GET_SSH_KEYGEN = "scripts/components ssh"


@dataclass(frozen=True)
class Signer:
    """Somebody with a key: the options of git that sign with it, and the variables that go with them."""

    options: Sequence[str]
    public: str
    fingerprint: str
    environment: Mapping[str, str]


NOBODY = Signer(("-c", "commit.gpgSign=false"), "", "", {})


def ssh_signer(folder: Path, name: str) -> Signer:
    """A new SSH key; `public` is a line without a principal."""
    key = folder / f"{name}.key"
    _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key))
    public = key.with_name(f"{key.name}.pub")
    fingerprint = _run("ssh-keygen", "-l", "-f", str(public)).split()[1]
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}", "-c", "commit.gpgSign=true")
    return Signer(options, public.read_text().strip(), fingerprint, {})


class OpenPgp:
    """A keyring of the people who sign, apart from the one that is verified with."""

    def __init__(self) -> None:
        # Short, as sockets of gpg-agent lie in it.
        self.home = Path(tempfile.mkdtemp(prefix="gpg"))

    def signer(self, name: str) -> Signer:
        """A new key without a passphrase; `public` is armored."""
        address = f"{name}@example.com"
        new = ("--passphrase", "", "--quick-generate-key", address, "ed25519", "sign", "never")
        self.gpg("--faked-system-time", "20200101T000000!", *new)
        fingerprint = self._fingerprint(address)
        options = ("-c", "gpg.format=openpgp", "-c", f"user.signingKey={fingerprint}")
        return Signer(
            (*options, "-c", "commit.gpgSign=true"),
            self.gpg("--armor", "--export", fingerprint),
            fingerprint,
            {"GNUPGHOME": str(self.home)},
        )

    def expired(self, signer: Signer) -> str:
        """The public key after its owner let it expire."""
        self.gpg("--faked-system-time", "20200601T000000!", "--quick-set-expire", signer.fingerprint, "1d")
        return self.gpg("--armor", "--export", signer.fingerprint)

    def revoked(self, signer: Signer) -> str:
        """The public key after its owner revoked it."""
        certificate = (self.home / "openpgp-revocs.d" / f"{signer.fingerprint}.rev").read_text()
        self.gpg("--import", given=certificate.replace(":-----BEGIN", "-----BEGIN"))
        return self.gpg("--armor", "--export", signer.fingerprint)

    def gpg(self, *arguments: str, given: str | None = None) -> str:
        command = (
            "gpg",
            "--homedir",
            str(self.home),
            "--batch",
            "--yes",
            "--quiet",
            "--pinentry-mode",
            "loopback",
        )
        return _run(*command, *arguments, given=given)

    def close(self) -> None:
        """Ends the agent that gpg started, and removes the keyring."""
        subprocess.run(["gpgconf", "--homedir", str(self.home), "--kill", "all"], check=False)
        shutil.rmtree(self.home, ignore_errors=True)

    def _fingerprint(self, address: str) -> str:
        listing = self.gpg("--with-colons", "--fingerprint", address)
        return next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr:"))


class SigningWork:
    """A checkout whose commits are signed by whoever makes them, and pushed to `origin`."""

    def __init__(self, origin: Origin, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self._count = 0
        self.git("init", "--quiet", "--initial-branch=main")
        self.git("remote", "add", "origin", origin.url)

    def commit(self, signer: Signer, *, push: bool = True, files: Mapping[str, str] | None = None) -> str:
        self._count += 1
        for path, content in (files or {"a.txt": str(self._count)}).items():
            (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (self.folder / path).write_text(content)
        self.git("add", "--all")
        self.git(*signer.options, "commit", "--quiet", "-m", f"change {self._count}", env=signer.environment)
        if push:
            self.push()
        return self.head()

    def merge(self, branch: str, signer: Signer) -> str:
        self.git(
            *signer.options, "merge", "--quiet", "--no-ff", "-m", "merge", branch, env=signer.environment
        )
        self.push()
        return self.head()

    def push(self) -> None:
        self.git("push", "--quiet", "--force", "origin", "HEAD:main")

    def head(self) -> str:
        return self.git("rev-parse", "HEAD").strip()

    def git(self, *arguments: str, env: Mapping[str, str] | None = None) -> str:
        return _run("git", *arguments, at=self.folder, env=env)


def _run(
    *command: str, at: Path | None = None, given: str | None = None, env: Mapping[str, str] | None = None
) -> str:
    done = subprocess.run(
        command, cwd=at, input=given, capture_output=True, text=True, env={**os.environ, **(env or {})}
    )
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout
