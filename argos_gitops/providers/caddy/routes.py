"""A Host as Caddy routes and as its part of the tls app."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.actions import (
    NOT_FOUND,
    early_headers,
    guards,
    headers,
    redirection,
    response,
    rewrites,
)
from argos_gitops.providers.caddy.answers import HeaderChanges, HostHeaders
from argos_gitops.providers.caddy.certificates import DEFAULT, INTERNAL, OFF
from argos_gitops.providers.caddy.forwarded import UNFORGED, as_said
from argos_gitops.providers.caddy.fragments import placeholder
from argos_gitops.providers.caddy.hosts import HostSpec, HostTls, Rule
from argos_gitops.providers.caddy.matchers import matcher_sets
from argos_gitops.providers.caddy.own_probe import probe_handler
from argos_gitops.providers.caddy.paths import CLEAN, REFUSE_AMBIGUOUS, REFUSE_REWRITTEN
from argos_gitops.providers.caddy.settings import Acme, CaddySettings

Tree = dict[str, Any]
Answers = Mapping[str, Sequence[Tree]]

_COMPRESSION: Tree = {"handler": "encode", "encodings": {"gzip": {}, "zstd": {}}, "prefer": ["zstd", "gzip"]}


def routes(
    name: str, host: HostSpec, answers: Answers, bouncer: Tree | None, probe_key: str | None = None
) -> list[Tree]:
    """One terminal route, or two where exact domains and wildcards meet: those stand apart in the order.

    `answers` are the handlers of each Service that the host uses, `bouncer` is the one that refuses
    banned addresses. `probe_key` is the key of our probes, where there is something that would count them.
    """
    handle = [*_handlers(name, host, answers, bouncer)]
    if probe_key is not None:
        early = [*early_headers(host.headers.response)]
        place = len(early) + int(bouncer is not None)
        handle.insert(place, probe_handler(name, host, answers, probe_key))
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


def _handlers(name: str, host: HostSpec, answers: Answers, bouncer: Tree | None) -> Iterator[Tree]:
    """The bouncer comes first, so that a banned address reaches nothing else; rules come last of all.

    Changes of responses lie around everything; those of a rule around those of the Host.
    """
    yield from early_headers(host.headers.response)
    if bouncer is not None:
        yield bouncer
    if host.refuses_paths:
        yield REFUSE_AMBIGUOUS
    elif host.cleans_paths:
        yield CLEAN
    if host.guarded:
        yield from guards(host, marks.zone(name))
    if host.services:
        yield UNFORGED
    yield from headers(_before_rules(host))
    if host.compression:
        yield _COMPRESSION
    if host.rules:
        yield {"handler": "subroute", "routes": [*_rules(name, host, answers)]}
    else:
        yield from _answer(host, answers, host.headers.request)


def _before_rules(host: HostSpec) -> HostHeaders:
    """The Host's changes, but those of responses where a rule has some too: see `_rule`."""
    return HostHeaders(request=host.headers.request) if _overridden(host) else host.headers


def _overridden(host: HostSpec) -> bool:
    return any(rule.headers.response.model_fields_set for rule in host.rules)


def _rules(name: str, host: HostSpec, answers: Answers) -> Iterator[Tree]:
    """A route for each rule, and one for the rest; Caddy ends at the first that fits."""
    inner = HostHeaders(response=host.headers.response) if _overridden(host) else HostHeaders()
    for number, rule in enumerate(host.rules, 1):
        handle = [*_rule(rule, marks.zone(name, number), inner)]
        changes = (host.headers.request, rule.headers.request)
        if host.refuses_paths and rule.rewrite is not None:
            handle.append(REFUSE_REWRITTEN)
        handle += _answer(rule, answers, *changes) or _answer(host, answers, *changes)
        match = {} if rule.match is None else {"match": matcher_sets(rule.match)}
        yield {**match, "handle": handle, "terminal": True}
    if not any(rule.match is None for rule in host.rules):
        own = _answer(host, answers, host.headers.request) or [NOT_FOUND]
        yield {"handle": [*headers(inner), *own], "terminal": True}


def _rule(rule: Rule, zone: str, inner: HostHeaders) -> Iterator[Tree]:
    """`inner` are changes of the Host that those of the rule come after: Caddy makes the innermost first."""
    yield from early_headers(rule.headers.response)
    yield from guards(rule, zone)
    yield from headers(rule.headers)
    yield from headers(inner)
    if rule.rewrite is not None:
        yield from rewrites(rule.rewrite)


def _answer(part: HostSpec | Rule, answers: Answers, *changes: HeaderChanges) -> Sequence[Tree]:
    if part.redirect is not None:
        return (redirection(part.redirect),)
    if part.response is not None:
        return (response(part.response),)
    return () if part.service is None else as_said(answers[part.service], changes)


def tls_of(tls: HostTls, edge: CaddySettings) -> Tree:
    """A host's `tls` content, see certificates."""
    if tls.mode == "off":
        return OFF
    if tls.mode == "internal":
        return INTERNAL
    if tls.mode == "manual":
        return {"files": {"certificate": tls.certificate, "key": tls.key}}
    if not tls.given():
        return INTERNAL if edge.certificates == "internal" else DEFAULT
    return {"policy": policy_of(_over(tls, edge.acme))}


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
