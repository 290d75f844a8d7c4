"""Where a repository is, with whatever must not be shown taken out of the URL."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from argos_gitops.model.errors import SourceError
from argos_gitops.model.secret import MASK, SecretValue
from argos_gitops.model.urls import ENCODED, is_cut, may_be_cut

_SCHEMES = frozenset({"file", "git", "http", "https", "ssh"})
_DEFAULT_PORTS = {"git": 9418, "http": 80, "https": 443, "ssh": 22}
_HELPER = re.compile(r"[A-Za-z0-9+.-]+::")
_SCP_LIKE = re.compile(r"(?:(?P<user>[^@/\s]+)@)?(?P<host>\[[^\]]+\]|[^:/\s]+):(?P<path>.+)")
_USERINFO = re.compile(r"(?<![a-z0-9+.-])(?!ssh://[^/@:\s]+@)([a-z0-9+.-]++://)[^/\s]+@", re.IGNORECASE)
_BEFORE_AT = re.compile(r"(://).*@")
_QUERY = re.compile(r"(?<![^\s?'\"])((?>[^\s?'\"]*?https?://)[^\s?'\"]++\?)[^\s'\"]++")


@dataclass(frozen=True, slots=True)
class Address:
    """One repository. `url` is what git gets; it holds no credential, so it may stand in argv.

    `identity` is the same for all spellings of one repository (`.git`, a trailing slash, a default
    port); `local` is its folder when it lies on this machine.
    """

    url: str
    identity: str
    username: str | None = None
    password: SecretValue | None = None
    local: Path | None = None

    @property
    def origin(self) -> str | None:
        """`https://host:port` of an HTTP repository: the only place that its credentials are for."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.scheme in ("http", "https") else None

    def __str__(self) -> str:
        return redact_urls(self.url)


def parse_address(url: str) -> Address:
    """The address that `url` means: file, http(s), ssh or git, a path, or `user@host:path`.

    Raises SourceError (reason UnsupportedUrl) for anything else, such as `ext::` helpers.
    """
    if not url or url.startswith("-") or _HELPER.match(url) or any(char in url for char in "\0\n\r"):
        raise _unsupported(url)
    if "://" in url:
        return _parse_url(url)
    path = Path(url).expanduser()
    scp_like = _SCP_LIKE.fullmatch(url)
    if scp_like and not path.exists():
        identity = f"{scp_like['user'] or ''}@{scp_like['host'].lower()}:{_bare_path(scp_like['path'])}"
        return Address(url, identity)
    return _local(path)


def redact_urls(text: str) -> str:
    """`text` without the credentials and query strings of the URLs in it; the user of SSH is none."""
    return _QUERY.sub(rf"\1{MASK}", _USERINFO.sub(rf"\1{MASK}@", text))


def _parse_url(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _unsupported(url) from error
    scheme = parts.scheme.lower()
    if scheme not in _SCHEMES or (scheme in ("http", "https") and may_be_cut(url)):
        raise _unsupported(url)
    if scheme == "file":
        return _local(Path(unquote(parts.path)))
    if not parts.hostname:
        raise _unsupported(url)
    host = parts.netloc.rpartition("@")[2]
    shown_port = f":{port}" if port and port != _DEFAULT_PORTS[scheme] else ""
    user = f"{parts.username}@" if scheme == "ssh" and parts.username else ""
    identity = f"{scheme}://{user}{parts.hostname}{shown_port}{_bare_path(parts.path)}"
    if parts.query:
        identity += f"?{parts.query}"
    return Address(
        urlunsplit((scheme, f"{user}{host}", parts.path, parts.query, "")),
        identity,
        unquote(parts.username) if parts.username and scheme != "ssh" else None,
        SecretValue(unquote(parts.password)) if parts.password else None,
    )


def _local(path: Path) -> Address:
    """As git does, `config` also finds `config.git`."""
    beside = path.with_name(f"{path.name}.git") if path.name else path
    found = (path if path.exists() or not beside.exists() else beside).resolve()
    return Address(str(found), str(found), local=found)


def _bare_path(path: str) -> str:
    return path.rstrip("/").removesuffix(".git").rstrip("/")


def _unsupported(url: str) -> SourceError:
    shown = redact_urls(_BEFORE_AT.sub(rf"\1{MASK}@", url))
    if is_cut(url) or may_be_cut(url):
        return SourceError(
            f"repository {shown!r}: {ENCODED}, and so is an '@' in its path; or leave them out, and give the "
            "password in ARGOS_GIT_TOKEN",
            reason="UnsupportedUrl",
        )
    return SourceError(
        f"repository {shown!r}: expected a path, or a URL with file, http, https, ssh or git",
        reason="UnsupportedUrl",
    )
