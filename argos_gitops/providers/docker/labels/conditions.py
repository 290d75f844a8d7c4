"""What a rule asks of a request, apart from its syntax: domains on one side, everything else on the other.

A rule is any formula over matchers, while a Host has domains and matches. So a formula is worked out for
each domain that it names: what it says about domains becomes true or false, and what is left is the match.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.providers.docker.labels.hostnames import Names, NotNamesError, names_of, names_of_template
from argos_gitops.providers.docker.labels.parsing import RuleError, has_template
from argos_gitops.providers.docker.labels.rules import Either, Every, Matcher, Negation, Rule, Syntax

Match = dict[str, Any]
"""A `match` of a Host's rule, as people write it."""

_NAMED = ("headers", "headerRegexps", "query")
_PLAIN_PATH = re.compile(r"/[^\s*%{}?#]*")
_TEMPLATE = re.compile(r"\{([^{}:]*)(?::((?:[^{}]|\{[0-9,]+\})*))?\}")


@dataclass(frozen=True, slots=True)
class Domains:
    """The request's domain is one of these, where `*.example.com` is one label of any name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """Something else about a request."""

    match: Match


@dataclass(frozen=True, slots=True)
class All:
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Any_:  # noqa: N801 # `Any` is taken
    parts: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Not:
    part: "Condition"


Condition = Domains | Test | All | Any_ | Not | bool


def condition_of(rule: Rule, syntax: Syntax) -> Condition:
    """The meaning of a rule. Raises RuleError for what cannot be said to Caddy."""
    match rule:
        case Every(parts):
            return All(tuple(condition_of(part, syntax) for part in parts))
        case Either(parts):
            return Any_(tuple(condition_of(part, syntax) for part in parts))
        case Negation(part):
            return Not(condition_of(part, syntax))
        case Matcher():
            return _MEANINGS[rule.name](rule, syntax)


def domains_in(condition: Condition) -> set[str]:
    """Every domain that is named, wherever it stands."""
    match condition:
        case Domains(names):
            return set(names)
        case All(parts) | Any_(parts):
            return set().union(*map(domains_in, parts))
        case Not(part):
            return domains_in(part)
        case _:
            return set()


def for_domain(condition: Condition, domain: str | None) -> Condition:
    """What is left of it when requests are for this domain; None is one that nobody names.

    For a wildcard it is what holds for those of its names that nobody names themselves.
    """
    match condition:
        case Domains(names):
            return domain is not None and any(_covers(name, domain) for name in names)
        case All(parts):
            return _joined(All, [for_domain(part, domain) for part in parts], neutral=True)
        case Any_(parts):
            return _joined(Any_, [for_domain(part, domain) for part in parts], neutral=False)
        case Not(part):
            inner = for_domain(part, domain)
            return not inner if isinstance(inner, bool) else Not(inner)
        case _:
            return condition


def match_of(condition: Condition) -> Match | None:
    """A condition without domains as a match; None where it is always true."""
    match condition:
        case Test(match):
            return match
        case All(parts):
            return _merged([found for part in parts if (found := match_of(part)) is not None])
        case Any_(parts):
            return {"any": [match_of(part) for part in parts]}
        case Not(part):
            return {"not": match_of(part)}
        case _:
            return None


def conjoined(*matches: Match | None) -> Match | None:
    """What fits all of them."""
    given = [match for match in matches if match is not None]
    return _merged(given) if given else None


def path_prefix(prefix: str) -> Match:
    """A path that begins so; as plain text where it can be said so. Case counts, as in all of Traefik."""
    if _PLAIN_PATH.fullmatch(prefix):
        return {"pathPrefix": prefix, "caseSensitive": True}
    return {"pathRegexp": f"^{re.escape(prefix)}"}


def _covers(name: str, domain: str) -> bool:
    if name == domain or name == "*":
        return True
    return name.startswith("*.") and not domain.startswith("*.") and name[1:] == domain[domain.find(".") :]


def _joined(kind: type[All] | type[Any_], parts: Sequence[Condition], *, neutral: bool) -> Condition:
    """Without what says nothing; the opposite of `neutral` decides alone."""
    if any(part is (not neutral) for part in parts):
        return not neutral
    rest = tuple(part for part in parts if part is not neutral)
    if len(rest) < 2:
        return rest[0] if rest else neutral
    return kind(rest)


def _merged(matches: Sequence[Match]) -> Match:
    """One match with all their fields, where none of them contradicts another."""
    merged: Match = {}
    for match in matches:
        for field, value in match.items():
            known = merged.get(field)
            if field in _NAMED and known is not None and not known.keys() & value.keys():
                merged[field] = {**known, **value}
            elif known is None:
                merged[field] = value
            elif known != value:
                return {"all": list(matches)}
    return merged


def _any_of(tests: Sequence[Match]) -> Condition:
    if len(tests) == 1:
        return Test(tests[0])
    return Any_(tuple(Test(match) for match in tests))


def _host(matcher: Matcher, syntax: Syntax) -> Condition:
    names = tuple(name.lower().removesuffix(".") for name in matcher.arguments)
    for name in names:
        if not name.isascii():
            raise RuleError("Traefik takes domains as ASCII; write it in punycode", matcher.offset)
        if name == "*":
            raise RuleError("Host(`*`) is every domain; name those that are meant", matcher.offset)
        if "*" in name and syntax == "v2":
            raise RuleError("Traefik 2 knows no wildcards in Host; name the domains", matcher.offset)
    return Domains(names)


def _host_regexp(matcher: Matcher, syntax: Syntax) -> Condition:
    read: Callable[[str], Names] = names_of_template if syntax == "v2" else names_of
    found = []
    for expression in matcher.arguments:
        try:
            names = read(expression)
        except NotNamesError as error:
            raise RuleError(f"no domains can be read from `{expression}`: {error}", matcher.offset) from None
        domains = Domains(names.domains)
        header = Test({"headerRegexps": {"Host": names.condition}})
        found.append(All((domains, header)) if names.condition else domains)
    return Any_(tuple(found))


def _path(matcher: Matcher, syntax: Syntax) -> Condition:
    return _any_of([_path_test(matcher, each, syntax, whole=True) for each in matcher.arguments])


def _path_prefix(matcher: Matcher, syntax: Syntax) -> Condition:
    return _any_of([_path_test(matcher, each, syntax, whole=False) for each in matcher.arguments])


def _path_test(matcher: Matcher, path: str, syntax: Syntax, *, whole: bool) -> Match:
    if not path.startswith("/"):
        raise RuleError(f"the path `{path}` does not begin with /", matcher.offset)
    if syntax == "v2" and has_template(path):
        return {"pathRegexp": _template(path, r"[^/]+") + ("$" if whole else "")}
    if not whole:
        return path_prefix(path)
    if _PLAIN_PATH.fullmatch(path):
        return {"path": path, "caseSensitive": True}
    return {"pathRegexp": f"^{re.escape(path)}$"}


def _template(text: str, default: str) -> str:
    """A template of v2 as a regular expression that begins at the beginning."""
    position, parts = 0, ["^"]
    for match in _TEMPLATE.finditer(text):
        parts += [re.escape(text[position : match.start()]), f"(?:{match[2] or default})"]
        position = match.end()
    return "".join([*parts, re.escape(text[position:])])


def _path_regexp(matcher: Matcher, _: Syntax) -> Condition:
    return Test({"pathRegexp": matcher.arguments[0]})


def _method(matcher: Matcher, _: Syntax) -> Condition:
    return Test({"methods": [method.upper() for method in matcher.arguments]})


def _header(matcher: Matcher, _: Syntax) -> Condition:
    return _pairs(matcher, _header_test)


def _header_regexp(matcher: Matcher, _: Syntax) -> Condition:
    return _pairs(matcher, lambda name, value: {"headerRegexps": {name: value}})


def _pairs(matcher: Matcher, test: Callable[[str, str], Match]) -> Condition:
    names, values = matcher.arguments[::2], matcher.arguments[1::2]
    if not all(names):
        raise RuleError("the name of a header is empty", matcher.offset)
    found: tuple[Condition, ...] = tuple(
        Test(test(name, value)) for name, value in zip(names, values, strict=True)
    )
    return found[0] if len(found) == 1 else All(found)


def _header_test(name: str, value: str) -> Match:
    """An empty value of v2 means any; a value with stars or braces would mean something to Caddy."""
    if re.search(r"[*{}]", value):
        return {"headerRegexps": {name: f"^{re.escape(value)}$"}}
    return {"headers": {name: value or "*"}}


def _query(matcher: Matcher, syntax: Syntax) -> Condition:
    if syntax == "v2":
        found: tuple[Condition, ...] = tuple(_query_v2(matcher, each) for each in matcher.arguments)
        return found[0] if len(found) == 1 else All(found)
    name, value = (*matcher.arguments, "")[:2]
    return _query_test(matcher, name, value)


def _query_v2(matcher: Matcher, argument: str) -> Condition:
    name, sign, value = argument.partition("=")
    if not (sign and name):
        raise RuleError(f"Query takes `name=value` in syntax v2, not `{argument}`", matcher.offset)
    if has_template(value) and not re.fullmatch(r"\{[^{}:]*(:\.[*])?\}", value):
        raise RuleError("a parameter is compared with a text or with anything, not matched", matcher.offset)
    anything = has_template(value) or not value
    return Test({"query": {name: "*"}}) if anything else _query_test(matcher, name, value)


def _query_regexp(matcher: Matcher, syntax: Syntax) -> Condition:
    if len(matcher.arguments) == 1:
        return _query(matcher, syntax)
    name, expression = matcher.arguments
    if expression in ("^.*$", ".*", ""):
        return Test({"query": {name: "*"}})
    plain = re.fullmatch(r"\^(?:\(([\w|-]+)\)|([\w-]+))\$", expression)
    if plain is None:
        raise RuleError(
            "a parameter can be compared with texts (^(one|two)$) or with anything (^.*$), not matched",
            matcher.offset,
        )
    return _any_of([{"query": {name: value}} for value in (plain[1] or plain[2]).split("|")])


def _query_test(matcher: Matcher, name: str, value: str) -> Condition:
    if not name or re.search(r"[*{}]", name + value):
        raise RuleError("a name or value with *, { or } would mean something else to Caddy", matcher.offset)
    return Test({"query": {name: value}})


def _client_ip(matcher: Matcher, _: Syntax) -> Condition:
    return Test({"clientIps": list(matcher.arguments)})


_MEANINGS: dict[str, Callable[[Matcher, Syntax], Condition]] = {
    "Host": _host,
    "HostHeader": _host,
    "HostRegexp": _host_regexp,
    "Path": _path,
    "PathPrefix": _path_prefix,
    "PathRegexp": _path_regexp,
    "Method": _method,
    "Header": _header,
    "Headers": _header,
    "HeaderRegexp": _header_regexp,
    "HeadersRegexp": _header_regexp,
    "Query": _query,
    "QueryRegexp": _query_regexp,
    "ClientIP": _client_ip,
}
