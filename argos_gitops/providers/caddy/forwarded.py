"""What Services learn of a visitor from headers: the edge's word, never the visitor's own. Pure.

Caddy's proxy sets X-Forwarded-For, -Proto and -Host itself, and believes those of a trusted proxy alone. The
others that services read are dealt with here, by one list, for every Host that sends requests to a Service:
they are removed unless a trusted proxy sent them (Caddy 2.6.3 tells), and X-Forwarded-Port and X-Real-Ip are
set. Traefik does the same.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any

from argos_gitops.providers.caddy.answers import HeaderChanges

Tree = dict[str, Any]

REMOVED = ("X-Forwarded-*", "Forwarded")
"""Headers that nobody but a trusted proxy may send."""

_PORT = "X-Forwarded-Port"
_REAL_IP = "X-Real-Ip"
_OF_THE_PROXY = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host")
"""Headers that Caddy's proxy sets after all changes of ours."""


def _setting(name: str, value: str) -> list[Tree]:
    return [{"handler": "headers", "request": {"set": {name: [value]}}}]


_NO_PORT: Tree = {"header": {_PORT: None}}
_USUAL_PORT: Tree = {**_NO_PORT, "vars": {"{http.request.port}": [""]}}

UNFORGED: Tree = {
    "handler": "subroute",
    "routes": [
        {
            "match": [{"not": [{"vars": {"{http.vars.trusted_proxy}": ["true"]}}]}],
            "handle": [{"handler": "headers", "request": {"delete": list(REMOVED)}}],
        },
        {"match": [{**_USUAL_PORT, "protocol": "https"}], "handle": _setting(_PORT, "443")},
        {"match": [_USUAL_PORT], "handle": _setting(_PORT, "80")},
        {"match": [_NO_PORT], "handle": _setting(_PORT, "{http.request.port}")},
        {"handle": _setting(_REAL_IP, "{http.vars.client_ip}")},
    ],
}
"""Stands before the changes that a Host makes itself."""


def as_said(answer: Sequence[Tree], changes: Sequence[HeaderChanges]) -> Sequence[Tree]:
    """The answer of a Service, whose proxy passes on what `changes`, one after the other, say of headers
    that it would set itself."""
    last = {name: said for name in _OF_THE_PROXY if (said := _last(name, changes)) is not None}
    if not last:
        return answer
    *before, proxy = answer
    request = dict((proxy.get("headers") or {}).get("request") or {})
    kept = {name: [f"{{http.request.header.{name}}}"] for name, given in last.items() if given}
    gone = [name for name, given in last.items() if not given]
    if kept:
        request["set"] = {**request.get("set", {}), **kept}
    if gone:
        request["delete"] = [*request.get("delete", ()), *gone]
    return (*before, {**proxy, "headers": {**(proxy.get("headers") or {}), "request": request}})


def _last(name: str, changes: Sequence[HeaderChanges]) -> bool | None:
    """Whether a header is there (True) or not (False) after all changes; None where none is about it."""
    found = None
    for each in changes:
        if name.lower() in {given.lower() for given in (*each.add, *each.set, *each.replace)}:
            found = True
        if any(fnmatchcase(name.lower(), gone.lower()) for gone in each.remove):
            found = False
    return found
