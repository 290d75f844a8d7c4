"""How a Host with guards that count answers our own probe: before they count it. Pure but for the key's file.

A probe carries a key that nobody else knows, and that is good for one Host alone. Whoever has it learns the
status of `GET /` there and nothing more: no body and no header of the site is passed on, whatever was asked
for. The key is derived from a random one in a file of the cache folder that the agent's account alone
reads, and stands in Caddy's configuration; what Caddy holds is preferred, so that every agent of an Edge
uses the same, and a lost file changes nothing.

It travels as `Proxy-Authorization`, whatever answers: that is the header which Caddy masks in all its logs
(since 2.5, as long as `log_credentials` is off), and which no proxy passes on, as it is for the next hop
alone (RFC 9110, 11.7.1). A Host, or a route of others, that does not know our probes so neither logs the
key nor shows it to anybody.
"""

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from argos_gitops.model.objects import digest_of
from argos_gitops.providers.caddy.hosts import HostSpec, Rule
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.masking import masked
from argos_gitops.providers.caddy.matchers import matcher_sets
from argos_gitops.providers.caddy.proof import ANSWERED_BY, NOT_LOGGED, answer_of

Tree = dict[str, Any]

HEADER = "Proxy-Authorization"
"""Holds the key in our request, after `SCHEME`."""
SCHEME = "Argos-Probe "

_BYTES = 24
_MASTER_BYTES = 32
_FRONT_PAGE: Tree = {"handler": "rewrite", "method": "GET", "uri": "/"}
_KEY_STAYS: Tree = {"handler": "headers", "request": {"delete": [HEADER]}}
"""No Service is to see the key of its Host, or it could pass by the guards itself."""
_BEFORE = (NOT_LOGGED, _FRONT_PAGE, _KEY_STAYS)
_STATUS_ONLY = [
    {
        "routes": [
            {"handle": [{"handler": "static_response", "status_code": "{http.reverse_proxy.status_code}"}]}
        ]
    }
]
_PLACES = 3
"""Among how many handlers of a route it is: behind changes of headers and the bouncer."""
_OF_VISITORS = ("health_checks", "load_balancing", "handle_response")
"""What counts requests, or tells visitors apart."""


class ProbeKeys:
    """The keys of one Edge's probes, one for each Host."""

    def __init__(self, cache_dir: Path, edge: str) -> None:
        self._path = cache_dir / f"probe-{edge}.master"
        # What older versions derived nothing from, and gave to every Host.
        self._outdated = cache_dir / f"probe-{edge}.key"

    def of(self, host: str, layout: Layout) -> str:
        """The key that Caddy has for a Host, or ours where it has none."""
        content = layout.hosts.get(host)
        return (None if content is None else _key_in(content)) or self._own(host)

    def _own(self, host: str) -> str:
        return hashlib.blake2b(host.encode(), key=self._master, digest_size=_BYTES).hexdigest()

    @cached_property
    def _master(self) -> bytes:
        with suppress(OSError):
            kept = self._path.read_bytes()
            if len(kept) == _MASTER_BYTES:
                return kept
        made = secrets.token_bytes(_MASTER_BYTES)
        with suppress(OSError):
            self._outdated.unlink(missing_ok=True)
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(made)
        return made


def is_counted(host: HostSpec) -> bool:
    """Whether a probe like any visitor's request would be counted: by a rate limit, or as a failed login."""
    return any(part.rate_limit is not None or part.basic_auth is not None for part in host.parts)


def probe_handler(name: str, host: HostSpec, answers: Mapping[str, Sequence[Tree]], key: str) -> Tree:
    """Answers a probe with the status that the rules, without their guards, come to."""
    mark = {"handler": "headers", "response": {"set": {ANSWERED_BY: [answer_of(name)]}}}
    routes = [*_rules(host, answers)]
    return {
        "handler": "subroute",
        "routes": [
            {
                "match": [{"header": {HEADER: [SCHEME + key]}}],
                "handle": [*_BEFORE, mark, {"handler": "subroute", "routes": routes}],
                "terminal": True,
            }
        ],
    }


def key_of(handler: Any) -> str | None:
    """The key in a handler of ours; None for any other."""
    try:
        (value,) = handler["routes"][0]["match"][0]["header"][HEADER]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return None
    key = value.removeprefix(SCHEME)
    return key if len(key) == 2 * _BYTES and key.isalnum() else None


def shown_probe(handler: Tree) -> str:
    """What people see of it: a digest of all that may be shown, so that a change of it shows."""
    return f"passes by what counts ({digest_of(masked(handler))[:8]})"


def _key_in(content: Tree) -> str | None:
    """The key in a Host's content."""
    for handler in (content["routes"][0].get("handle") or ())[:_PLACES]:
        key = key_of(handler)
        if key is not None:
            return key
    return None


def _rules(host: HostSpec, answers: Mapping[str, Sequence[Tree]]) -> Iterator[Tree]:
    own = [*_status(host, answers)]
    for rule in host.rules:
        match = {} if rule.match is None else {"match": matcher_sets(rule.match)}
        yield {**match, "handle": [*_status(rule, answers)] or own, "terminal": True}
    yield {"handle": own or [{"handler": "static_response", "status_code": 404}], "terminal": True}


def _status(part: HostSpec | Rule, answers: Mapping[str, Sequence[Tree]]) -> Iterator[Tree]:
    fixed = part.redirect or part.response
    if fixed is not None:
        yield {"handler": "static_response", "status_code": fixed.status}
    elif part.service is not None:
        proxy = {name: value for name, value in answers[part.service][-1].items() if name not in _OF_VISITORS}
        yield {**proxy, "handle_response": _STATUS_ONLY}
