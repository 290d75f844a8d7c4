"""The mark of who writes to a Caddy: a route of its own, which passes every request on. Pure.

It stands last in a server that has routes of our Hosts. Like a proof it is no part of what anybody says: it
is taken off where a configuration is taken apart, put on where one is put together, and comes with the next
write where it is missing.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from argos_gitops.model.claim import Claim, claim_of

Tree = dict[str, Any]

MARK = "argos-claim"
_VARIABLE = "argos_claim"
_SAID = re.compile(rb'(?<!\\)"argos_claim":(\{[^{}]*\})')


def claim_route(claim: Claim) -> Tree:
    return {"@id": MARK, "handle": [{"handler": "vars", _VARIABLE: claim.data()}]}


def without_claim(routes: Sequence[Any]) -> list[Any]:
    return [route for route in routes if not (isinstance(route, dict) and route.get("@id") == MARK)]


def claim_in(body: bytes) -> Claim | None:
    """The claim of a configuration as Caddy gave it, which is not parsed for it: that costs seconds where
    there are many Hosts. The words of a string have their quotes escaped, and are no match."""
    found = _SAID.search(body)
    try:
        return claim_of(orjson.loads(found[1])) if found is not None else None
    except orjson.JSONDecodeError:
        return None
