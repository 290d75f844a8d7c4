"""A router as its labels say it: a condition, where it listens, what it passes, and where it leads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from argos_gitops.providers.docker.labels.conditions import Condition, condition_of
from argos_gitops.providers.docker.labels.entrypoints import EntryPoint, checked, default_names
from argos_gitops.providers.docker.labels.label import Label, number, truth, words
from argos_gitops.providers.docker.labels.parsing import RuleError, parse
from argos_gitops.providers.docker.labels.reading import Options
from argos_gitops.providers.docker.labels.rules import Rule, Syntax

ENTRY_POINTS = {"web": "http", "http": "http", "websecure": "https", "https": "https"}
"""What is heard on entry points whose meaning everybody agrees on."""

_TLS = "tls"
_KNOWN = frozenset(
    {"rule", "rulesyntax", "entrypoints", "middlewares", "service", "priority", _TLS, "tls.certresolver"}
)
_WITHOUT_EFFECT = ("tls.domains[", "observability.")
"""Caddy asks for a certificate for each domain it serves; logs and metrics are the Edge's."""


@dataclass(frozen=True, slots=True)
class Router:
    """`secure` tells HTTPS from plain HTTP. `label` is its rule. `stack` is the Stack's name."""

    name: str
    stack: str
    label: Label
    options: Options
    rule: Rule
    syntax: Syntax
    secure: bool
    priority: int
    before: tuple[tuple[str, Label], ...] = ()
    """Middlewares of its entry point."""
    redirected: bool | None = None
    """Whether its entry point sends all requests to HTTPS: for good, for now, or not at all (None)."""

    @property
    def rank(self) -> tuple[int, str]:
        """Sorts routers as Traefik tries them."""
        return -self.priority, self.name

    def condition(self) -> Condition:
        """Which requests it is for; refuses what cannot be said to Caddy."""
        try:
            return condition_of(self.rule, self.syntax)
        except RuleError as error:
            raise self.label.untranslated(str(error)) from None

    @property
    def middlewares(self) -> list[tuple[str, Label]]:
        label = self.options.get("middlewares")
        own = [] if label is None or not label.value else [(name, label) for name in words(label)]
        return [*self.before, *own]


@dataclass(frozen=True, slots=True)
class Surrounding:
    """What a Stack and Traefik's own configuration say of entry points, and the rule of who has none."""

    schemes: Mapping[str, str]
    known: Mapping[str, EntryPoint]
    default_rule: Label | None = None


def router_of(name: str, stack: str, options: Options, around: Surrounding) -> Router:
    """Refuses what is no router, or none of those that can be translated."""
    for option, each in options.items():
        if option not in _KNOWN and not option.startswith(_WITHOUT_EFFECT):
            raise each.untranslated(f"the option {option} cannot be said to a Host")
    label = options.get("rule") or around.default_rule
    if label is None:
        raise next(iter(options.values())).invalid(
            f"the router {name} has no rule, and Traefik's default rule names no domain; add "
            f"traefik.http.routers.{name}.rule"
        )
    rule, syntax = _rule(label, options.get("rulesyntax"))
    priority = number(options["priority"], -(2**63)) if "priority" in options else 0
    names = _entry_points(options, around)
    secure = _secure(options, names, around)
    before, redirected = _of_entry_points(
        label, [each for each in names if each in around.known], secure, around
    )
    rank = priority or len(label.value)
    return Router(name, stack, label, options, rule, syntax, secure, rank, before, redirected)


def _entry_points(options: Options, around: Surrounding) -> list[str]:
    label = options.get("entrypoints")
    return default_names(around.known) if label is None else [name.lower() for name in words(label)]


def _of_entry_points(
    label: Label, names: Sequence[str], secure: bool, around: Surrounding
) -> tuple[tuple[tuple[str, Label], ...], bool | None]:
    """The middlewares that all its entry points of one scheme put in front, and whether these redirect."""
    schemes = {name: around.schemes.get(name, around.known[name].scheme) for name in names}
    points = [around.known[name] for name in names if (schemes[name] != "http") is secure]
    for point in points:
        checked(point, around.known)
    if not points:
        return (), None
    told = {tuple(name for name, _ in point.middlewares) for point in points}
    if len(told) > 1 or len({point.redirects for point in points}) > 1:
        raise label.untranslated(
            f"its entry points {', '.join(point.name for point in points)} treat requests differently, and a "
            "Host has one way; name one of them: entrypoints"
        )
    first = points[0]
    if secure or not first.redirects:
        return tuple(first.middlewares), None
    return (), all(point.permanent for point in points)


def _rule(label: Label, syntax: Label | None) -> tuple[Rule, Syntax]:
    named: Syntax | None = None
    if syntax is not None:
        match syntax.value.lower():
            case "v2":
                named = "v2"
            case "v3":
                named = "v3"
            case _:
                raise syntax.invalid("expected v2 or v3")
    try:
        return parse(label.value, named)
    except RuleError as error:
        raise label.invalid(str(error)) from None


def _secure(options: Options, names: Sequence[str], around: Surrounding) -> bool:
    """HTTPS unless all its entry points are plain and it asks for no TLS: an Edge redirects the rest."""
    told = {name: each.scheme for name, each in around.known.items() if each.scheme is not None}
    known = {**ENTRY_POINTS, **told, **around.schemes}
    label = options.get("entrypoints")
    schemes = set()
    for name in names if label is not None else ():
        if label is not None and name not in known:
            raise label.untranslated(
                f"nothing is known of the entry point {name}; say in the Stack whether it is plain: "
                f"`entryPoints: {{{name}: http}}` or `https`"
            )
        schemes.add(known[name])
    wanted = _asks_for_tls(options)
    if wanted and schemes == {"http"} and label is not None:
        raise label.invalid(
            "with tls, but on an entry point for plain HTTP alone; Traefik would never use it"
        )
    return schemes != {"http"}


def _asks_for_tls(options: Options) -> bool:
    label = options.get(_TLS)
    return any(option.startswith(f"{_TLS}.") for option in options) or (label is not None and truth(label))
