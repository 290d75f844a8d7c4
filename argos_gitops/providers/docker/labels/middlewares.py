"""Traefik's middlewares as actions of a rule. Sources: Traefik 3.7 and 2.11, "HTTP middlewares"."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from difflib import get_close_matches

from argos_gitops.model.spec import format_duration
from argos_gitops.providers.docker.labels import headers, paths, redirects
from argos_gitops.providers.docker.labels.actions import Branch, Scene
from argos_gitops.providers.docker.labels.label import Label, duration, number, truth, words
from argos_gitops.providers.docker.labels.reading import Options

MAX_BRANCHES = 32
"""More kinds of requests of one router than this are refused: nobody could read such a Host."""
_MAX_CHAIN = 20
_LONGEST = timedelta(days=365)
_BCRYPT = re.compile(r"\$2[aby]\$[0-9]{2}\$[./A-Za-z0-9]{53}")

Effect = Callable[[Options, Branch, Scene], Sequence[Branch]]
"""The branches that one becomes, the first that matches counting. Options are without the type's name."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One type of middleware: the options it knows (`name.*` is a name of the user's), and its effect."""

    options: frozenset[str]
    effect: Effect

    def knows(self, option: str) -> bool:
        return option in self.options or f"{option.partition('.')[0]}.*" in self.options


@dataclass(frozen=True, slots=True)
class Middleware:
    """One definition. `label` is any of its labels, to tell where it stands."""

    name: str
    options: Options

    @property
    def label(self) -> Label:
        return next(iter(self.options.values()))

    def same_as(self, other: "Middleware") -> bool:
        return {key: label.value for key, label in self.options.items()} == {
            key: label.value for key, label in other.options.items()
        }


def applied(
    named: Sequence[tuple[str, Label]], known: Mapping[str, Middleware], scene: Scene
) -> Sequence[Branch]:
    """The branches of a router with these middlewares; `named` comes with the labels that name them."""
    branches: Sequence[Branch] = (Branch(),)
    for middleware, label in _flat(named, known, ()):
        kind, options = _kind(middleware)
        branches = [
            after
            for branch in branches
            for after in ((branch,) if branch.ended else kind.effect(options, branch, scene))
        ]
        if len(branches) > MAX_BRANCHES:
            raise label.untranslated(f"the middlewares tell more than {MAX_BRANCHES} kinds of requests apart")
    return branches


def _flat(
    named: Sequence[tuple[str, Label]], known: Mapping[str, Middleware], inside: tuple[str, ...]
) -> list[tuple[Middleware, Label]]:
    """The middlewares in order, chains replaced by their links."""
    found: list[tuple[Middleware, Label]] = []
    for name, label in named:
        middleware = _found(name, label, known)
        chain = middleware.options.get("chain.middlewares")
        if chain is None:
            found.append((middleware, label))
            continue
        if middleware.name in inside or len(inside) > _MAX_CHAIN:
            raise label.invalid(f"the chain {middleware.name} holds itself")
        found += _flat([(link, chain) for link in words(chain)], known, (*inside, middleware.name))
    return found


def _found(name: str, label: Label, known: Mapping[str, Middleware]) -> Middleware:
    bare, _, provider = name.lower().partition("@")
    if f"{bare}@{provider}" in known:
        return known[f"{bare}@{provider}"]
    if provider not in ("", "docker", "swarm"):
        raise label.untranslated(
            f"the middleware {name} is defined in Traefik's {provider} provider, and in no file that is "
            "read; define it by labels"
        )
    if bare not in known:
        near = get_close_matches(bare, sorted(known), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise label.invalid(f"no middleware {bare} is defined by labels{hint}")
    return known[bare]


def _kind(middleware: Middleware) -> tuple[Kind, Options]:
    types = sorted({option.partition(".")[0] for option in middleware.options})
    if len(types) > 1:
        raise middleware.label.invalid(f"one middleware is of one type, not {' and '.join(types)}")
    kind = _KINDS.get(types[0])
    if kind is None:
        raise middleware.label.untranslated(f"there is nothing like the middleware {types[0]} in a Host")
    options = {option.partition(".")[2]: label for option, label in middleware.options.items()}
    for option, label in options.items():
        if not kind.knows(option):
            raise label.untranslated(f"the option {option or types[0]} cannot be said to a Host")
    return kind, options


def _allow(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    label = options.get("sourcerange")
    if label is None:
        raise next(iter(options.values())).invalid("sourcerange is missing")
    status = options.get("rejectstatuscode")
    if status is not None and number(status) != 403:
        raise status.untranslated("a Host refuses with 403 alone")
    if branch.action.allow:
        raise label.untranslated("a second list of addresses; join the two")
    return [branch.acting(replace(branch.action, allow=tuple(words(label))))]


def _basic_auth(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    file = options.get("usersfile")
    if file is not None:
        raise file.untranslated("the edge has no such file; put the users into the label basicauth.users")
    label = options.get("users")
    if label is None:
        raise next(iter(options.values())).invalid("users is missing")
    if branch.action.basic_auth is not None:
        raise label.untranslated("a second password for one request")
    realm = options["realm"].value if "realm" in options else "traefik"
    action = replace(branch.action, basic_auth={"users": _users(label), "realm": realm})
    if "removeheader" in options and truth(options["removeheader"]):
        action = action.with_request({"Authorization": None})
    if "headerfield" in options:
        action = action.with_request({options["headerfield"].value: "{http.auth.user.id}"})
    return [branch.acting(action)]


def _users(label: Label) -> dict[str, str]:
    users = {}
    for entry in words(label):
        name, sign, hashed = entry.partition(":")
        if not (name and sign):
            raise label.invalid("expected NAME:HASH, as `htpasswd -nB NAME` prints it")
        if not _BCRYPT.fullmatch(hashed):
            raise label.untranslated(
                f"the password of {name} is not hashed with bcrypt, and Caddy knows no other hash; "
                "make one with `htpasswd -nB`, and write each $ as $$ in a Compose file"
            )
        users[name] = hashed
    return users


def _rate_limit(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    """A bucket that holds `burst` and gains `average` in `period` lets as many through, in the long run
    and at once, as a window that is as long as the bucket takes to fill."""
    label = options.get("average")
    average = number(label) if label is not None else 0
    if label is None or not average:
        return [branch]
    if branch.action.rate_limit is not None:
        raise label.untranslated("a second rate limit for one request")
    period = duration(options["period"]) if "period" in options else timedelta(seconds=1)
    burst = number(options["burst"]) if "burst" in options else 1
    requests = max(average, burst)
    seconds = max(period.total_seconds() * requests / average, 0.001)
    if seconds > _LONGEST.total_seconds():
        raise label.untranslated(f"the bucket fills in more than {_LONGEST.days} days; lower burst or period")
    window = format_duration(timedelta(seconds=seconds))
    limit = {"requests": requests, "window": window, **_counted_by(options)}
    return [branch.acting(replace(branch.action, rate_limit=limit))]


def _counted_by(options: Options) -> dict[str, str]:
    header, host = options.get(f"{_CRITERION}requestheadername"), options.get(f"{_CRITERION}requesthost")
    if header is not None:
        return {"by": "header", "key": header.value}
    return {"by": "everybody"} if host is not None and truth(host) else {}


def _compress(options: Options, branch: Branch, _: Scene) -> Sequence[Branch]:
    return [branch.acting(replace(branch.action, compression=truth(options[""])))]


_CRITERION = "sourcecriterion."
_ALLOW = Kind(frozenset({"sourcerange", "rejectstatuscode"}), _allow)
_KINDS: dict[str, Kind] = {
    "addprefix": Kind(frozenset({"prefix"}), paths.add_prefix),
    "basicauth": Kind(frozenset({"users", "usersfile", "realm", "removeheader", "headerfield"}), _basic_auth),
    "compress": Kind(frozenset({""}), _compress),
    "headers": Kind(headers.OPTIONS, headers.effect),
    "ipallowlist": _ALLOW,
    "ipwhitelist": _ALLOW,
    "ratelimit": Kind(
        frozenset(
            {"average", "burst", "period", f"{_CRITERION}requestheadername", f"{_CRITERION}requesthost"}
        ),
        _rate_limit,
    ),
    "redirectregex": Kind(frozenset({"regex", "replacement", "permanent"}), redirects.by_regexp),
    "redirectscheme": Kind(frozenset({"scheme", "port", "permanent"}), redirects.to_scheme),
    "replacepath": Kind(frozenset({"path"}), paths.replace_path),
    "replacepathregex": Kind(frozenset({"regex", "replacement"}), paths.replace_by_regexp),
    "stripprefix": Kind(frozenset({"prefixes", "forceslash"}), paths.strip_prefixes),
    "stripprefixregex": Kind(frozenset({"regex"}), paths.strip_by_regexp),
}
