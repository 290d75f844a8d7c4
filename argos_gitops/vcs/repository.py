"""A git repository on this machine, read and written by plumbing alone: there is no work tree."""

from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from argos_gitops.model.errors import GitError
from argos_gitops.model.moments import moment_at
from argos_gitops.model.paths import spelled, unsafe
from argos_gitops.model.source import SourceFile
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.commits import Draft, as_stream

UNSAFE_PATH = "UnsafePath"
"""The reason of a GitError: a tree has a path that is not used."""

TREE_TOO_LARGE = "TreeTooLarge"
"""The reason of a GitError: a tree has more files than anybody lists."""

_LONGEST_LISTING = 64 * 1024**2
"""Bytes: some 600,000 files."""

SIGNING_FAILED = "SigningFailed"
NAME_TAKEN = "BranchNameTaken"
"""The reason of a GitError: a branch cannot be made, as another one has a name above or below its own."""

ID_LENGTHS = {"sha1": 40, "sha256": 64}
"""Hex digits of an object id, by the object format of a repository (git init --object-format)."""


def own_ref(room: str, name: str) -> str:
    """Our ref below `refs/argos/` for the ref `name` of somebody else's repository.

    Git keeps no ref below another one (`feature`, `feature/x`), so that a ref that we keep of a branch which
    is gone would be in the way of a later one. Of these names none ever lies below another: what folders are
    called ends in `+`, and what refs are called in `=`.
    """
    return f"refs/argos/{room}/{name.replace('/', '+/')}="


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit, and in it one folder. `tree` is None when the folder is not there."""

    sha: str
    tree: str | None
    subject: str
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class Newer:
    """Commits that one commit contains and an older one does not.

    `cut_off`: parents of some are not here, as the repository is shallow. `whole`: these are all, and
    none of them is in the older one's history, as far as that is here.
    """

    commits: list[str]
    cut_off: bool
    whole: bool


def in_the_way(ref: str, others: Iterable[str]) -> str | None:
    """Which other ref keeps `ref` from being made: one that it lies below, or one that lies below it."""
    return next(
        (name for name in others if ref.startswith(f"{name}/") or name.startswith(f"{ref}/")),
        None,
    )


def name_taken(ref: str, other: str) -> GitError:
    """The branch `ref` cannot be made because of `other`."""
    wanted, found = ref.removeprefix("refs/heads/"), other.removeprefix("refs/heads/")
    return GitError(
        f"the branch {found} is in the way of {wanted}: git keeps no branch below another one. Rename or "
        f"delete {found}, or use another name",
        reason=NAME_TAKEN,
    )


class Repository:
    """One object store. Every method raises GitError and nothing else."""

    def __init__(self, git: Git) -> None:
        self.git = git

    @property
    def folder(self) -> Path:
        return self.git.folder

    @cached_property
    def object_format(self) -> str:
        """`sha1` or `sha256`: which digest gives the objects their ids."""
        return self.git.run("rev-parse", "--show-object-format").decode().strip()

    def commit(self, name: str, folder: str = "") -> Commit | None:
        """The commit that `name` resolves to, with the tree of `folder`; None when it is not here.

        Raises GitError (reason NotAFolder) when `folder` is a file or a symlink in that commit.
        """
        lines = [f"{name}^{{commit}}", f"{name}^{{commit}}:{folder}"]
        with self.git.stream("cat-file", "--batch", lines=lines) as output:
            head = _read_object(output)
            inside = _read_object(output)
        if head is None:
            return None
        if inside is None:
            self._check_absence(head.oid, folder)
        elif inside.type != "tree":
            raise GitError(
                f"{folder} is a {inside.type} in {head.oid[:7]}, not a folder", reason="NotAFolder"
            )
        return _parse_commit(head.oid, inside.oid if inside else None, head.content)

    def _check_absence(self, commit: str, folder: str) -> None:
        """A folder is gone only if all trees on the way to it are here; `cat-file` does not say which."""
        if self.git.run("ls-tree", "-z", "--full-tree", commit, *(["--", folder] if folder else [])):
            raise GitError(
                f"the tree of {folder or commit} is missing in {self.folder}", reason="MissingObject"
            )

    def resolve(self, names: Sequence[str]) -> list[str | None]:
        """The id of each name's object, or None where there is none."""
        found: list[str | None] = []
        with self.git.stream("cat-file", "--batch-check=%(objectname)", "--buffer", lines=names) as output:
            for line in output:
                text = line.decode().rstrip("\n")
                found.append(None if text.endswith((" missing", " ambiguous")) else text)
        return found

    def entries(self, tree: str) -> list[SourceFile]:
        """Every file below a tree, whatever its kind, in path order; sizes in bytes.

        Raises GitError (reason UnsafePath) for a tree with a path that cannot be used as it stands: one that
        leads elsewhere, or two files in one place; reason TreeTooLarge for one that takes more memory to list
        than anybody's configuration: ten trees, each ten times in the next, are ten thousand million files.
        """
        output = self.git.bounded(
            "ls-tree", "-r", "-t", "-z", "-l", "--full-tree", tree, most=_LONGEST_LISTING
        )
        if output is None:
            raise GitError(
                f"the paths of all files take more than {_LONGEST_LISTING // 1024**2} MiB to list; move what "
                "is no configuration out of the configuration folder",
                reason=TREE_TOO_LARGE,
            )
        found: list[SourceFile] = []
        seen: set[bytes] = set()
        folders = {b""}
        for record in output.split(b"\0")[:-1]:
            meta, _, path = record.partition(b"\t")
            mode, kind, blob, size = meta.decode("ascii").split()
            if why := unsafe(path) or _misplaced(path, seen, folders):
                raise GitError(f"{spelled(path)!r} {why}", reason=UNSAFE_PATH)
            seen.add(path)
            if kind == "tree":
                folders.add(path)
                continue
            name = path.decode("utf-8", "backslashreplace")
            found.append(SourceFile(name, blob, int(mode, 8), 0 if size == "-" else int(size)))
        return found

    def read_blobs(self, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
        """The content of blobs in the order asked for, one in memory at a time, by one process."""
        with self.git.stream("cat-file", "--batch", "--buffer", lines=blobs) as output:
            for blob in blobs:
                found = _read_object(output)
                if found is None:
                    raise GitError(f"object {blob} is missing in {self.folder}", reason="MissingObject")
                yield blob, found.content

    def history(self, name: str) -> list[str]:
        """The commits that `name` contains as far as they are here, itself first."""
        return self.git.run("rev-list", "--topo-order", name).decode().split()

    def commits_since(self, older: str, newer: str) -> Newer:
        """What `newer` contains beyond `older`, the newest first."""
        commits = self.git.run("rev-list", "--topo-order", newer, f"^{older}").decode().split()
        shallow = self._shallow()
        cut_off = not shallow.isdisjoint(commits)
        if cut_off or older not in shallow:
            return Newer(commits, cut_off, whole=not cut_off)
        upon = self.git.run("rev-list", "--ancestry-path", newer, f"^{older}").decode().split()
        return Newer(commits, cut_off, whole=set(upon) == set(commits))

    def _shallow(self) -> set[str]:
        """The commits whose parents are left out here."""
        try:
            return set((self.folder / "shallow").read_text("ascii").split())
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise GitError(f"{self.folder / 'shallow'} cannot be read: {error.strerror}") from error

    def signature_kind(self, commit: str) -> str:
        """`OpenPGP`, `SSH` or `X.509`: what signature a commit carries, good or not; empty without one."""
        head = self.git.run("cat-file", "commit", commit).partition(b"\n\n")[0]
        line = next((line for line in head.splitlines() if line.startswith(b"gpgsig")), b"")
        kinds = {b"PGP": "OpenPGP", b"SSH": "SSH", b"SIGNED MESSAGE": "X.509"}
        return next((kind for mark, kind in kinds.items() if mark in line), "unknown" if line else "")

    def kind(self, name: str) -> str:
        """What an annotated tag, or a tag of a tag, is of in the end: `commit`, `tree` or `blob`."""
        return self.git.run("cat-file", "-t", f"{name}^{{}}").decode().strip()

    def refs(self, *patterns: str) -> list[str]:
        """The full names of the refs that one of the patterns names: a ref, or a folder of refs."""
        return self.git.run("for-each-ref", "--format=%(refname)", *patterns).decode().split()

    def set_ref(self, ref: str, commit: str | None) -> None:
        """Points `ref` at `commit`, whatever it was; None removes it."""
        arguments = ["-d", ref] if commit is None else [ref, commit]
        self.git.run("update-ref", *arguments)

    def write(self, draft: Draft) -> str:
        """Makes the commit and moves its ref; the new id.

        Raises GitError: reason RefMoved when the ref has commits that the draft's parent lacks (fast-import
        never drops any), BranchNameTaken when it cannot be made.
        """
        if self.git.author.signing_key is not None:
            return self._write_signed(draft, self.git.author.signing_key)
        stream = as_stream(draft, self.git.author)
        answer = self.git.answer("fast-import", "--quiet", "--done", given=stream)
        if answer.code == 0:
            return answer.output.decode().strip()
        if "does not contain" in answer.said:
            raise GitError(f"{draft.ref} was moved by somebody else", reason="RefMoved")
        self.check_name(draft.ref)
        raise GitError(f"git fast-import failed: {answer.said}")

    def _write_signed(self, draft: Draft, key: Path) -> str:
        """fast-import signs nothing: the signed commit is made of the tree that it wrote elsewhere."""
        (before,) = self.resolve([draft.ref])
        if before not in (None, draft.parent):
            raise GitError(f"{draft.ref} was moved by somebody else", reason="RefMoved")
        unsigned = own_ref("unsigned", draft.ref)
        self.set_ref(unsigned, None)
        stream = as_stream(replace(draft, ref=unsigned), self.git.author)
        commit = self.git.run("fast-import", "--quiet", "--done", given=stream).decode().strip()
        signed = self._signed(f"{commit}^{{tree}}", draft, key)
        self.set_ref(unsigned, None)
        answer = self.git.answer("update-ref", draft.ref, signed, before or "0" * len(signed))
        if answer.code:
            self.check_name(draft.ref)
            raise GitError(f"{draft.ref} was moved by somebody else: {answer.said}", reason="RefMoved")
        return signed

    def _signed(self, tree: str, draft: Draft, key: Path) -> str:
        (tree_id,) = self.resolve([tree])
        author, at = self.git.author, f"{int(draft.at.timestamp())} +0000"
        settings = [
            ("user.name", author.name),
            ("user.email", author.address),
            ("gpg.format", "ssh"),
            ("user.signingKey", str(key)),
        ]
        options = [part for name, value in settings for part in ("-c", f"{name}={value}")]
        parents = ("-p", draft.parent) if draft.parent else ()
        dated = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        git = replace(self.git, environment={**self.git.environment, **dated})
        given = draft.message.encode()
        answer = git.answer(*options, "commit-tree", "-S", *parents, "-F", "-", str(tree_id), given=given)
        if answer.code:
            raise GitError(
                f"git cannot sign with the key {key}: {answer.said}; it must be a private SSH key without a "
                "passphrase that this user may read, and ssh-keygen must be on PATH",
                reason=SIGNING_FAILED,
            )
        return answer.output.decode().strip()

    def check_name(self, ref: str) -> None:
        """Raises GitError (reason BranchNameTaken) where another ref keeps `ref` from being made."""
        if other := in_the_way(ref, self.refs("refs/heads")):
            raise name_taken(ref, other)

    def sound(self) -> bool:
        """Whether git finds nothing missing or damaged."""
        try:
            self.git.run("fsck", "--no-dangling", "--no-progress")
        except GitError:
            return False
        return True


def _misplaced(path: bytes, seen: Set[bytes], folders: Set[bytes]) -> str:
    """Why a path is not where its name says: an entry's name may hold a slash, or stand there twice."""
    if path in seen:
        return "stands there twice"
    return "" if path.rpartition(b"/")[0] in folders else "has an entry with a slash in its name"


@dataclass(frozen=True, slots=True)
class _Object:
    oid: str
    type: str
    content: bytes


def _read_object(output: BinaryIO) -> _Object | None:
    """The next answer of `cat-file --batch`; None when the object is missing."""
    header = output.readline()
    words = header.split()
    if header.endswith((b" missing\n", b" ambiguous\n")):
        return None
    if len(words) != 3:
        raise GitError("git cat-file ended before it had answered", reason="TruncatedObject")
    size = int(words[2])
    content = output.read(size)
    if len(content) != size or output.read(1) != b"\n":
        raise GitError(f"object {words[0].decode()} is cut short", reason="TruncatedObject")
    return _Object(words[0].decode(), words[1].decode(), content)


_MOST_DIGITS = 20
"""Of the seconds of a commit; git keeps what it is given."""


def _parse_commit(sha: str, tree: str | None, content: bytes) -> Commit:
    head, _, message = content.decode("utf-8", "replace").partition("\n\n")
    committer = next((line for line in head.splitlines() if line.startswith("committer ")), "")
    stamp = committer.rsplit(" ", 2)[1:2]
    digits = stamp[0][:_MOST_DIGITS] if stamp and stamp[0].isascii() and stamp[0].isdigit() else "0"
    return Commit(sha, tree, message.strip().partition("\n")[0], moment_at(int(digits)))
