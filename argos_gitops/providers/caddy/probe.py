"""Asking the edge for hosts as a visitor would, to prove that a change took effect."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.outbound import BoundedClient, Bounds
from argos_gitops.providers.caddy.client import USER_AGENT
from argos_gitops.providers.caddy.forward_auth import UNAVAILABLE_HEADER
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.listeners import Address
from argos_gitops.providers.caddy.own_probe import HEADER, SCHEME
from argos_gitops.providers.caddy.proof import ANSWERED_BY, PROOF, WHY, answer_of
from argos_gitops.providers.caddy.served import Wanted, alert, fault, says_no_certificate
from argos_gitops.providers.caddy.settings import CaddySettings
from argos_gitops.providers.caddy.shadows import Rival

MOST_PROBES = 50
ANSWERED_BY_ANOTHER = "AnsweredByAnother"
_MOST_DOMAINS = 10
_CONNECTIONS = 8
_LONGEST_NAME = 60
_LONGEST_ERROR = 300
_ALL_OUT = "no upstreams available"
"""Caddy's word for targets of which each was taken out."""
_SIDE_BY_SIDE = 16
_PAUSE_SECONDS = 0.1
_ANY_LABEL = "argos-probe"
# Only status and headers are looked at.
_BOUNDS = Bounds(64 * 1024)
_UPSTREAM_FAILURES = frozenset({502, 503, 504})
_AT_ONCE = frozenset({"UpstreamUnavailable", "RouteMissing"})
"""Reasons that another try would find again."""


@dataclass(frozen=True, slots=True)
class Question:
    """One Host to ask for: at which base URL, for which domains, first of all for the first.

    `certificate` is what it asks for, None without TLS. `served`: whether Caddy's configuration holds a route
    of it. `token` is what that route answers a proof to, None where it was written before there were any;
    `key` is that by which it knows our probes; `behind` names Services and their targets, and `checked`
    says whether Caddy takes some of those out by itself.
    """

    subject: ResourceKey
    url: str
    address: Address
    domains: tuple[str, ...]
    fixed: bool
    certificate: Wanted | None = None
    served: bool = True
    token: str | None = None
    key: str | None = None
    behind: str = ""
    checked: bool = False

    @property
    def domain(self) -> str:
        return self.domains[0]

    @property
    def place(self) -> str:
        return f"{_name(self.domain)} at {self.url}"


FindRival = Callable[[Question, str], Rival | None]
"""The route of others that may answer for a domain of a Host in its place."""


def question(
    subject: ResourceKey, host: HostSpec, address: Address, secure: bool, settings: CaddySettings
) -> Question:
    """Asks for the host's domains at one of the edge's listeners."""
    scheme = "https" if secure else "http"
    reached = Address(_reachable(address, settings), address.port)
    fixed = any(part.response is not None for part in host.parts)
    return Question(subject, f"{scheme}://{reached}/", reached, host.domains[:_MOST_DOMAINS], fixed)


def _name(domain: str) -> str:
    """A name that a domain stands for."""
    return domain.replace("*", _ANY_LABEL)


def _reachable(address: Address, settings: CaddySettings) -> str:
    """An edge that listens everywhere is asked where its admin API is."""
    if settings.probe.host is not None:
        host = settings.probe.host
        return f"[{host}]" if ":" in host else host
    if not address.everywhere:
        return address.host
    host = urlsplit(settings.admin_url).hostname or "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def ask(
    questions: Sequence[Question], seconds: float, rivals: FindRival, local_ca: x509.Name | None = None
) -> Iterator[Condition]:
    """A Ready condition for each; each takes at most about `seconds`. `local_ca` is the name under which
    Caddy's own CA issues, None where nobody knows."""
    if not questions:
        return
    with _visitor(seconds) as visitor, ThreadPoolExecutor(_SIDE_BY_SIDE) as pool:
        asker = _Asker(visitor, rivals, local_ca)
        found = [*pool.map(lambda each: asker.ask(each, time.monotonic() + seconds), questions)]
        pairs = [*zip(questions, found, strict=True)]
        shared = dict(asker.shared([each for each, its in pairs if its.status is Truth.TRUE]))
    for asked, condition in pairs:
        others = shared.get(asked.url) if condition.status is Truth.TRUE else None
        yield condition if others is None else _answered_by_another(asked, asked.domain, others)


def _visitor(seconds: float) -> httpx.Client:
    """Whom certificates come from is looked at afterwards: a test CA is fine."""
    headers = {"User-Agent": USER_AGENT}
    return BoundedClient(_BOUNDS, verify=False, timeout=seconds, headers=headers, trust_env=False)


@dataclass(frozen=True, slots=True)
class _Asker:
    visitor: httpx.Client
    rivals: FindRival
    local_ca: x509.Name | None

    def ask(self, asked: Question, deadline: float) -> Condition:
        """Listeners and certificates may take a moment after a load, so a failure is tried again."""
        while True:
            found = self._try(asked)
            if found.status is Truth.TRUE or found.reason in _AT_ONCE:
                return found
            if time.monotonic() + _PAUSE_SECONDS >= deadline:
                return found
            time.sleep(_PAUSE_SECONDS)

    def shared(self, answering: Sequence[Question]) -> Iterator[tuple[str, str]]:
        """Addresses that another program answers at too, with what it is.

        Two Caddys of one account may listen at one port: then the system gives each new connection to
        either of them (SO_REUSEPORT).
        """
        for asked in {each.url: each for each in answering if each.token is not None}.values():
            strangers = [self._stranger(asked, asked.domain) for _ in range(_CONNECTIONS)]
            others = [each for each in strangers if each is not None]
            if others:
                yield asked.url, f"{len(others)} of {len(strangers)} connections by {others[0]}"

    def _try(self, asked: Question) -> Condition:
        if not asked.served:
            return _condition(
                asked, "RouteMissing", f"Caddy's configuration holds no route for {', '.join(asked.domains)}"
            )
        try:
            for domain in asked.domains:
                stranger = self._stranger(asked, domain)
                if stranger is not None:
                    return _answered_by_another(asked, domain, stranger)
            return self._answer(asked)
        except _WrongCertificateError as error:
            return _condition(asked, "WrongCertificate", str(error))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return _unanswered(asked, error)

    def _stranger(self, asked: Question, domain: str) -> str | None:
        """What answers in the place of the Host's route; None where that answers itself."""
        if asked.token is None:
            found = self.rivals(asked, _name(domain))
            return None if found is None else str(found)
        response, served = self._send(asked, domain, {PROOF: asked.token})
        if response.headers.get(ANSWERED_BY) == answer_of(asked.subject.name):
            self._check(served, asked, domain)
            return None
        found = self.rivals(asked, _name(domain))
        if found is not None:
            return str(found)
        server = response.headers.get("Server", "")
        named = f", Server: {server[:_LONGEST_NAME]}" if server else ""
        return f"another program that listens there (it answers {response.status_code}{named})"

    def _answer(self, asked: Question) -> Condition:
        known = {} if asked.key is None else {HEADER: SCHEME + asked.key}
        if asked.token is not None:
            known[WHY] = asked.token
        response, served = self._send(asked, asked.domain, known)
        self._check(served, asked, asked.domain)
        if UNAVAILABLE_HEADER in response.headers:
            return bouncer_away(asked.subject, "everybody is refused")
        if response.status_code in _UPSTREAM_FAILURES and not asked.fixed:
            return _condition(asked, "UpstreamUnavailable", _unavailable(asked, response))
        return Condition(asked.subject, "Ready", Truth.TRUE, "Answering", "")

    def _check(self, served: bytes | None, asked: Question, domain: str) -> None:
        if asked.certificate is None or served is None:
            return
        found = fault(served, domain, asked.certificate, self.local_ca)
        if found is not None:
            raise _WrongCertificateError(f"{_name(domain)} at {asked.url} is served {found}")

    def _send(
        self, asked: Question, domain: str, headers: Mapping[str, str]
    ) -> tuple[httpx.Response, bytes | None]:
        """The answer to `GET /`, without its body, and the certificate (DER) that was served.

        Each on a connection of its own: one that stays open would have the certificate of another name.
        """
        named = {"Host": _name(domain), "Connection": "close", **headers}
        request = self.visitor.build_request("GET", asked.url, headers=named)
        request.extensions["sni_hostname"] = _name(domain)
        response = self.visitor.send(request, stream=True)
        try:
            tls = response.extensions["network_stream"].get_extra_info("ssl_object")
            return response, None if tls is None else tls.getpeercert(True)
        finally:
            response.close()


class _WrongCertificateError(Exception):
    """An edge that serves another certificate than a Host asks for."""


def _condition(asked: Question, reason: str, message: str) -> Condition:
    return Condition(asked.subject, "Ready", Truth.FALSE, reason, message)


def _unavailable(asked: Question, response: httpx.Response) -> str:
    """Caddy's own words where the error is its own; without them a target gave that answer."""
    head = f"the edge answers {response.status_code} for {asked.place}"
    why = response.headers.get(WHY)
    if asked.token is None:
        return f"{head} ({asked.behind} stand behind it)"
    if why is None:
        return f"{head}, and so does a target of it: {asked.behind}"
    if _ALL_OUT in why and asked.checked:
        return (
            f"{head}: its health checks find no target well ({asked.behind}); Caddy's log says what each "
            "check got, such as `tls` asked of a port that speaks none"
        )
    return f"{head}: {why[:_LONGEST_ERROR]} ({asked.behind})"


def _answered_by_another(asked: Question, domain: str, stranger: str) -> Condition:
    return _condition(
        asked,
        ANSWERED_BY_ANOTHER,
        f"{_name(domain)} at {asked.url} is not answered by {asked.subject} but by {stranger}; take that "
        "away, or the domain out of one of the two",
    )


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


def _unanswered(asked: Question, error: Exception) -> Condition:
    """A server's alert is its own word on what it lacks; any other failure is named as it is."""
    reason = alert(error)
    if asked.certificate is None or reason is None:
        return _condition(
            asked,
            "NotAnswering",
            f"the edge does not answer for {asked.place} ({_words(error)}); is caddy.probe.host right?",
        )
    if not says_no_certificate(reason):
        return _condition(
            asked, "NotAnswering", f"the TLS handshake for {asked.place} fails ({reason}); does it speak TLS?"
        )
    file = asked.certificate.file
    cure = f"is {file} for another name?" if file else "Caddy's log says how getting one goes"
    return _condition(
        asked,
        "CertificateMissing",
        f"the edge has no certificate for {asked.place} (its TLS alert: {reason}); {cure}",
    )


def _words(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".removesuffix(": ")
