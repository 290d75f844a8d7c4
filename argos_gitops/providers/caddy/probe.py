"""Asking the edge for hosts as a visitor would, to prove that a change took effect."""

import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.outbound import BoundedClient, Bounds
from argos_gitops.providers.caddy.client import USER_AGENT
from argos_gitops.providers.caddy.forward_auth import UNAVAILABLE_HEADER
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.listeners import Address
from argos_gitops.providers.caddy.own_probe import HEADER
from argos_gitops.providers.caddy.settings import CaddySettings

MOST_PROBES = 50
_SIDE_BY_SIDE = 16
_PAUSE_SECONDS = 0.1
_ANY_LABEL = "argos-probe"
# Only status and headers are looked at.
_BOUNDS = Bounds(64 * 1024)
_UPSTREAM_FAILURES = frozenset({502, 503, 504})


@dataclass(frozen=True, slots=True)
class Question:
    """One host to ask for: at which base URL, under which name; with the key by which it knows our probes."""

    subject: ResourceKey
    url: str
    domain: str
    managed: bool
    fixed: bool
    key: str | None = None

    @property
    def place(self) -> str:
        return f"{self.domain} at {self.url}"


def question(
    subject: ResourceKey, host: HostSpec, address: Address, secure: bool, settings: CaddySettings
) -> Question:
    """Asks for the host's first domain at one of the edge's listeners."""
    scheme = "https" if secure else "http"
    domain = host.domains[0].replace("*", _ANY_LABEL)
    url = f"{scheme}://{_reachable(address, settings)}:{address.port}/"
    fixed = any(part.response is not None for part in host.parts)
    return Question(subject, url, domain, host.tls.mode in ("auto", "internal"), fixed)


def _reachable(address: Address, settings: CaddySettings) -> str:
    """An edge that listens everywhere is asked where its admin API is."""
    if settings.probe.host is not None:
        host = settings.probe.host
        return f"[{host}]" if ":" in host else host
    if not address.everywhere:
        return address.host
    host = urlsplit(settings.admin_url).hostname or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def ask(questions: Sequence[Question], seconds: float) -> Iterator[Condition]:
    """A Ready condition for each; each takes at most about `seconds`."""
    if not questions:
        return
    with _visitor(seconds) as visitor, ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        yield from pool.map(lambda each: _ask(visitor, each, time.monotonic() + seconds), questions)


def _visitor(seconds: float) -> httpx.Client:
    """Certificates are not checked: whether the edge answers is asked, and a test CA is fine."""
    headers = {"User-Agent": USER_AGENT}
    return BoundedClient(_BOUNDS, verify=False, timeout=seconds, headers=headers, trust_env=False)


def _ask(visitor: httpx.Client, asked: Question, deadline: float) -> Condition:
    """Listeners and certificates may take a moment after a load, so a failure to connect is tried again."""
    while True:
        found = _try(visitor, asked)
        if found.status is Truth.TRUE or found.reason == "UpstreamUnavailable":
            return found
        if time.monotonic() + _PAUSE_SECONDS >= deadline:
            return found
        time.sleep(_PAUSE_SECONDS)


def _try(visitor: httpx.Client, asked: Question) -> Condition:
    say = _sayer(asked.subject)
    known = {} if asked.key is None else {HEADER: asked.key}
    request = visitor.build_request("GET", asked.url, headers={"Host": asked.domain, **known})
    request.extensions["sni_hostname"] = asked.domain
    try:
        response = visitor.send(request, stream=True)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return _unanswered(say, asked, error)
    response.close()
    if UNAVAILABLE_HEADER in response.headers:
        return bouncer_away(asked.subject, "everybody is refused")
    if response.status_code in _UPSTREAM_FAILURES and not asked.fixed:
        return say(
            Truth.FALSE,
            "UpstreamUnavailable",
            f"the edge answers {response.status_code} for {asked.place}: no target of its Service does",
        )
    return say(Truth.TRUE, "Answering", "")


def bouncer_away(subject: ResourceKey, meanwhile: str) -> Condition:
    """The edge answers for a Host, but cannot ask the agent about its visitors."""
    return Condition(
        subject,
        "Ready",
        Truth.FALSE,
        "BouncerAway",
        f"Caddy gets no verdict from the agent, so {meanwhile}; does `argos-gitops run` listen where "
        "crowdsec.bouncer.agentUrl says, as Caddy reaches it, and does LAPI answer it?",
    )


Say = Callable[[Truth, str, str], Condition]


def _sayer(subject: ResourceKey) -> Say:
    return lambda status, reason, message: Condition(subject, "Ready", status, reason, message)


def _unanswered(say: Say, asked: Question, error: Exception) -> Condition:
    if asked.managed and _is_tls_failure(error):
        return say(
            Truth.FALSE,
            "CertificateMissing",
            f"the edge has no certificate for {asked.place} yet; Caddy's log says how getting one goes",
        )
    return say(
        Truth.FALSE,
        "NotAnswering",
        f"the edge does not answer for {asked.place} ({type(error).__name__}); is caddy.probe.host right?",
    )


def _is_tls_failure(error: BaseException) -> bool:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False
