"""What is asked of a remote repository: its refs, new objects, and to take a commit of ours."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.address import Address
from argos_gitops.vcs.command import Git
from argos_gitops.vcs.repository import NAME_TAKEN, in_the_way, name_taken

# What git and the forges say when whoever pushes may not; parts of words, in lower case.
_FORBIDDEN = (
    "error: 403",
    "permission denied",
    "permission to ",
    "not allowed to push",
    "write access",
    "read-only",
    "read only",
    "protected branch",
    "hook declined",
    "unauthorized",
    "deny updating",
)


_FLAW = re.compile(r"object ([0-9a-f]{40,64}): (\w+: [^;]*)")
"""As `git index-pack` says it: the object, the kind of flaw (git-fsck, MSG-IDS), and what is wrong."""

PUSH_REJECTED, PUSH_REFUSED, REF_BUSY = "PushRejected", "PushRefused", "RefBusy"
"""Reasons of a GitError: somebody was faster; the server does not want it; it cannot lock the ref now."""

# What a server says when another push holds the lock of the ref, or left it behind; or came between.
_LOCKED = ("lock", "failed to update ref", "incorrect old value", "already exists")

UNSAFE_OBJECTS = "UnsafeObjects"
"""The reason of a GitError: the remote has an object that is not taken."""


@dataclass(frozen=True, slots=True)
class Advertised:
    """A ref of the remote by its full name, and the object it is at (for a tag, maybe a tag object)."""

    name: str
    sha: str


class Remote:
    """The repository at `address`, spoken to by `git`. Every method raises GitError and nothing else."""

    def __init__(self, address: Address, git: Git) -> None:
        self._address = address
        self._git = git.speaking()

    def find(self, ref: str | None) -> Advertised | None:
        """The branch, else the tag, called `ref`; with None the default branch. None when there is none."""
        patterns = _candidates(ref)
        output = self._git.run("ls-remote", "--symref", "--", self._address.url, *patterns)
        refs: dict[str, str] = {}
        default = "HEAD"
        for line in output.decode("utf-8", "replace").splitlines():
            value, _, name = line.partition("\t")
            if value.startswith("ref: "):
                default = value.removeprefix("ref: ") if name == "HEAD" else default
            else:
                refs[name] = value
        for name in patterns:
            if name in refs:
                return Advertised(default if name == "HEAD" else name, refs[name])
        return None

    def any_id(self) -> str | None:
        """The id of one of the objects that its refs are at; None where it has no ref at all."""
        output = self._git.run("ls-remote", "--", self._address.url)
        return output.partition(b"\t")[0].decode("ascii", "replace") if output else None

    def fetch(self, refspec: str, depth: int | None) -> None:
        """Gets what `refspec` names and at most `depth` commits back, where the server can limit that.

        Raises GitError (reason UnsafeObjects) for an object that git finds malformed or dangerous.
        """
        try:
            self._fetch(refspec, depth)
        except GitError as error:
            if (flaw := _FLAW.search(str(error))) is None:
                raise
            raise GitError(
                f"git refuses what {refspec.lstrip('+').partition(':')[0]} holds: object {flaw[1][:12]}: "
                f"{flaw[2]}. Nothing of it is used; take it out of the branch (see git fsck), and push again",
                reason=UNSAFE_OBJECTS,
            ) from error

    def _fetch(self, refspec: str, depth: int | None) -> None:
        arguments = ["fetch", "--quiet", "--no-tags", "--update-shallow"]
        if depth is None:
            # Git prunes first, so that a `feature` that is gone is not in the way of `feature/x`.
            whole = ("--prune", *self._unshallow())
            self._git.run(*arguments, *whole, "--", self._address.url, *refspec.split())
            return
        try:
            self._git.run(*arguments, f"--depth={depth}", "--", self._address.url, refspec)
        except GitError as error:
            if "does not support" not in str(error) or "shallow" not in str(error):
                raise
            self._git.run(*arguments, "--", self._address.url, refspec)

    def push(self, commit: str, ref: str, expected: str | None) -> None:
        """Moves the remote's `ref` from `expected` (None: not there) to a commit that contains it.

        Never forces. Raises GitError: reason PushRejected when the remote's ref is elsewhere, RefBusy when
        it is locked, BranchNameTaken when another branch keeps it from being made, PushRefused when a hook
        or a rule of the server does.
        """
        self._push(f"{commit}:{ref}", expected)

    def replace(self, commit: str, ref: str, expected: str | None) -> None:
        """Moves a `ref` that is ours alone to any commit; raises like `push`."""
        self._push(f"{commit}:{ref}", expected, f"--force-with-lease={ref}:{expected or ''}")

    def check_push(self, commit: str, ref: str, expected: str | None) -> None:
        """Asks for the right to `push` and for a free name, and moves nothing; raises like it.

        What a hook or a rule of the server would say is not known before a push.
        """
        self._push(f"{commit}:{ref}", expected, "--dry-run")
        self._check_name(ref, self._near(ref))

    def _push(self, refspec: str, expected: str | None, *options: str) -> None:
        arguments = ("--porcelain", "--no-verify", *options, "--", self._address.url, refspec)
        answer = self._git.answer("push", *arguments)
        if answer.code == 0:
            return
        ref, said = refspec.rpartition(":")[2], answer.said or f"exit code {answer.code}"
        verdict = _verdict(answer.output)
        if verdict.startswith("[rejected]"):  # our own git saw where the remote's ref is
            raise GitError(f"git push failed: {ref} is not where it was: {verdict}", reason=PUSH_REJECTED)
        if verdict:
            raise self._refusal(ref, expected, verdict, said)
        raise GitError(f"git push failed: {said}{_cure(said, ref)}")

    def _refusal(self, ref: str, expected: str | None, verdict: str, said: str) -> GitError:
        """Why the server did not move `ref`, by what its refs are now rather than by its words."""
        why = f"{verdict}; {said}"
        try:
            near = self._near(ref)
            self._check_name(ref, near)
        except GitError as error:
            return error if error.reason == NAME_TAKEN else GitError(f"git push failed: {why}")
        if near.get(ref) != expected:
            return GitError(f"git push failed: {ref} is not where it was: {why}", reason=PUSH_REJECTED)
        if any(phrase in verdict for phrase in _LOCKED):
            return GitError(
                f"the server cannot lock {ref}: {why}. Another push holds it, or left its lock behind",
                reason=REF_BUSY,
            )
        branch = ref.removeprefix("refs/heads/")
        cure = f"allow whoever the agent pushes as to write the branch {branch} (its protection, its hooks)"
        return GitError(f"the server refuses {branch}: {why}; {cure}", reason=PUSH_REFUSED)

    def _near(self, ref: str) -> dict[str, str]:
        """The remote's refs, with their objects, that `ref` lies below, that lie below it, and itself."""
        parts = ref.split("/")
        above = ["/".join(parts[:count]) for count in range(3, len(parts))]
        output = self._git.run("ls-remote", "--", self._address.url, *above, ref, f"{ref}/*")
        lines = (line.partition("\t") for line in output.decode("utf-8", "replace").splitlines())
        return {name: value for value, _, name in lines}

    def _check_name(self, ref: str, near: Iterable[str]) -> None:
        if other := in_the_way(ref, near):
            raise name_taken(ref, other)

    def _unshallow(self) -> list[str]:
        return ["--unshallow"] if (self._git.folder / "shallow").exists() else []


def _verdict(output: bytes) -> str:
    """What `git push --porcelain` says of the ref that did not move: `[rejected] (fetch first)`; or nothing.

    Such a line is `!`, the refspec and that, with tabs between them.
    """
    lines = (line.split("\t") for line in output.decode("utf-8", "replace").splitlines())
    return next((fields[2] for fields in lines if fields[0] == "!" and len(fields) == 3), "")


def _cure(said: str, ref: str) -> str:
    if not any(phrase in said.lower() for phrase in _FORBIDDEN):
        return ""
    branch = ref.removeprefix("refs/heads/")
    return f"; give the token or key that the agent uses the right to write, and to push to {branch}"


def _candidates(ref: str | None) -> list[str]:
    if ref is None or ref == "HEAD":
        return ["HEAD"]
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
