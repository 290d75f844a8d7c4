"""Matches as Caddy's matchers: whatever is said means the same to a real Caddy, and reads well."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from argos_gitops.model.resource import AnyResource
from argos_gitops.model.secret import MASK
from argos_gitops.providers.caddy.matchers import in_words, matcher_sets
from argos_gitops.providers.caddy.matches import Match
from tests.components.caddy import RealCaddy
from tests.providers.caddy.strategies import MATCHES
from tests.providers.caddy.world import World, edge_of, host

Make = Callable[[AnyResource], World]


class Visit(NamedTuple):
    """One request from loopback."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


_VISITS = st.builds(
    Visit,
    st.sampled_from(["GET", "POST", "PUT"]),
    st.sampled_from(["/", "/a", "/a/b", "/b", "/c", "/A", "/a/B"]),
    st.sampled_from([{}, {"x": "1"}, {"x": "2"}]),
    st.sampled_from([{}, {"X-Team": "ops"}, {"X-Team": "old", "X-Own": "7"}, {"X-Own": ""}]),
)


def fits(match: Mapping[str, Any], visit: Visit) -> bool:
    """What the reference page says of matches, in as many words."""
    lower = visit._replace(path=visit.path.lower())
    caseless = set() if match.get("caseSensitive") else {"path", "pathPrefix"}
    return all(_FITS[field](value, lower if field in caseless else visit) for field, value in match.items())


def _has(values: Mapping[str, str], found: Mapping[str, str]) -> bool:
    patterns = {name: re.escape(value).replace(r"\*", ".*") for name, value in values.items()}
    return all(name in found and re.fullmatch(each, found[name]) for name, each in patterns.items())


def _uri(visit: Visit) -> str:
    return "?".join([visit.path, *(f"{name}={value}" for name, value in visit.query.items())])


_FITS: Mapping[str, Callable[[Any, Visit], bool]] = {
    "caseSensitive": lambda _case, _visit: True,
    "path": lambda path, visit: visit.path == path,
    "pathPrefix": lambda prefix, visit: visit.path.startswith(prefix),
    "pathRegexp": lambda pattern, visit: re.search(pattern, visit.path) is not None,
    "uriRegexp": lambda pattern, visit: re.search(pattern, _uri(visit)) is not None,
    "methods": lambda methods, visit: visit.method in methods,
    "headers": lambda headers, visit: _has(headers, visit.headers),
    "headerRegexps": lambda patterns, visit: all(
        name in visit.headers and re.search(each, visit.headers[name]) for name, each in patterns.items()
    ),
    "query": lambda query, visit: _has(query, visit.query),
    "clientIps": lambda ranges, _: "127.0.0.1" in ranges,
    "all": lambda matches, visit: all(fits(each, visit) for each in matches),
    "any": lambda matches, visit: any(fits(each, visit) for each in matches),
    "not": lambda match, visit: not fits(match, visit),
}


@settings(max_examples=20, suppress_health_check=[*HealthCheck])
@given(st.lists(MATCHES, min_size=6, max_size=6), st.lists(_VISITS, min_size=6, max_size=6))
def test_a_real_caddy_finds_what_is_meant(
    caddy: RealCaddy, world: Make, matches: list[dict[str, Any]], visits: list[Visit]
) -> None:
    """Any expressions, each of a Host of its own, and any requests."""
    there = world(edge_of(caddy))
    there.apply(
        *(
            host(f"m{number}", rules=[{"match": match, "response": {"body": "yes"}}], response={"body": "no"})
            for number, match in enumerate(matches)
        )
    )
    with httpx.Client(base_url=f"http://127.0.0.1:{caddy.http_port}", trust_env=False) as visitor:
        for number, match in enumerate(matches):
            for visit in visits:
                named = {"Host": f"m{number}.example.com", **visit.headers}
                answer = visitor.request(visit.method, visit.path, params=visit.query, headers=named)
                assert (answer.text == "yes") is fits(match, visit), (match, visit)


@given(MATCHES)
def test_what_is_compiled_grows_with_what_was_written(match: dict[str, Any]) -> None:
    """Nothing is multiplied out: each leaf stands there once."""
    sets = matcher_sets(Match.model_validate(match))
    assert _leaves_of(sets) == _leaves(match)


def _leaves(match: Mapping[str, Any]) -> int:
    inside = [*match.get("all", ()), *match.get("any", ()), *([match["not"]] if "not" in match else [])]
    return len(match.keys() - {"all", "any", "not", "caseSensitive"}) + sum(map(_leaves, inside))


def _leaves_of(sets: list[dict[str, Any]]) -> int:
    return sum(len(each.keys() - {"not"}) + _leaves_of(each.get("not", [])) for each in sets)


@given(MATCHES, MATCHES)
def test_different_matches_read_differently(one: dict[str, Any], other: dict[str, Any]) -> None:
    """Unless what differs is masked."""
    sets = [matcher_sets(Match.model_validate(each)) for each in (one, other)]
    words = [in_words(each) for each in sets]
    assert None not in words
    assert (words[0] == words[1]) is (sets[0] == sets[1]) or MASK in str(words[0])


@pytest.mark.parametrize(
    ("match", "words"),
    [
        ({"path": "/a"}, "path /a"),
        ({"pathPrefix": "/a", "methods": ["GET", "HEAD"]}, "path /a* and method GET or HEAD"),
        ({"any": [{"path": "/a"}, {"path": "/b"}]}, "(path /a) or (path /b)"),
        ({"path": "/a", "not": {"clientIps": ["192.0.2.0/24"]}}, "path /a and not (client ip 192.0.2.0/24)"),
        (
            {"methods": ["GET"], "any": [{"path": "/a"}, {"query": {"x": "*"}}]},
            "method GET and ((path /a) or (query x = *))",
        ),
        ({"path": "/a.b$", "caseSensitive": True}, "path /a.b$ (case matters)"),
        ({"pathPrefix": "/A", "caseSensitive": True}, "path /A* (case matters)"),
        ({"pathRegexp": "^/(a|b)$"}, 'path regexp "^/(a|b)$"'),
        ({"uriRegexp": r"^/a\?x=1$"}, r'uri regexp "^/a\\?x=1$"'),
        ({"headers": {"X-Own": "word"}}, f"header X-Own = {MASK}"),
    ],
    ids=str,
)
def test_a_match_in_words(match: dict[str, Any], words: str) -> None:
    assert in_words(matcher_sets(Match.model_validate(match))) == words


def test_a_match_that_is_read_back_is_told_in_the_same_words() -> None:
    """Caddy sorts what it keeps; a difference elsewhere in a Host must not show matches as changed."""
    match = {"pathPrefix": "/edit/", "headers": {"b": "1", "a": "2"}, "not": {"methods": ["GET"]}}
    sets = matcher_sets(Match.model_validate(match))
    read_back = json.loads(json.dumps(sets, sort_keys=True))
    assert in_words(read_back) == in_words(sets) is not None


@pytest.mark.parametrize(
    "sets",
    [
        [],
        [{}],
        {},
        [{"path": []}],
        [{"path": ["/a", 1]}],
        [{"path": "/a"}],
        [{"file": {}}],
        [{"header": {"X": ["a", "b"]}}],
        [{"header_regexp": {"X": {"pattern": "a", "name": "b"}}}],
        [{"path_regexp": {"pattern": "a"}}],
        [{"path_regexp": {"name": "case", "pattern": "^/a.b$"}}],
        [{"path_regexp": {"name": "case", "pattern": "/a"}}],
        [{"vars_regexp": {"{http.request.uri}": {"pattern": "a"}}}],
        [{"vars_regexp": {"other": {"pattern": "a", "name": "uri"}}}],
        [{"client_ip": {"ranges": ["192.0.2.1"], "more": 1}}],
        [{"not": {}}],
        None,
    ],
    ids=str,
)
def test_what_somebody_else_wrote_is_not_taken_for_ours(sets: Any) -> None:
    """Then all of it is listed, so that nothing goes unseen."""
    assert in_words(sets) is None


@pytest.mark.parametrize(
    ("rule", "open_to"),
    [
        ({"match": {"path": "/Public", "caseSensitive": True}}, ["/Public", "/%50ublic"]),
        ({"match": {"pathPrefix": "/Public", "caseSensitive": True}}, ["/Public", "/Public/x", "/%50ublic"]),
        ({"match": {"not": {"path": "/Public", "caseSensitive": True}}}, ["/PUBLIC", "/public", "/Public/x"]),
        (
            {"match": {"path": "/Public", "pathRegexp": "^/(P)", "caseSensitive": True}},
            ["/Public", "/%50ublic"],
        ),
        ({"match": {"path": "/Public"}}, ["/Public", "/PUBLIC", "/public", "/%50ublic"]),
    ],
    ids=["path", "prefix", "not", "beside a regular expression", "without"],
)
def test_case_matters_where_a_match_says_so(
    caddy: RealCaddy, world: Make, rule: dict[str, Any], open_to: list[str]
) -> None:
    """An open `/Public` opens no `/PUBLIC`, which Caddy's own matcher of paths would."""
    there = world(edge_of(caddy))
    there.apply(host("app", rules=[{**rule, "response": {"body": "open"}}], response={"status": 403}))
    asked = ["/Public", "/PUBLIC", "/public", "/Public/x", "/%50ublic"]
    assert [path for path in asked if caddy.get("app.example.com", path).text == "open"] == open_to


@pytest.mark.parametrize(
    "match", [{"caseSensitive": True}, {"caseSensitive": False}, {"pathRegexp": "a", "caseSensitive": True}]
)
def test_case_belongs_to_a_path(match: dict[str, Any]) -> None:
    """Of the match itself: one inside of it says so itself."""
    with pytest.raises(ValidationError, match="caseSensitive"):
        Match.model_validate({**match, "caseSensitive": True})
