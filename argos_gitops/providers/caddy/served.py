"""The certificate that an edge serves for a domain: whether it is one that the Host asks for. Pure.

Whom a public CA's certificate comes from cannot be known beforehand; that it does not come from Caddy's own
CA can. Of files on the edge nothing is known but that they must be for the domain.
"""

import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cryptography import x509

from argos_gitops.providers.caddy.certificates import INTERNAL, OFF
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.routes import tls_of
from argos_gitops.providers.caddy.settings import CaddySettings

Issuer = Literal["internal", "public", "any"]

_NOT_PUBLIC = ("localhost", "local", "internal", "arpa")
"""Last labels of domains for which Caddy asks its own CA by itself (certmagic)."""
_MOST_NAMES = 5
_LONGEST_NAME = 100
_MISMATCHED = frozenset(
    {"TLSV1_UNRECOGNIZED_NAME", "TLSV1_ALERT_INTERNAL_ERROR", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
)
"""What a server says that has no certificate for a name; Caddy says the second."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a Host asks for. `wildcards` are domains that are got in the same way, and may serve it too;
    `file` is where the certificate is on the edge, empty where Caddy gets it itself."""

    issuer: Issuer
    wildcards: frozenset[str]
    file: str = ""

    def names(self, domain: str) -> frozenset[str]:
        """Names of which the certificate must hold one."""
        above = f"*.{domain.partition('.')[2]}"
        return frozenset({domain, above} if self.file or above in self.wildcards else {domain})


Wildcards = Sequence[tuple[object, str]]
"""Wildcard domains, each with how its certificate is got, as `tls_of` tells it."""


def wildcards_of(hosts: Iterable[HostSpec], settings: CaddySettings) -> Wildcards:
    """Those of all Hosts of an Edge."""
    return [
        (tls_of(host.tls, settings), domain)
        for host in hosts
        for domain in host.domains
        if domain.startswith("*.")
    ]


def wanted(host: HostSpec, wildcards: Wildcards, settings: CaddySettings) -> Wanted | None:
    """What a Host of an Edge asks for, with the wildcards of that Edge; None without TLS."""
    tls = tls_of(host.tls, settings)
    if tls == OFF:
        return None
    if host.tls.certificate is not None:
        return Wanted("any", frozenset(), host.tls.certificate)
    alike = frozenset(domain for how, domain in wildcards if how == tls)
    if tls == INTERNAL:
        return Wanted("internal", alike)
    known = settings.whole and (host.tls.ca or settings.acme.ca) is None
    return Wanted("public" if known else "any", alike)


def fault(served: bytes, domain: str, asked: Wanted, local_ca: x509.Name | None) -> str | None:
    """What is wrong with a certificate (DER) that is served for a domain; None if nothing is.

    `local_ca` is the name under which Caddy's own CA issues.
    """
    certificate = x509.load_der_x509_certificate(served)
    names = _names(certificate)
    own = local_ca is not None and certificate.issuer == local_ca
    right = not names.isdisjoint(asked.names(domain))
    if asked.issuer == "internal":
        right = right and (own or local_ca is None)
    elif asked.issuer == "public" and domain.rpartition(".")[2] not in _NOT_PUBLIC:
        right = right and not own
    if right:
        return None
    shown = ", ".join(sorted(names)[:_MOST_NAMES]) or "no domain"
    issuer = certificate.issuer.rfc4514_string()[:_LONGEST_NAME]
    return f"the certificate for {shown} from {issuer or 'nobody'} instead of {_in_words(asked, domain)}"


def _names(certificate: x509.Certificate) -> frozenset[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in found.get_values_for_type(x509.DNSName))


def _in_words(asked: Wanted, domain: str) -> str:
    if asked.file:
        return f"one for {domain}; is {asked.file} on the edge one?"
    source = {"internal": " from Caddy's own CA", "public": " from a public CA", "any": ""}[asked.issuer]
    return f"one for {domain}{source}; Caddy's log says how getting it goes"


def alert(error: BaseException) -> str | None:
    """What a failed handshake came down to, as OpenSSL names it; None where TLS is not to blame."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause.reason or type(cause).__name__
        cause = cause.__cause__ or cause.__context__
    return None


def says_no_certificate(reason: str) -> bool:
    """Whether an alert is what a server without a certificate for a name sends."""
    return reason in _MISMATCHED
