"""Mirrors to test with, and what is in them."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.environment import Credentials
from argos_gitops.vcs.mirror import Limits, Mirror

QUICK = Limits(git=timedelta(seconds=60), lock=timedelta(seconds=60))
A: Mapping[str, bytes | None] = {"hosts/a.yaml": b"a: 1\n"}


def mirror_of(url: str, tmp_path: Path, credentials: Credentials | None = None) -> Mirror:
    return Mirror(parse_address(url), tmp_path / "mirrors", credentials or Credentials(), QUICK)


def loosen(mirror: Mirror) -> None:
    """Takes the objects out of their packs, so that a test can lose a single one."""
    packs = mirror.folder / "objects" / "pack"
    for pack in packs.glob("*.pack"):
        data = pack.read_bytes()
        for file in packs.glob(f"{pack.stem}.*"):
            file.unlink()
        mirror.repository.git.run("unpack-objects", "-q", given=data)


def contents(mirror: Mirror, commit: str) -> dict[str, bytes]:
    files = mirror.repository.entries(commit)
    blobs = dict(mirror.repository.read_blobs([file.blob for file in files]))
    return {file.path: blobs[file.blob] for file in files}
