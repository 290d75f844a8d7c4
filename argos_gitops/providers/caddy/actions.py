"""What is done with a request, as Caddy's handlers: guards, headers, rewrites, redirects and responses.

The same for a Host and for its rules. Version floors (Caddy's source): `client_ip` 2.7.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.spec import format_duration
from argos_gitops.providers.caddy.answers import FixedResponse, HeaderChanges, HostHeaders, Redirect, Rewrite
from argos_gitops.providers.caddy.fragments import header_text
from argos_gitops.providers.caddy.guards import BasicAuth, Guarded, RateLimit
from argos_gitops.providers.caddy.paths import CLEAN, REFUSE_AMBIGUOUS

Tree = dict[str, Any]

NOT_FOUND: Tree = {"handler": "static_response", "status_code": 404}
_FORBIDDEN: Tree = {"handler": "static_response", "status_code": 403}
_URI = "{http.request.uri}"
_COUNTED_BY = {"client": "{http.vars.client_ip}", "everybody": "everybody"}


def guards(guarded: Guarded, zone: str) -> Iterator[Tree]:
    """What stands in front; `zone` names what a rate limit counts, as no other of the same Caddy does."""
    if guarded.allow:
        yield allow(guarded.allow)
    if guarded.rate_limit is not None:
        yield _rate_limit(guarded.rate_limit, zone)
    if guarded.basic_auth is not None:
        yield _basic_auth(guarded.basic_auth)


def allow(ranges: Sequence[str]) -> Tree:
    """Refuses everybody from elsewhere."""
    elsewhere = [{"not": [{"client_ip": {"ranges": list(ranges)}}]}]
    return {"handler": "subroute", "routes": [{"match": elsewhere, "handle": [_FORBIDDEN]}]}


def read_allow(handler: Mapping[str, Any]) -> Sequence[str] | None:
    """The ranges that a handler of ours lets in; None for any other."""
    try:
        ranges: Sequence[str] = handler["routes"][0]["match"][0]["not"][0]["client_ip"]["ranges"]
        return ranges if ranges and allow(ranges) == handler else None
    except (KeyError, IndexError, TypeError):
        return None


def is_guard(handler: Mapping[str, Any]) -> bool:
    """Whether it is one of those that decide who gets in."""
    if handler.get("handler") in ("rate_limit", "authentication") or handler in (REFUSE_AMBIGUOUS, CLEAN):
        return True
    return read_allow(handler) is not None


def _rate_limit(limit: RateLimit, zone: str) -> Tree:
    key = _COUNTED_BY.get(limit.by) or f"{{http.request.header.{limit.key}}}"
    counted = {"key": key, "window": format_duration(limit.window), "max_events": limit.requests}
    return {"handler": "rate_limit", "rate_limits": {zone: counted}}


def counted_by(key: str) -> str | None:
    """What a key of ours counts by, in our words; None for any other."""
    return next((word for word, each in _COUNTED_BY.items() if each == key), None)


def _basic_auth(auth: BasicAuth) -> Tree:
    """Caddy keeps what it found out, as bcrypt takes long by intention."""
    accounts = [{"username": name, "password": header_text(each)} for name, each in auth.users.items()]
    basic = {"accounts": accounts, "realm": auth.realm, "hash_cache": {}}
    return {"handler": "authentication", "providers": {"http_basic": basic}}


def early_headers(changes: HeaderChanges) -> Iterator[Tree]:
    """Response changes before there is an answer, so that refusals and errors have them too.

    Errors of Caddy's handlers are answered where no change that waits is seen. What is added is added here
    alone, beside what the answer brings.
    """
    response = {name: value for name, value in _changes(changes).items() if name != "replace"}
    if response:
        yield {"handler": "headers", "response": response}


def headers(changes: HostHeaders) -> Iterator[Tree]:
    """Response changes wait until the answer is there, so that they hold against its own headers."""
    request, response = _changes(changes.request), _changes(changes.response)
    response.pop("add", None)
    found = {
        **({"request": request} if request else {}),
        **({"response": {**response, "deferred": True}} if response else {}),
    }
    if found:
        yield {"handler": "headers", **found}


def _changes(changes: HeaderChanges) -> Tree:
    found = {
        "add": {name: [header_text(value)] for name, value in changes.add.items()},
        "set": {name: [header_text(value)] for name, value in changes.set.items()},
        "delete": list(changes.remove),
        "replace": {
            name: [{"search_regexp": each.pattern, "replace": each.replacement}]
            for name, each in changes.replace.items()
        },
    }
    return {name: value for name, value in found.items() if value}


def rewrites(rewrite: Rewrite) -> Iterator[Tree]:
    """One after the other, as Caddy would do the parts of one in an order of its own."""
    if rewrite.path is not None:
        yield {"handler": "rewrite", "uri": rewrite.path}
    if rewrite.strip_prefix is not None:
        yield {"handler": "rewrite", "strip_path_prefix": rewrite.strip_prefix}
    if rewrite.replace is not None:
        yield _replacing(rewrite.replace.pattern, rewrite.replace.replacement)
    if rewrite.add_prefix is not None:
        # Not by `uri`, which would decode what visitors encoded, such as %2F.
        yield _replacing("^", rewrite.add_prefix.replace("$", "$$"))


def _replacing(pattern: str, replacement: str) -> Tree:
    return {"handler": "rewrite", "path_regexp": [{"find": pattern, "replace": replacement}]}


def redirection(redirect: Redirect) -> Tree:
    to = f"{redirect.base.rstrip('/')}{_URI}" if redirect.preserve_path else redirect.base
    return {"handler": "static_response", "status_code": redirect.status, "headers": {"Location": [to]}}


def response(fixed: FixedResponse) -> Tree:
    found: Tree = {"handler": "static_response", "status_code": fixed.status}
    if fixed.body:
        found |= {"headers": {"Content-Type": [fixed.content_type]}, "body": fixed.body}
    return found
