"""Middlewares that send visitors elsewhere.

Traefik answers GET with 301 or 302, and other methods with 308 or 307. A Host has one status, so it is 308
or 307: the ones that keep the method.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from argos_gitops.providers.docker.labels.actions import Branch, Scene, unrewritten
from argos_gitops.providers.docker.labels.conditions import Match
from argos_gitops.providers.docker.labels.label import Label, literal, port, truth
from argos_gitops.providers.docker.labels.reading import Options

_USUAL_PORTS = {"http": 80, "https": 443}
_ADDRESS = re.compile(
    r"\^?(?P<scheme>https?\??|\(https?\??\)|\(https?\|https?\)):(?:\\?/){2}(?P<rest>.*)", re.DOTALL
)
_PARTS = re.compile(r"(?P<domain>(?:\[[^\]]*\]|\\[^/]|[^/\\\[])+)\\?/(?P<path>.*)", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)[*+{]")
_REPEATED = re.compile(r"[*+?{]")
_MOST_REPEATED = 4
"""In the domain of somebody's expression: Python tries all combinations of them."""
_PATH = re.compile(r"(?P<prefix>(?:[\w/~-]|\\[./_~-])*)(?P<tail>\(\.[*+]\)|\.\*|)")
_GROUP = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def to_scheme(options: Options, branch: Branch, scene: Scene) -> Sequence[Branch]:
    """Nothing happens where the request has the scheme already."""
    label = options.get("scheme")
    if label is None or label.value.lower() not in _USUAL_PORTS:
        raise (label or next(iter(options.values()))).invalid("scheme must be http or https")
    scheme = label.value.lower()
    unrewritten(branch.action, label)
    wanted = port(options["port"]) if options.get("port") and options["port"].value else None
    usual = wanted is None or wanted == _USUAL_PORTS[scheme]
    if (scheme == "https") is scene.tls:
        if not usual:
            raise options["port"].untranslated("a redirect to the same scheme on another port")
        return [branch]
    redirect = {"scheme": scheme, "status": status_of(options.get("permanent"))}
    if not usual:
        redirect["port"] = wanted or 0
    return [branch.acting(replace(branch.action, answer={"redirect": redirect}))]


def status_of(permanent: Label | None) -> int:
    return 308 if permanent is not None and truth(permanent) else 307


def by_regexp(options: Options, branch: Branch, scene: Scene) -> Sequence[Branch]:
    """The regular expression sees a whole address, of which scheme and domain are known here.

    So it is understood where it spells those out, and then takes the rest (`/(.*)`), or one plain path.
    """
    label, replacement = options.get("regex"), options.get("replacement")
    if label is None or replacement is None:
        raise next(iter(options.values())).invalid("regex and replacement belong together")
    unrewritten(branch.action, label)
    found = _Address.of(label)
    groups = found.groups(scene)
    if groups is None:
        return [branch]
    match, target = found.target(replacement, groups)
    redirect = {**target, "status": status_of(options.get("permanent"))}
    ended = branch.acting(replace(branch.action, answer={"redirect": redirect}))
    return [ended] if match is None else [ended.only(match), branch]


class _Address:
    """A regular expression for addresses in parts: scheme, domain, path."""

    def __init__(self, label: Label, scheme: str, domain: str, path: str) -> None:
        self._label = label
        self._scheme = scheme
        self._domain = domain
        self._path = path

    @classmethod
    def of(cls, label: Label) -> "_Address":
        match = _ADDRESS.fullmatch(label.value)
        parts = _PARTS.fullmatch(match["rest"]) if match else None
        if match is None or parts is None or _takes_long(parts["domain"]):
            raise _unclear(label)
        return cls(label, match["scheme"], parts["domain"], parts["path"].removesuffix("$"))

    def groups(self, scene: Scene) -> list[str] | None:
        """What the groups in scheme and domain find; None where they do not match."""
        expression = f"{self._scheme}://{self._domain}"
        try:
            match = re.fullmatch(expression, f"http{'s' * scene.tls}://{scene.domain}")
        except re.error:
            raise _unclear(self._label) from None
        if match is None and "*" in scene.domain:
            raise self._label.untranslated(f"whether it matches depends on the name below {scene.domain}")
        return None if match is None else [group or "" for group in match.groups()]

    def target(self, replacement: Label, groups: list[str]) -> tuple[Match | None, dict[str, object]]:
        """Which paths are meant, and where they lead."""
        known = {str(number): text for number, text in enumerate(groups, 1)}
        rest = _PATH.fullmatch(self._path)
        if rest is None:
            raise _unclear(self._label)
        prefix = "/" + rest["prefix"].replace("\\", "")
        text, whole = _replaced(replacement, known, str(len(groups) + 1) if "(" in rest["tail"] else None)
        if whole and prefix != "/":
            raise replacement.untranslated("a part of the path can only be dropped or kept whole")
        match: Match | None = None
        if not rest["tail"]:
            match = {"path": prefix}
        elif prefix != "/":
            match = {"pathPrefix": prefix}
        return match, {"to": text, "preservePath": whole}


def _replaced(label: Label, known: dict[str, str], tail: str | None) -> tuple[str, bool]:
    """The replacement with what is known put in, and whether the whole path and query follow it."""
    text, whole = label.value.strip(), False
    if tail is not None:
        kept = re.search(rf"/\$(?:\{{{tail}\}}|{tail})$", text)
        text, whole = (text[: kept.start()], True) if kept else (text, False)
    found = _GROUP.sub(lambda match: known.get(match[1] or match[2], "\0"), text)
    if "\0" in found or not re.fullmatch(r"https?://[^\s]+", found):
        raise label.untranslated("expected an address, and of the path nothing, or all of it at the end")
    return literal(found), whole


def _takes_long(domain: str) -> bool:
    repeated = _REPEATED.findall(domain)
    return len(repeated) > _MOST_REPEATED or _REPEATED_GROUP.search(domain) is not None


def _unclear(label: Label) -> Exception:
    return label.untranslated(
        "expected ^https://DOMAIN/(.*) or one plain path; whatever else it matches cannot be said to a Host"
    )
