"""A Host as Caddy routes and as its part of the tls app."""

from collections.abc import Iterator, Sequence
from typing import Any

from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.answers import FixedResponse, HeaderChanges, Redirect
from argos_gitops.providers.caddy.certificates import DEFAULT, INTERNAL, OFF
from argos_gitops.providers.caddy.fragments import header_text, placeholder
from argos_gitops.providers.caddy.hosts import HostSpec, HostTls
from argos_gitops.providers.caddy.settings import Acme

Tree = dict[str, Any]

_COMPRESSION: Tree = {"handler": "encode", "encodings": {"gzip": {}, "zstd": {}}, "prefer": ["zstd", "gzip"]}


def routes(name: str, host: HostSpec, answer: Sequence[Tree], bouncer: Tree | None) -> list[Tree]:
    """One terminal route, or two where exact domains and wildcards meet: those stand apart in the order.

    `answer` are the handlers of the host's Service, `bouncer` is the one that refuses banned addresses.
    """
    handle = [*_handlers(host, answer, bouncer)]
    wildcards = [domain for domain in host.domains if domain.startswith("*.")]
    exact = [domain for domain in host.domains if not domain.startswith("*.")]
    found = []
    if exact:
        found.append(_route(marks.route_mark(name, wildcard=False), exact, handle))
    if wildcards:
        found.append(_route(marks.route_mark(name, wildcard=bool(exact)), wildcards, handle))
    return found


def _route(mark: str, domains: list[str], handle: list[Tree]) -> Tree:
    return {"@id": mark, "match": [{"host": domains}], "handle": handle, "terminal": True}


def _handlers(host: HostSpec, answer: Sequence[Tree], bouncer: Tree | None) -> Iterator[Tree]:
    """The bouncer comes first, so that a banned address reaches nothing else."""
    if bouncer is not None:
        yield bouncer
    headers = _headers(host)
    if headers:
        yield {"handler": "headers", **headers}
    if host.compression:
        yield _COMPRESSION
    if host.redirect is not None:
        yield _redirect(host.redirect)
    elif host.response is not None:
        yield _response(host.response)
    else:
        yield from answer


def _headers(host: HostSpec) -> Tree:
    """Response changes wait until the answer is there, so that they hold against its own headers."""
    request, response = _changes(host.headers.request), _changes(host.headers.response)
    return {
        **({"request": request} if request else {}),
        **({"response": {**response, "deferred": True}} if response else {}),
    }


def _changes(changes: HeaderChanges) -> Tree:
    found = {
        "add": {name: [header_text(value)] for name, value in changes.add.items()},
        "set": {name: [header_text(value)] for name, value in changes.set.items()},
        "delete": list(changes.remove),
    }
    return {name: value for name, value in found.items() if value}


def _redirect(redirect: Redirect) -> Tree:
    base = redirect.base
    to = f"{base.rstrip('/')}{{http.request.uri}}" if redirect.preserve_path else base
    return {"handler": "static_response", "status_code": redirect.status, "headers": {"Location": [to]}}


def _response(response: FixedResponse) -> Tree:
    found: Tree = {"handler": "static_response", "status_code": response.status}
    if response.body:
        found |= {"headers": {"Content-Type": [response.content_type]}, "body": response.body}
    return found


def tls_of(tls: HostTls, edge: Acme) -> Tree:
    """A host's `tls` content, see certificates."""
    if tls.mode == "off":
        return OFF
    if tls.mode == "internal":
        return INTERNAL
    if tls.mode == "manual":
        return {"files": {"certificate": tls.certificate, "key": tls.key}}
    if not tls.given():
        return DEFAULT
    return {"policy": policy_of(_over(tls, edge))}


def policy_of(acme: Acme) -> Tree | None:
    """How certificates are got; None leaves it to Caddy's defaults."""
    if not acme.given():
        return None
    issuer = {"module": "acme", "email": acme.email, "ca": acme.ca, "challenges": _challenges(acme)}
    return {"issuers": [{name: value for name, value in issuer.items() if value}]}


def _over(tls: HostTls, edge: Acme) -> Acme:
    """The host's fields over the edge's; a challenge comes with its own dns provider."""
    dns = tls if tls.challenge is not None else edge
    return Acme(email=tls.email or edge.email, ca=tls.ca or edge.ca, challenge=dns.challenge, dns=dns.dns)


def _challenges(acme: Acme) -> Tree:
    if acme.dns is not None:
        options = {
            name: value if isinstance(value, str) else placeholder(value)
            for name, value in acme.dns.options.items()
        }
        return {"dns": {"provider": {"name": acme.dns.provider, **options}}}
    others = {"http": "tls-alpn", "tls-alpn": "http"}
    return {others[acme.challenge]: {"disabled": True}} if acme.challenge else {}
