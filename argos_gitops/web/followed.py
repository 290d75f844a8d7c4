"""Whether a push concerns us: the repository and branch that the agent follows."""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from argos_gitops.model.errors import SourceError
from argos_gitops.vcs.address import parse_address
from argos_gitops.web.pushes import Push

OWN_BRANCHES = "refs/heads/argos/"
"""Where the agent writes to: status branches and proposals. Its own pushes must never wake it."""

_SCP_LIKE = re.compile(r"(?:[^@/\s:]+@)?([^:/\s@]+|\[[^\]\s]+\]):(?!//)(.+)")
_REMOTE = ("git://", "http://", "https://", "ssh://")


@dataclass(frozen=True, slots=True)
class Followed:
    """`repo` is any URL or path that git takes; `branch` a branch or tag, None the repository's default."""

    repo: str
    branch: str | None

    def why_not(self, push: Push) -> str:
        """The reason to ignore `push`; empty when it concerns us. What it does not tell is no reason."""
        if not self._is_ours(push):
            return "OtherRepository"
        if push.refs and all(ref.startswith(OWN_BRANCHES) for ref in push.refs):
            return "OwnBranch"
        if push.refs and not any(self._follows(ref, push.default_branch) for ref in push.refs):
            return "OtherRef"
        return ""

    def _is_ours(self, push: Push) -> bool:
        """A repository in a folder has no address that a forge could name: then any is ours."""
        ours = repository_place(self.repo)
        if ours is None or not (push.urls or push.names):
            return True
        if ours in {repository_place(url) for url in push.urls}:
            return True
        path = ours.partition("/")[2]
        return any(_names(name.strip("/").removesuffix(".git").lower(), path) for name in push.names)

    def _follows(self, ref: str, default_branch: str) -> bool:
        branch = self.branch or default_branch
        if not branch:
            return not ref.startswith(OWN_BRANCHES)
        return ref in (branch, f"refs/heads/{branch}", f"refs/tags/{branch}")


def _names(name: str, path: str) -> bool:
    """Whether `owner/name` is the end of `path`: some forges live below a folder of their host."""
    return name == path or ("/" in name and path.endswith(f"/{name}"))


def repository_place(url: str) -> str | None:
    """`host/path` of a repository, the same for all its URLs (ssh, https, `.git`, ports); None for none."""
    scp_like = _SCP_LIKE.fullmatch(url) if "://" not in url else None
    whole = f"ssh://{scp_like[1]}/{scp_like[2].lstrip('/')}" if scp_like else url
    if not whole.lower().startswith(_REMOTE):
        return None
    try:
        parts = urlsplit(parse_address(whole).url)
    except SourceError:
        return None
    path = parts.path.strip("/").removesuffix(".git").rstrip("/")
    return f"{parts.hostname}/{path}".lower()
