"""How a Host with guards that count answers our own probe: before they count it. Pure but for the key's file.

A probe carries a key that nobody else knows. Whoever has it learns the status of `GET /` and nothing more: no
body and no header of the site is passed on, whatever was asked for. The key stands in Caddy's configuration
and in a file of the cache folder that the agent's account alone reads; what Caddy holds is preferred, so that
every agent of an Edge uses the same, and a lost file changes nothing.
"""

import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

from argos_gitops.model.objects import digest_of
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.hosts import HostSpec, Rule
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.masking import masked
from argos_gitops.providers.caddy.matchers import matcher_sets
from argos_gitops.providers.caddy.proof import ANSWERED_BY

Tree = dict[str, Any]

HEADER = "X-Argos-Probe"
"""Holds the key in our request."""

_BYTES = 24
_NOT_LOGGED: Tree = {"handler": "vars", "log_skip": True, "skip_log": True}
"""Readers of access logs would take us for an attacker; the second name is that of Caddy before 2.8."""
_FRONT_PAGE: Tree = {"handler": "rewrite", "method": "GET", "uri": "/"}
_KEY_STAYS: Tree = {"handler": "headers", "request": {"delete": [HEADER]}}
"""The key passes by the guards of every Host of the Edge, so no Service is to see it."""
_BEFORE = (_NOT_LOGGED, _FRONT_PAGE, _KEY_STAYS)
_STATUS_ONLY = [
    {
        "routes": [
            {"handle": [{"handler": "static_response", "status_code": "{http.reverse_proxy.status_code}"}]}
        ]
    }
]
_OF_VISITORS = ("health_checks", "load_balancing", "handle_response")
"""What counts requests, or tells visitors apart."""


class ProbeKey:
    """The key of one Edge's probes."""

    def __init__(self, cache_dir: Path, edge: str) -> None:
        self._path = cache_dir / f"probe-{edge}.key"

    def of(self, layout: Layout) -> str:
        """The key that Caddy has, or ours where it has none."""
        found = set(_keys(layout))
        return self._own if not found or self._own in found else min(found)

    @cached_property
    def _own(self) -> str:
        with suppress(OSError):
            kept = self._path.read_text("ascii", "replace")
            if len(kept) == 2 * _BYTES and kept.isalnum():
                return kept
        made = secrets.token_hex(_BYTES)
        with suppress(OSError):
            self._path.unlink(missing_ok=True)
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(made)
        return made


def is_counted(host: HostSpec) -> bool:
    """Whether a probe like any visitor's request would be counted: by a rate limit, or as a failed login."""
    return any(part.rate_limit is not None or part.basic_auth is not None for part in host.parts)


def probe_handler(name: str, host: HostSpec, answers: Mapping[str, Sequence[Tree]], key: str) -> Tree:
    """Answers a probe with the status that the rules, without their guards, come to."""
    mark = {
        "handler": "headers",
        "response": {"set": {ANSWERED_BY: [marks.route_mark(name, wildcard=False)]}},
    }
    routes = [*_rules(host, answers)]
    return {
        "handler": "subroute",
        "routes": [
            {
                "match": [{"header": {HEADER: [key]}}],
                "handle": [*_BEFORE, mark, {"handler": "subroute", "routes": routes}],
                "terminal": True,
            }
        ],
    }


def key_of(handler: Any) -> str | None:
    """The key in a handler of ours; None for any other."""
    try:
        (key,) = handler["routes"][0]["match"][0]["header"][HEADER]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return key if isinstance(key, str) else None


def shown_probe(handler: Tree) -> str:
    """What people see of it: a digest of all that may be shown, so that a change of it shows."""
    return f"passes by what counts ({digest_of(masked(handler))[:8]})"


def _keys(layout: Layout) -> Iterator[str]:
    for content in layout.hosts.values():
        for handler in (content["routes"][0].get("handle") or ())[:2]:
            key = key_of(handler)
            if key is not None:
                yield key


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
