"""What `--repo` names decides where configuration is read from."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from argos_gitops.model.errors import SettingsError, SourceError
from argos_gitops.sources import SourceRequest, open_source
from argos_gitops.sources.git import GitSource
from argos_gitops.sources.open import Verification
from argos_gitops.vcs.signatures import Keys
from tests.components.git import Origin


@pytest.fixture
def checkout(origin: Origin, tmp_path: Path) -> Path:
    """A clone with one commit and one uncommitted change."""
    origin.commit({"edge/hosts/a.yaml": b"committed"})
    folder = tmp_path / "checkout"
    subprocess.run(["git", "clone", "-q", origin.url, str(folder)], check=True)
    (folder / "edge" / "hosts" / "a.yaml").write_bytes(b"uncommitted")
    return folder


def read(request: SourceRequest, rev: str | None = None) -> dict[str, bytes]:
    snapshot = open_source(request).fetch(rev)
    blobs = dict(snapshot.read([file.blob for file in snapshot.files()]))
    return {file.path: blobs[file.blob] for file in snapshot.files()}


def test_a_checkout_is_read_as_it_is(checkout: Path, tmp_path: Path) -> None:
    request = SourceRequest(str(checkout), tmp_path / "cache", folder="edge")
    assert not open_source(request).fetch().revision.is_commit
    assert read(request) == {"hosts/a.yaml": b"uncommitted"}


@pytest.mark.parametrize("ref", ["main", "HEAD"])
def test_a_checkout_with_a_revision_is_read_as_committed(checkout: Path, tmp_path: Path, ref: str) -> None:
    named_at_once = SourceRequest(str(checkout), tmp_path / "cache", ref, "edge")
    assert read(named_at_once) == {"hosts/a.yaml": b"committed"}
    assert read(replace(named_at_once, ref=None), ref) == {"hosts/a.yaml": b"committed"}


def test_a_folder_inside_a_checkout_keeps_its_place_with_a_revision(checkout: Path, tmp_path: Path) -> None:
    request = SourceRequest(str(checkout / "edge"), tmp_path / "cache", "main", "hosts/")
    assert read(request) == {"a.yaml": b"committed"}


def test_a_linked_work_tree_is_a_checkout_too(checkout: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    subprocess.run(["git", "worktree", "add", "-q", "-b", "x", str(linked)], cwd=checkout, check=True)
    (linked / "edge" / "hosts" / "b.yaml").write_bytes(b"new")
    assert read(SourceRequest(str(linked), tmp_path / "cache", "x", "edge")) == {"hosts/a.yaml": b"committed"}


def test_a_bare_repository_is_read_by_its_commits(origin: Origin, tmp_path: Path) -> None:
    origin.commit({"a": b"a"})
    request = SourceRequest(origin.url, tmp_path / "cache")
    assert isinstance(open_source(request), GitSource)
    assert read(request) == {"a": b"a"}


def test_a_plain_folder_with_a_revision_says_that_it_has_none(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    plain = SourceRequest(str(tmp_path / "plain"), tmp_path / "cache")
    with pytest.raises(SourceError, match="main"):
        open_source(plain).fetch("main")
    with pytest.raises(SourceError, match="main"):
        open_source(replace(plain, ref="main"))


@pytest.mark.parametrize("folder", ["..", "a/../../b", "a\nb"])
def test_a_folder_outside_of_the_repository_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(SettingsError):
        open_source(SourceRequest(str(tmp_path), tmp_path / "cache", folder=folder))


@pytest.mark.parametrize("folder", ["", ".", "./", "/"])
def test_the_whole_repository_has_many_spellings(origin: Origin, tmp_path: Path, folder: str) -> None:
    origin.commit({"a": b"a"})
    assert read(SourceRequest(origin.url, tmp_path / "cache", folder=folder)) == {"a": b"a"}


def test_with_verification_files_that_nobody_signed_are_refused(checkout: Path, tmp_path: Path) -> None:
    """A checkout and a plain folder, which no commit vouches for; a checkout's unsigned commit too."""
    signers = tmp_path / "allowed_signers"
    signers.write_text("")
    plain = tmp_path / "plain"
    plain.mkdir()
    for repo, rev in ((checkout, None), (plain, None), (checkout, "main")):
        request = SourceRequest(
            str(repo), tmp_path / "cache", verification=Verification(Keys(allowed_signers=signers))
        )
        with pytest.raises(SourceError) as caught:
            open_source(request).fetch(rev)
        assert caught.value.reason == "UnverifiedCommit"


def test_verification_with_keys_that_cannot_be_read_is_refused_at_once(
    origin: Origin, tmp_path: Path
) -> None:
    keys = Keys(allowed_signers=tmp_path / "missing")
    with pytest.raises(SettingsError, match="missing"):
        open_source(SourceRequest(origin.url, tmp_path / "cache", verification=Verification(keys)))


def test_verification_without_its_program_is_refused_at_once(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gpg is no dependency; who names OpenPGP keys needs it."""
    keys = tmp_path / "keys.asc"
    keys.write_text("")
    monkeypatch.setenv("PATH", str(tmp_path))
    request = SourceRequest(origin.url, tmp_path / "cache", verification=Verification(Keys(openpgp=keys)))
    with pytest.raises(SettingsError, match="gpg"):
        open_source(request)
