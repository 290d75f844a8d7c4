"""How the route of a Host proves that it is the one that answers. Pure but for the making of tokens.

The first handler of each Host's route answers a request with the Host's token in `X-Argos-Proof`: with 204
and the name of the route, and nothing else. An answer without that name came from somewhere else, whatever
its status is. A request with the token in `X-Argos-Why` is any visitor's; only where Caddy itself fails to
answer it, the error is told in a header of the same name. So the token opens nothing, whoever gets to see it.

Like an `@id`, it is a mark on the route and no part of what the Host says: it is taken off where a
configuration is taken apart, and put on where one is put together. So it is no drift where it is missing,
and comes with the next write.
"""

import secrets
from collections.abc import Mapping
from typing import Any

from argos_gitops.providers.caddy import marks

Tree = dict[str, Any]

PROOF = "X-Argos-Proof"
"""Holds the token in our request."""
WHY = "X-Argos-Why"
"""Holds the token in a request that shall be told of Caddy's own errors, and those in the answer."""
ANSWERED_BY = "X-Argos-Host"
"""Names the route in the answer to it, and to our probes."""

_BYTES = 16
NOT_LOGGED: Tree = {"handler": "vars", "log_skip": True, "skip_log": True}
"""Readers of access logs would take us for an attacker; the second name is that of Caddy before 2.8."""

_TELLING: Tree = {
    "handler": "subroute",
    "routes": [{"handle": [{"handler": "headers", "request": {"delete": [WHY]}}]}],
    "errors": {
        "routes": [
            {
                "handle": [
                    {
                        "handler": "static_response",
                        "status_code": "{http.error.status_code}",
                        "headers": {WHY: ["{http.error.message}"]},
                    }
                ]
            }
        ]
    },
}
"""Around all handlers that follow."""


def answer_of(host: str) -> str:
    """What `X-Argos-Host` holds in an answer of a Host."""
    return marks.route_mark(host, wildcard=False)


def with_proof(route: Tree, host: str, token: str | None) -> Tree:
    """A route of a Host that answers a proof; as it is without a token."""
    if token is None:
        return route
    return {**route, "handle": [_handler(host, token), *(route.get("handle") or ())]}


def without_proof(route: Tree, host: str) -> tuple[Tree, str | None]:
    """A live route as the Host says it, and the token in it; None where it answers no proof of ours."""
    first, *rest = route.get("handle") or [None]
    token = _token_of(first)
    if token is None or first != _handler(host, token):
        return route, None
    return {**route, "handle": rest}, token


def tokens_for(hosts: Mapping[str, Any], known: Mapping[str, str]) -> dict[str, str]:
    """A token for each Host: the one that it has, or a new one."""
    return {name: known.get(name) or secrets.token_hex(_BYTES) for name in hosts}


def _handler(host: str, token: str) -> Tree:
    answer = {"handler": "static_response", "status_code": 204, "headers": {ANSWERED_BY: [answer_of(host)]}}
    routes = [
        {"match": [{"header": {PROOF: [token]}}], "handle": [NOT_LOGGED, answer], "terminal": True},
        {"match": [{"header": {WHY: [token]}}], "handle": [_TELLING]},
    ]
    return {"handler": "subroute", "routes": routes}


def _token_of(handler: Any) -> str | None:
    try:
        (token,) = handler["routes"][0]["match"][0]["header"][PROOF]
    except (KeyError, IndexError, TypeError, ValueError):
        return None
    return token if isinstance(token, str) else None
