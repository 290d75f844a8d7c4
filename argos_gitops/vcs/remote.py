"""What is asked of a remote repository: its refs, new objects, and to take a commit of ours."""

import re
from dataclasses import dataclass

from argos_gitops.model.errors import GitError
from argos_gitops.vcs.address import Address
from argos_gitops.vcs.command import Git

# What git says when the remote ref is not where our commit's parent is, whatever the transport.
_MOVED = (
    "fetch first",
    "non-fast-forward",
    "cannot lock ref",
    "failed to update ref",
    "incorrect old value",
    "reference already exists",
    "shallow update not allowed",
    "stale info",
)
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

    def push(self, commit: str, ref: str) -> None:
        """Moves the remote's `ref` to a commit that contains it; never forces.

        Raises GitError (reason PushRejected) when the remote's ref is elsewhere.
        """
        self._push(f"{commit}:{ref}")

    def replace(self, commit: str, ref: str, expected: str) -> None:
        """Moves a `ref` that is ours alone to any commit, if it still is at `expected` (empty: not there).

        Raises GitError (reason PushRejected) when it is not.
        """
        lease = f"--force-with-lease={ref}:{expected}"
        self._push(f"{commit}:{ref}", lease)

    def _push(self, refspec: str, *options: str) -> None:
        try:
            self._git.run("push", "--quiet", "--no-verify", *options, "--", self._address.url, refspec)
        except GitError as error:
            if any(phrase in str(error) for phrase in _MOVED):
                raise GitError(str(error), reason="PushRejected") from error
            if any(phrase in str(error).lower() for phrase in _FORBIDDEN):
                branch = refspec.rpartition(":")[2].removeprefix("refs/heads/")
                cure = (
                    f"give the token or key that the agent uses the right to write, and to push to {branch}"
                )
                raise GitError(f"{error}; {cure}", reason=error.reason) from error
            raise

    def _unshallow(self) -> list[str]:
        return ["--unshallow"] if (self._git.folder / "shallow").exists() else []


def _candidates(ref: str | None) -> list[str]:
    if ref is None or ref == "HEAD":
        return ["HEAD"]
    return [ref] if ref.startswith("refs/") else [f"refs/heads/{ref}", f"refs/tags/{ref}"]
