"""What becomes of a request on its way through middlewares, as a rule of a Host says it.

A rule does things in one order: addresses, rate, password, headers, rewrite, answer. Traefik does what a
router's list says. So each middleware changes an Action, and one that a rule would do at another time
than the list says is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from argos_gitops.providers.docker.labels.conditions import Match
from argos_gitops.providers.docker.labels.label import Label

Tree = dict[str, Any]
_REPLACED_PATH = "X-Replaced-Path"
Header = tuple[str, str | None]
"""A header as it is written, and its value; None takes it away."""


@dataclass(frozen=True, slots=True)
class Action:
    """`rewrite` holds stripPrefix, replace and addPrefix, or path; `request` and `response` headers by
    their names in lower case; `replaced` what is replaced in values of `request`."""

    allow: tuple[str, ...] = ()
    rate_limit: Tree | None = None
    basic_auth: Tree | None = None
    request: Mapping[str, Header] = field(default_factory=dict)
    response: Mapping[str, Header] = field(default_factory=dict)
    replaced: Mapping[str, Tree] = field(default_factory=dict)
    rewrite: Tree = field(default_factory=dict)
    answer: Tree = field(default_factory=dict)
    compression: bool = False

    def with_request(self, headers: Mapping[str, str | None]) -> "Action":
        """Headers of requests: a later middleware has the last word."""
        return replace(self, request={**self.request, **_by_name(headers)})

    def with_replaced_path(self) -> "Action":
        """Tells whoever answers the path as the visitor wrote it, without the query."""
        told = self.with_request({_REPLACED_PATH: "{http.request.uri}"})
        return replace(told, replaced={_REPLACED_PATH: {"pattern": r"\?.*$", "replacement": ""}})

    def with_response(self, headers: Mapping[str, str | None]) -> "Action":
        """Headers of responses, which pass the middlewares the other way round."""
        return replace(self, response={**_by_name(headers), **self.response})

    def document(self) -> Tree:
        """The fields of a rule."""
        parts: Tree = {
            "allow": list(self.allow),
            "rateLimit": self.rate_limit,
            "basicAuth": self.basic_auth,
            "headers": _headers(self.request, self.response, self.replaced),
            "rewrite": self.rewrite,
            **self.answer,
        }
        return {name: value for name, value in parts.items() if value}


@dataclass(frozen=True, slots=True)
class Branch:
    """Some of a router's requests: those that match all of this, and what becomes of them."""

    action: Action = field(default_factory=Action)
    matches: tuple[Match, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether it is answered already, so that no further middleware sees it."""
        return bool(self.action.answer)

    def acting(self, action: Action) -> "Branch":
        return replace(self, action=action)

    def only(self, match: Match) -> "Branch":
        """Those of its requests that match this too."""
        return self if match in self.matches else replace(self, matches=(*self.matches, match))


@dataclass(frozen=True, slots=True)
class Scene:
    """What a middleware's effect depends on beside its options. `wanted`: what the router's rule asks."""

    domain: str
    tls: bool
    wanted: Match | None


_REWRITES = ("stripPrefix", "replace", "addPrefix")


def unrewritten(action: Action, label: Label) -> None:
    """Refuses what would look at a path that was rewritten before."""
    if action.rewrite:
        raise label.untranslated(
            "it stands behind a middleware that rewrites the path, and a Host rewrites last; put it in front"
        )


def rewriting(action: Action, label: Label, part: str, value: Any) -> Action:
    """One more rewrite, in the order in which a rule does them."""
    done = [name for name in (*_REWRITES, "path") if name in action.rewrite]
    if done and (part == "path" or "path" in done or _REWRITES.index(part) <= _REWRITES.index(done[-1])):
        raise label.untranslated(
            f"a Host rewrites a path once, in the order {', '.join(_REWRITES)}; before it stands {done[-1]}"
        )
    return replace(action, rewrite={**action.rewrite, part: value})


def _by_name(headers: Mapping[str, str | None]) -> dict[str, Header]:
    return {name.lower(): (name, value) for name, value in headers.items()}


def _headers(
    request: Mapping[str, Header], response: Mapping[str, Header], replaced: Mapping[str, Tree]
) -> Tree:
    there = {name: value for name, value in replaced.items() if request[name.lower()][1] is not None}
    sides = {
        "request": {**_changes(request), **({"replace": there} if there else {})},
        "response": _changes(response),
    }
    return {side: changes for side, changes in sides.items() if changes}


def _changes(headers: Mapping[str, Header]) -> Tree:
    given = {name: value for name, value in headers.values() if value is not None}
    gone = [name for name, value in headers.values() if value is None]
    parts: Tree = {"set": given, "remove": gone}
    return {name: value for name, value in parts.items() if value}
