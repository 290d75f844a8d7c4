"""What one image registry holds, asked over its HTTP API (OCI Distribution Specification 1.1, chapter 4)."""

import hashlib
import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import httpx
import orjson

from argos_gitops import __version__
from argos_gitops.model.errors import TerminalError
from argos_gitops.model.secret import SecretValue
from argos_gitops.outbound import AnswerTooLargeError, BoundedClient, Bounds
from argos_gitops.providers.docker.images.challenges import Challenge, challenges_of, token_of
from argos_gitops.providers.docker.images.references import DOCKER_HUB
from argos_gitops.providers.docker.images.refusals import is_loopback, refusal_of, unreachable

_INDEXES = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
)
_MANIFESTS = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"Accept": ", ".join((*_INDEXES, *_MANIFESTS))}
_HUB_API = "registry-1.docker.io"
_TIMEOUT = httpx.Timeout(20.0, connect=10.0)
_PAGE = 1000
_MOST_PAGES = 100
_BOUNDS = Bounds(16 * 1024**2)
_MOST_REDIRECTS = 3


@dataclass(frozen=True, slots=True)
class Login:
    """Who we are at a registry."""

    username: str
    password: SecretValue

    @property
    def basic(self) -> str:
        """A value for `Authorization`."""
        return "Basic " + b64encode(f"{self.username}:{self.password.reveal()}".encode()).decode()


class Registry:
    """One registry, for one thread. HTTPS; plain HTTP only on a loopback address, and there without `ca`.

    Every method raises TransientError (reasons Unreachable and RateLimited) where asking later helps, and
    TerminalError (RegistryUnauthorized, ImageNotFound, RegistryNotUnderstood) where it does not. Messages
    hold nothing that the registry wrote but its own error code, so that no secret can come back in them.
    """

    def __init__(self, host: str, login: Login | None = None, ca: str | None = None) -> None:
        self.host = host
        self._login = login
        name = _HUB_API if host == DOCKER_HUB else host
        local = ca is None and is_loopback(httpx.URL(f"https://{name}").host)
        self._url = httpx.URL(f"{'http' if local else 'https'}://{name}/v2/")
        self._authorization: dict[str, str] = {}
        self._http = BoundedClient(
            _BOUNDS,
            headers={"User-Agent": f"argos-gitops/{__version__}"},
            timeout=_TIMEOUT,
            verify=True if ca is None else _context(ca, host),
            trust_env=not local,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def tags(self, repository: str) -> list[str]:
        """All tags, in the registry's order."""
        return [tag for page in self._tag_pages(repository) for tag in page]

    def digest(self, repository: str, tag: str) -> str:
        """What a tag points at now: the index of an image for several platforms, or its only manifest."""
        answer = self._ask("HEAD", repository, f"manifests/{tag}")
        named = str(answer.headers.get("Docker-Content-Digest", ""))
        if named.startswith("sha256:"):
            return named
        content = self._ask("GET", repository, f"manifests/{tag}").content
        return f"sha256:{hashlib.sha256(content).hexdigest()}"

    def created(self, repository: str, reference: str) -> datetime | None:
        """When an image says that it was built; None where it does not say."""
        try:
            manifest = self._json(repository, f"manifests/{reference}")
            if manifest.get("manifests"):
                manifest = self._json(repository, f"manifests/{_usual(manifest['manifests'])}")
            config = self._json(repository, f"blobs/{manifest['config']['digest']}")
            found = datetime.fromisoformat(config["created"])
        except (AttributeError, KeyError, TypeError, ValueError):
            return None
        return found if found.tzinfo is not None else None

    def _tag_pages(self, repository: str) -> Iterator[list[str]]:
        url = self._url.join(f"{repository}/tags/list").copy_set_param("n", _PAGE)
        for _ in range(_MOST_PAGES):
            answer = self._asked("GET", repository, url)
            found = self._parsed(answer)
            tags = found.get("tags") if isinstance(found, dict) else None
            yield [tag for tag in tags or () if isinstance(tag, str)]
            following = answer.links.get("next", {}).get("url")
            if following is None:
                return
            url = url.join(following)
            if not _same_place(url, self._url):
                raise self._strange("leads us to another host for its further tags")

    def _json(self, repository: str, what: str) -> Any:
        return self._parsed(self._ask("GET", repository, what))

    def _ask(self, method: str, repository: str, what: str) -> httpx.Response:
        return self._asked(method, repository, self._url.join(f"{repository}/{what}"))

    def _asked(self, method: str, repository: str, url: httpx.URL) -> httpx.Response:
        """The answer, after the registry was told who asks, if it wanted to know."""
        answer = self._follow(method, url, self._authorization.get(repository))
        if answer.status_code == httpx.codes.UNAUTHORIZED:
            self._authorize(repository, answer)
            answer = self._follow(method, url, self._authorization.get(repository))
        return self._checked(answer, repository)

    def _authorize(self, repository: str, refusal: httpx.Response) -> None:
        """Finds out how to answer the registry's challenge, and keeps that for the repository."""
        self._authorization.pop(repository, None)
        for challenge in challenges_of(refusal):
            value = self._answer_to(challenge, repository)
            if value is not None:
                self._authorization[repository] = value
                return

    def _answer_to(self, challenge: Challenge, repository: str) -> str | None:
        login = self._login.basic if self._login is not None else None
        if challenge.scheme == "basic":
            return login
        url = challenge.token_url(f"repository:{repository}:pull", self.host)
        token = token_of(self._parsed(self._checked(self._send("GET", url, login), repository)))
        return None if token is None else f"Bearer {token}"

    def _follow(self, method: str, url: httpx.URL, authorization: str | None) -> httpx.Response:
        """Follows redirects, as of blobs to where they are stored; no other host gets our authorization."""
        for _ in range(_MOST_REDIRECTS):
            answer = self._send(method, url, authorization)
            if not answer.has_redirect_location:
                return answer
            url = self._redirected(url, answer.headers["Location"])
            if not _same_place(url, self._url):
                authorization = None
        raise self._strange("redirects without end")

    def _redirected(self, url: httpx.URL, location: str) -> httpx.URL:
        try:
            target = url.join(location)
        except httpx.InvalidURL:
            raise self._strange("redirects to what is no URL") from None
        if target.scheme != "https" and not (target.scheme == "http" and is_loopback(target.host)):
            raise self._strange("redirects to a place without TLS")
        return target

    def _send(self, method: str, url: httpx.URL, authorization: str | None) -> httpx.Response:
        headers = _ACCEPT if authorization is None else {**_ACCEPT, "Authorization": authorization}
        try:
            return self._http.request(method, url, headers=headers, follow_redirects=False)
        except AnswerTooLargeError as error:
            raise self._strange(f"answers with {error}") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise unreachable(self.host, error) from None

    def _checked(self, answer: httpx.Response, repository: str) -> httpx.Response:
        refusal = refusal_of(answer, self.host, repository)
        if refusal is not None:
            raise refusal
        return answer

    def _parsed(self, answer: httpx.Response) -> Any:
        try:
            return orjson.loads(answer.content)
        except orjson.JSONDecodeError:
            raise self._strange("does not answer in JSON; is it a registry?") from None

    def _strange(self, what: str) -> TerminalError:
        return TerminalError(f"{self.host} {what}", reason="RegistryNotUnderstood")


def _context(ca: str, host: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cadata=ca)
    except ssl.SSLError:
        message = f"{host}: `ca` is no certificate in PEM form"
        raise TerminalError(message, reason="RegistryUnauthorized") from None


def _same_place(one: httpx.URL, other: httpx.URL) -> bool:
    return (one.scheme, one.host, one.port) == (other.scheme, other.host, other.port)


def _usual(manifests: list[dict[str, Any]]) -> str:
    """The image for the platform that most run; platforms of one version are built together."""
    known = [each for each in manifests if each.get("platform", {}).get("os") == "linux"]
    amd64 = [each for each in known if each["platform"].get("architecture") == "amd64"]
    return str((amd64 or known or manifests)[0]["digest"])
