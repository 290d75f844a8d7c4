"""Who signed a commit, as git, ssh-keygen and gpg say it, judged by keys of ours alone.

Nothing of a repository and nothing of a user takes part: programs and key files are named through the
environment, which wins over every configuration file, and gpg gets a home of its own that is gone
afterwards. Facts: gitformat-signature, git-log's `%G?`, ssh-keygen's ALLOWED SIGNERS.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import blake2b
from pathlib import Path

from argos_gitops.model.errors import GitError, SettingsError
from argos_gitops.model.inheritance import BASIC, GPG
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.environment import with_settings

_FORMAT = "--format=%H%x00%G?%x00%GF%x00%GK%x00%GS%x00%s"
_IMPORT_SECONDS = 60
_SIGNATURE_HEADERS = (b"gpgsig", b"gpgsig-sha256")
_GPG_CONF = """\
batch
no-tty
no-autostart
no-auto-key-locate
no-auto-key-retrieve
trust-model always
"""
"""`always`: who stands in the keys file is trusted, whoever else vouches for them or not."""


class Verdict(StrEnum):
    """git's `%G?`."""

    GOOD = "G"
    BAD = "B"
    UNKNOWN_KEY = "U"
    SIGNATURE_EXPIRED = "X"
    KEY_EXPIRED = "Y"
    KEY_REVOKED = "R"
    UNCHECKED = "E"
    NONE = "N"


@dataclass(frozen=True, slots=True)
class Signature:
    """What is known of one commit's signature.

    `fingerprint` is the key's, or its id where gpg does not know the key; empty where there is none.
    """

    commit: str
    verdict: Verdict
    fingerprint: str
    signer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Keys:
    """Whose signatures count: an SSH allowed-signers file, and a file or folder of OpenPGP public keys."""

    allowed_signers: Path | None = None
    openpgp: Path | None = None

    @property
    def names(self) -> str:
        return " or ".join(str(path) for path in (self.allowed_signers, self.openpgp) if path is not None)

    def fingerprint(self) -> str:
        """Changes with the content of the files. Raises SettingsError where one cannot be read."""
        digest = blake2b(digest_size=16)
        for path in (self.allowed_signers, *self.openpgp_files()):
            if path is not None:
                digest.update(f"{path}\0".encode("utf-8", "surrogateescape") + _content(path))
        return digest.hexdigest()

    def openpgp_files(self) -> Sequence[Path]:
        if self.openpgp is None or not self.openpgp.is_dir():
            return () if self.openpgp is None else (self.openpgp,)
        return sorted(path for path in self.openpgp.iterdir() if path.is_file())


def check_programs(keys: Keys) -> None:
    """Raises SettingsError where a program is missing that these keys need."""
    needed = {"ssh-keygen": keys.allowed_signers, "gpg": keys.openpgp}
    for program, path in needed.items():
        if path is not None and shutil.which(program) is None:
            raise SettingsError(
                f"commits are to be verified with the keys in {path}, but {program} is not on PATH; "
                "install it"
            )


def signatures_of(git: Git, commits: Sequence[str], keys: Keys) -> list[Signature]:
    """The signature of each commit, in the order given. Raises GitError, and SettingsError for a bad key."""
    with _keyring(keys) as home:
        judge = replace(git, environment=_environment(git, keys, home))
        # Not rev-list, which reads no configuration of signatures (git 2.39).
        output = judge.run(
            "log",
            "--no-walk=unsorted",
            "--no-patch",
            "--no-color",
            "--stdin",
            _FORMAT,
            given="".join(f"{commit}\n" for commit in commits).encode(),
        )
    lines = output.decode("utf-8", "replace").splitlines()
    found = [_parsed(line) for line in lines if "\0" in line]
    if [each.commit for each in found] != list(commits):
        raise GitError("git did not tell the signature of every commit", reason="TruncatedObject")
    return found


def expired_at(git: Git, commit: str, keys: Keys, at: float) -> bool:
    """Whether the SSH key that signed a commit was not valid for commits at a time, in seconds since 1970.

    git asks ssh-keygen about the commit's own date, which whoever makes the commit chooses. Asked is what git
    asks, for its namespace: a line that lets the key sign files only is no line for a commit. Another
    signature than SSH's is never expired here: gpg itself judges by the clock.
    """
    payload, signature = _taken_apart(git.run("cat-file", "commit", commit))
    if not signature.startswith(b"-----BEGIN SSH SIGNATURE-----"):
        return False
    time = datetime.fromtimestamp(at, UTC).strftime("%Y%m%d%H%M%SZ")
    with tempfile.TemporaryDirectory(prefix="argos-ssh-") as folder:
        file = Path(folder) / "signature"
        file.write_bytes(signature)
        known = ("-f", str(keys.allowed_signers or os.devnull), "-s", str(file), f"-Overify-time={time}")
        found = _ssh_keygen("find-principals", *known)
        principals = found.stdout.decode("utf-8", "surrogateescape").splitlines()
        return not any(
            _ssh_keygen("verify", "-n", "git", "-I", principal, *known, given=payload).returncode == 0
            for principal in principals
        )


def _ssh_keygen(what: str, *arguments: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        ["ssh-keygen", "-Y", what, *arguments],
        input=given,
        capture_output=True,
        check=False,
        timeout=_IMPORT_SECONDS,
        env=BASIC.of(os.environ),
    )


def _taken_apart(commit: bytes) -> tuple[bytes, bytes]:
    """What was signed, and the first `gpgsig` header; further lines of one begin with a space.

    What was signed has none of these headers; `gpgsig-sha256` is the other hash's (gitformat-signature).
    """
    head, end, message = commit.partition(b"\n\n")
    signed: list[bytes] = []
    signatures: list[list[bytes]] = []
    into = signed
    for line in head.split(b"\n"):
        name, _, value = line.partition(b" ")
        if name in _SIGNATURE_HEADERS:
            into = [value]
            if name == _SIGNATURE_HEADERS[0]:
                signatures.append(into)
        elif line.startswith(b" ") and into is not signed:
            into.append(line[1:])
        else:
            into = signed
            into.append(line)
    payload = b"\n".join(signed) + end + message
    return payload, b"\n".join([*signatures[0], b""]) if signatures else b""


def _parsed(line: str) -> Signature:
    commit, verdict, fingerprint, key_id, signer, subject = line.split("\0", 5)
    known = Verdict(verdict) if verdict in set(Verdict) else Verdict.UNCHECKED
    return Signature(commit, known, fingerprint or key_id, _printable(signer), _printable(subject))


def _environment(git: Git, keys: Keys, home: Path | None) -> dict[str, str]:
    """`gpg` without keys is a program that refuses everything, and so are other formats."""
    gpg = shutil.which("gpg") if home is not None else None
    settings = [
        ("gpg.program", gpg or "false"),
        ("gpg.openpgp.program", gpg or "false"),
        ("gpg.x509.program", "false"),
        ("gpg.ssh.program", shutil.which("ssh-keygen") or "false"),
        ("gpg.ssh.allowedSignersFile", str(keys.allowed_signers or os.devnull)),
        ("gpg.minTrustLevel", "undefined"),
        ("log.showSignature", "false"),
    ]
    ours = {"GNUPGHOME": str(home)} if home is not None else {}
    return {**with_settings(git.environment, settings), **ours, "LC_ALL": "C"}


@contextmanager
def _keyring(keys: Keys) -> Iterator[Path | None]:
    """A home for gpg that holds the given keys and nothing else; no agent is started in it."""
    if keys.openpgp is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="argos-gpg-") as name:
        home = Path(name)
        home.chmod(0o700)
        (home / "gpg.conf").write_text(_GPG_CONF, "ascii")
        for path in keys.openpgp_files():
            _import(home, path)
        yield home


def _import(home: Path, path: Path) -> None:
    command = ["gpg", "--homedir", str(home), "--quiet", "--import"]
    try:
        done = subprocess.run(
            command,
            input=_content(path),
            capture_output=True,
            check=False,
            timeout=_IMPORT_SECONDS,
            env=GPG.of(os.environ),
        )
    except FileNotFoundError as error:
        raise SettingsError("gpg is not on PATH; install it") from error
    except subprocess.TimeoutExpired as error:
        raise SettingsError(f"gpg did not read {path} within {_IMPORT_SECONDS} s") from error
    if done.returncode != 0:
        raise SettingsError(
            f"{path} holds no OpenPGP public key that gpg can read; export one with `gpg --armor --export`"
        )


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SettingsError(f"the keys in {path} cannot be read: {error.strerror}") from error


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable())
