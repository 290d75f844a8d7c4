"""A Match as Caddy's matchers, and Caddy's matchers in words. Pure.

Caddy knows sets of matchers: a request fits a route if one of its sets fits, and a set if all that is in
it fits. What a set cannot say twice, or not at all, becomes "none of these may fail": a negation
inside a negation. So what is compiled is as long as what was written, however deep it is.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from argos_gitops.providers.caddy.masking import shown_header
from argos_gitops.providers.caddy.matches import Match

Tree = dict[str, Any]

_CAPTURES = "path"
"""The name under which Caddy keeps what the groups of a regular expression found: `{http.regexp.path.1}`."""
_URI_CAPTURES = "uri"
_URI = "{http.request.uri}"
_WITH_CASE = "case"
"""The same of a plain path where case matters: it has no groups, and shall not take the place of theirs."""
_ESCAPED = re.compile(r"\\(.)")
_PLAIN_WORD = re.compile(r'[^\s()",=]+')


def matcher_sets(match: Match) -> list[Tree]:
    """Caddy's `match`: one of these sets must fit."""
    if match.model_fields_set == {"any"}:
        return _alternatives(match.any)
    return [_set(match)]


def _alternatives(matches: Sequence[Match]) -> list[Tree]:
    return [*chain.from_iterable(map(matcher_sets, matches))]


def _set(match: Match) -> Tree:
    found: Tree = {}
    refused = matcher_sets(match.not_) if match.not_ is not None else []
    for sets in _parts(match):
        first = _without_not(sets[0])
        if len(sets) == 1 and not first.keys() & found.keys():
            found |= first
            refused += sets[0].get("not", ())
        else:
            refused.append({"not": sets})
    return {**found, "not": refused} if refused else found


def _parts(match: Match) -> Iterator[list[Tree]]:
    """What must all fit; each part is sets of which one must."""
    yield from ([leaf] for leaf in _leaves(match))
    yield from (matcher_sets(each) for each in match.all)
    if match.any:
        yield _alternatives(match.any)


def _leaves(match: Match) -> Iterator[Tree]:
    if match.path is not None:
        yield _exactly(match.path, "$") if match.case_sensitive else {"path": [match.path]}
    if match.path_prefix is not None:
        prefix = match.path_prefix
        yield _exactly(prefix) if match.case_sensitive else {"path": [f"{prefix}*"]}
    if match.path_regexp is not None:
        yield {"path_regexp": {"name": _CAPTURES, "pattern": match.path_regexp}}
    if match.uri_regexp is not None:
        yield {"vars_regexp": {_URI: {"name": _URI_CAPTURES, "pattern": match.uri_regexp}}}
    if match.methods:
        yield {"method": list(match.methods)}
    if match.headers:
        yield {"header": {name: [value] for name, value in match.headers.items()}}
    if match.header_regexps:
        yield {"header_regexp": {name: {"pattern": each} for name, each in match.header_regexps.items()}}
    if match.query:
        yield {"query": {name: [value] for name, value in match.query.items()}}
    if match.client_ips:
        yield {"client_ip": {"ranges": list(match.client_ips)}}


def _exactly(text: str, end: str = "") -> Tree:
    """A path with case: Caddy's own matcher of paths knows none, its regular expressions do."""
    return {"path_regexp": {"name": _WITH_CASE, "pattern": f"^{re.escape(text)}{end}"}}


def _without_not(matchers: Tree) -> Tree:
    return {name: value for name, value in matchers.items() if name != "not"}


def in_words(sets: Any) -> str | None:
    """What sets of matchers ask for, told apart from whatever else could be asked; None for what is not
    of the form that we write. Values of headers that may be secret are masked."""
    try:
        return _any_of(sets)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def _any_of(sets: Sequence[Tree]) -> str:
    if not (isinstance(sets, list) and sets):
        raise TypeError("sets of matchers are a list")
    texts = [
        " and ".join(chain.from_iterable(_WORDS[name](each[name]) for name in sorted(each, key=_position)))
        for each in sets
    ]
    if not all(texts):
        raise ValueError("an empty set asks for nothing")
    return texts[0] if len(texts) == 1 else " or ".join(f"({text})" for text in texts)


def _position(name: str) -> int:
    """Always the same words for the same matchers: a configuration that is read back has another order."""
    return _READING_ORDER[name]


def _none_of(sets: Sequence[Tree]) -> Iterator[str]:
    for each in sets:
        if each.keys() == {"not"}:
            yield f"({_any_of(each['not'])})"
        else:
            yield f"not ({_any_of([each])})"


def _one_of(label: str) -> Callable[[Sequence[str]], Iterator[str]]:
    def words(values: Sequence[str]) -> Iterator[str]:
        yield f"{label} {' or '.join(map(_word, _strings(values)))}"

    return words


def _path_regexp(value: Mapping[str, str]) -> Iterator[str]:
    if value["name"] == _WITH_CASE:
        yield _path_with_case(value)
        return
    if value["name"] != _CAPTURES or len(value) > 2:
        raise ValueError("captures under another name")
    yield f"path regexp {_word(value['pattern'])}"


def _path_with_case(value: Mapping[str, str]) -> str:
    whole = value["pattern"].endswith("$")
    text = _ESCAPED.sub(r"\1", value["pattern"].removeprefix("^").removesuffix("$" if whole else ""))
    if {"path_regexp": {**value}} != _exactly(text, "$" if whole else ""):
        raise ValueError("not a plain path")
    return f"path {_word(text if whole else f'{text}*')} (case matters)"


def _uri_regexp(value: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    (each,) = value.values()
    if value.keys() != {_URI} or each["name"] != _URI_CAPTURES or len(each) > 2:
        raise ValueError("another variable, or captures under another name")
    yield f"uri regexp {_word(each['pattern'])}"


def _headers(value: Mapping[str, list[str]]) -> Iterator[str]:
    for name, texts in sorted(value.items()):
        (text,) = _strings(texts)
        yield f"header {_word(name)} = {_word(shown_header(name, text, public=False))}"


def _header_regexps(value: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    for name, each in sorted(value.items()):
        if len(each) > 1:
            raise ValueError("captures under another name")
        yield f"header {_word(name)} regexp {_word(shown_header(name, each['pattern'], public=False))}"


def _query(value: Mapping[str, list[str]]) -> Iterator[str]:
    for name, texts in sorted(value.items()):
        (text,) = _strings(texts)
        yield f"query {_word(name)} = {_word(shown_header(name, text, public=True))}"


def _client_ips(value: Mapping[str, list[str]]) -> Iterator[str]:
    if len(value) > 1:
        raise ValueError("more than ranges")
    yield from _one_of("client ip")(value["ranges"])


def _strings(values: Sequence[str]) -> Sequence[str]:
    if not (isinstance(values, list) and values and all(isinstance(each, str) for each in values)):
        raise TypeError("texts are expected")
    return values


def _word(text: str) -> str:
    """In quotes where it could be taken for something else."""
    return text if _PLAIN_WORD.fullmatch(text) else json.dumps(text, ensure_ascii=False)


_WORDS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "path": _one_of("path"),
    "path_regexp": _path_regexp,
    "vars_regexp": _uri_regexp,
    "method": _one_of("method"),
    "header": _headers,
    "header_regexp": _header_regexps,
    "query": _query,
    "client_ip": _client_ips,
    "not": _none_of,
}
_READING_ORDER = {name: number for number, name in enumerate(_WORDS)}
