"""Where a repository's forge is: the base URL of its API, and what the project is called there. Pure."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from argos_gitops.model.errors import ReportError
from argos_gitops.model.forge import ForgeSpec

_API_PATHS = {"github": "/api/v3", "gitlab": "/api/v4", "gitea": "/api/v1", "forgejo": "/api/v1"}
_SSH_HOSTS = {"ssh.github.com": "github.com", "altssh.gitlab.com": "gitlab.com"}
"""Hosts for SSH over port 443."""


@dataclass(frozen=True, slots=True)
class Place:
    """`api_url` without a trailing slash, such as https://git.example.com/api/v1; `web_url` is the project's
    page."""

    api_url: str
    web_url: str
    project: str


def place_of(spec: ForgeSpec, repo: str) -> Place:
    """Of what `spec` says, else from the repository's URL.

    A repository over SSH is taken to have its API at https on the same host. On Gitea, all but the last
    two parts of the path are where Gitea is served; on GitLab they are groups, unless `apiUrl` tells.

    Raises ReportError (reason ForgeUnknown) for a repository that lies in a folder.
    """
    origin, path = _origin_and_path(repo)
    if spec.api_url is not None:
        root = spec.api_url.rstrip("/").removesuffix(_API_PATHS[spec.type])
        below = urlsplit(root).path.strip("/")
        project = spec.project or _without(path, below)
        return _place(spec.api_url.rstrip("/"), _web_root(root), project, repo)
    if origin is None:
        raise _unknown(repo)
    prefix, project = _split(spec.type, path)
    root = "/".join(part for part in (origin, prefix) if part)
    return _place(_api_url(spec.type, origin, root), root, spec.project or project, repo)


def _place(api_url: str, web_root: str, project: str, repo: str) -> Place:
    if "/" not in project:
        raise _unknown(repo)
    return Place(api_url, f"{web_root}/{project}", project)


def _api_url(kind: str, origin: str, root: str) -> str:
    host = urlsplit(origin).hostname or ""
    if kind == "github" and host == "github.com":
        return "https://api.github.com"
    if kind == "github" and host.endswith(".ghe.com"):
        return f"https://api.{host}"
    return root + _API_PATHS[kind]


def _web_root(root: str) -> str:
    """Where people look, when only the API is told."""
    scheme, _, rest = root.partition("://")
    known = {"api.github.com": "github.com"}
    return f"{scheme}://{known.get(rest, rest.removeprefix('api.') if rest.endswith('.ghe.com') else rest)}"


def _split(kind: str, path: str) -> tuple[str, str]:
    """Where the forge is served below its host, and the project."""
    if kind == "gitlab":
        return "", path
    parts = path.split("/")
    return "/".join(parts[:-2]), "/".join(parts[-2:])


def _origin_and_path(repo: str) -> tuple[str | None, str]:
    """`https://host[:port]` and the path without its `.git`; None for a folder."""
    scheme, separator, _ = repo.partition("://")
    if not separator:
        user_and_host, colon, path = repo.partition(":")
        if not colon or "/" in user_and_host:
            return None, ""
        return _https(user_and_host.rpartition("@")[2]), _bare(path)
    parts = urlsplit(repo)
    if scheme.lower() == "file" or not parts.hostname:
        return None, ""
    if scheme.lower() in ("http", "https"):
        return f"{scheme.lower()}://{parts.netloc.rpartition('@')[2]}", _bare(parts.path)
    return _https(parts.hostname), _bare(parts.path)


def _https(host: str) -> str:
    return f"https://{_SSH_HOSTS.get(host, host)}"


def _bare(path: str) -> str:
    return path.strip("/").removesuffix(".git").strip("/")


def _without(path: str, below: str) -> str:
    return path.removeprefix(f"{below}/") if below else path


def _unknown(repo: str) -> ReportError:
    kind = "a URL" if "://" in repo else "a folder"
    return ReportError(
        f"the forge cannot be told from the repository, which is {kind} without OWNER/NAME; "
        "set forge.apiUrl and forge.project in the Agent resource",
        reason="ForgeUnknown",
    )
