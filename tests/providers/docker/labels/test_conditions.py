"""A rule worked out for each domain says the same as the rule itself."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.labels.conditions import (
    Condition,
    condition_of,
    domains_in,
    for_domain,
    match_of,
)
from argos_gitops.providers.docker.labels.rules import Either, Every, Matcher, Negation, Rule
from tests.providers.docker.labels.strategies import METHODS, PATHS, plain_rules


@dataclass(frozen=True)
class Request:
    domain: str
    path: str
    method: str
    key: str | None


requests = st.builds(
    Request,
    st.sampled_from(("a.example.com", "b.example.com", "c.example.com", "x.y.example.com", "example.com")),
    st.sampled_from((*PATHS, "/api/v1/users", "/x")),
    st.sampled_from((*METHODS, "PUT")),
    st.sampled_from((None, "one", "two")),
)


def _as_traefik(rule: Rule, asked: Request) -> bool:
    """The rule tried on the request, as Traefik would."""
    match rule:
        case Every(parts):
            return all(_as_traefik(part, asked) for part in parts)
        case Either(parts):
            return any(_as_traefik(part, asked) for part in parts)
        case Negation(part):
            return not _as_traefik(part, asked)
        case Matcher("Host", (name,)):
            below = name.startswith("*.") and asked.domain.partition(".")[2] == name[2:]
            return below or asked.domain == name
        case Matcher("Path", (path,)):
            return asked.path == path
        case Matcher("PathPrefix", (prefix,)):
            return asked.path.startswith(prefix)
        case Matcher("Method", (method,)):
            return asked.method == method
        case Matcher("Header", (_, value)):
            return asked.key == value
    raise AssertionError(rule)


def _as_host(match: dict[str, Any] | None, asked: Request) -> bool:
    """A Host's match tried on the request."""
    cased: Callable[[str], str] = str if match and match.get("caseSensitive") else str.lower
    fits: dict[str, Callable[[Any], bool]] = {
        "all": lambda parts: all(_as_host(part, asked) for part in parts),
        "any": lambda parts: any(_as_host(part, asked) for part in parts),
        "not": lambda part: not _as_host(part, asked),
        "path": lambda path: cased(asked.path) == cased(path),
        "pathPrefix": lambda prefix: cased(asked.path).startswith(cased(prefix)),
        "caseSensitive": bool,
        "pathRegexp": lambda pattern: re.search(pattern, asked.path) is not None,
        "methods": lambda methods: asked.method in methods,
        "headers": lambda headers: headers == {"X-Key": asked.key},
    }
    return all(fits[field](value) for field, value in (match or {}).items())


def _decided(condition: Condition, asked: Request) -> bool:
    left = for_domain(condition, _host_of(condition, asked.domain))
    return left if isinstance(left, bool) else _as_host(match_of(left), asked)


def _host_of(condition: Condition, domain: str) -> str | None:
    """The Host that Caddy would choose: the one of the name itself, or of the wildcard above it."""
    named = domains_in(condition)
    wildcard = f"*.{domain.partition('.')[2]}"
    return domain if domain in named else wildcard if wildcard in named else None


@given(plain_rules, requests)
def test_a_host_decides_as_the_rule_does(rule: Rule, asked: Request) -> None:
    assert _decided(condition_of(rule, "v3"), asked) == _as_traefik(rule, asked)
