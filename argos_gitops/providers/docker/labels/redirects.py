"""Middlewares that send visitors elsewhere.

Traefik answers GET with 301 or 302, and other methods with 308 or 307: so a redirect is two branches.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
_MOST_REPEATED = 3
"""In the domain of somebody's expression: Python tries all combinations of them."""
_ANYTHING = re.compile(r"\(?\.[*+]\)?$")
"""At the end of a domain: as it is greedy, it takes the path along as far as what follows it allows."""
# A class that is never closed takes the rest, or each bracket in it would be looked through to the end.
_PARTS_OF_PATTERN = re.compile(r"\\.|\[\^?\]?(?:\\.?|[^\]\\])*+(?:\]|\Z)|\(\?|[(|)]", re.DOTALL)
_FOUND = "{{http.regexp.uri.{}}}"
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
    redirect: dict[str, object] = {"scheme": scheme}
    if not usual:
        redirect["port"] = wanted or 0
    return redirected(branch, redirect, permanent=_is_permanent(options))


def redirected(branch: Branch, redirect: dict[str, object], *, permanent: bool) -> Sequence[Branch]:
    """Sent elsewhere with the status that Traefik chooses by method."""
    for_get, for_others = (301, 308) if permanent else (302, 307)
    answers = [{"redirect": {**redirect, "status": status}} for status in (for_get, for_others)]
    get, others = (branch.acting(replace(branch.action, answer=answer)) for answer in answers)
    return [get.only({"methods": ["GET"]}), others]


def _is_permanent(options: Options) -> bool:
    label = options.get("permanent")
    return label is not None and truth(label)


def by_regexp(options: Options, branch: Branch, scene: Scene) -> Sequence[Branch]:
    """The regular expression sees a whole address, of which scheme and domain are known here.

    What it says of path and query is left as it is, for Caddy has regular expressions of the same kind.
    Like Traefik, it replaces what it finds: what stands behind that in the address stays.
    """
    label, replacement = options.get("regex"), options.get("replacement")
    if label is None or replacement is None:
        raise next(iter(options.values())).invalid("regex and replacement belong together")
    unrewritten(branch.action, label)
    address = _Address.of(label)
    known = address.known(scene)
    if known is None:
        return [branch]
    match, target = _target(address, known, replacement)
    if target == {"to": f"http{'s' * scene.tls}://{scene.domain}"}:
        return [branch]  # Traefik redirects nobody to where they are
    if match is None:
        return redirected(branch, target, permanent=_is_permanent(options))
    return [*redirected(branch.only(match), target, permanent=_is_permanent(options)), branch]


@dataclass(frozen=True, slots=True)
class _Address:
    """A regular expression for addresses in parts. `path` is what follows the first slash, as it is."""

    label: Label
    scheme: str
    domain: str
    path: str

    @classmethod
    def of(cls, label: Label) -> "_Address":
        match = _ADDRESS.fullmatch(label.value.strip())
        parts = _PARTS.fullmatch(match["rest"]) if match else None
        if match is None or parts is None or _takes_long(parts["domain"]):
            raise _unclear(label)
        return cls(label, match["scheme"], parts["domain"], parts["path"])

    def known(self, scene: Scene) -> list[str] | None:
        """What the groups in scheme and domain find; None where they do not match."""
        expression = f"{self.scheme}://{self.domain}"
        try:
            match = re.fullmatch(expression, f"http{'s' * scene.tls}://{scene.domain}")
        except re.error:
            raise _unclear(self.label) from None
        if match is None and "*" in scene.domain:
            raise self.label.untranslated(f"whether it matches depends on the name below {scene.domain}")
        return None if match is None else [group or "" for group in match.groups()]

    @property
    def greedy(self) -> bool:
        """Whether its domain may take a part of the path along."""
        return _ANYTHING.search(self.domain) is not None

    def groups(self) -> int:
        """How many groups its path has; refuses what would need a second parser of regular expressions."""
        count = depth = 0
        for found in _PARTS_OF_PATTERN.findall(self.path):
            if found.startswith("[") and not found.endswith("]"):
                raise _unclear(self.label)
            if found == "(?" and not re.search(r"\(\?(?!:)", self.path):
                depth += 1
            elif found == "(":
                count, depth = count + 1, depth + 1
            elif found == ")":
                depth -= 1
            elif found == "(?" or (found == "|" and not depth):
                raise _unclear(self.label)
        return count


def _target(address: _Address, known: list[str], label: Label) -> tuple[Match | None, dict[str, object]]:
    """Which paths and queries are meant, and where they lead."""
    count, path = address.groups(), address.path
    values = {str(number): literal(text) for number, text in enumerate(known, 1)}
    if path in ("(.*)", "(.+)", ".*", ".+", "") and not address.greedy:
        tail = rf"/\$(?:\{{{len(known) + 1}\}}|{len(known) + 1})$"
        kept = re.search(tail, label.value.strip()) if count else None
        if kept:
            return None, {"to": _replaced(label, label.value.strip()[: kept.start()], values)}
        if path in ("(.*)", ".*") and not count:
            return None, {"to": _replaced(label, label.value.strip(), values), "preservePath": False}
    # Groups of the expression that Caddy sees: what a greedy domain takes along, its own, and the rest.
    before = "(.*)" if address.greedy else ""
    first = 2 if before else 1
    if before and address.domain.endswith(")"):
        values[str(len(known))] += _FOUND.format(1)
    values |= {str(len(known) + number): _FOUND.format(first + number - 1) for number in range(1, count + 1)}
    ends = path.endswith("$") and not path.endswith("\\$")
    pattern = f"^{before}/{path}" if ends else f"^{before}/{path}(.*)$"
    to = _replaced(label, label.value.strip(), values) + ("" if ends else _FOUND.format(first + count))
    return {"uriRegexp": pattern}, {"to": to, "preservePath": False}


def _replaced(label: Label, text: str, values: dict[str, str]) -> str:
    """The replacement with the values of groups put in; a group that is not there gives nothing in Go."""
    parts = re.split(r"(\$(?:\{\w+\}|\w+|\$))", text)
    found = [_part(label, part, values) for part in parts]
    to = "".join(found)
    if not re.fullmatch(r"https?://[^\s]+", to):
        raise label.untranslated("expected an address that begins with http:// or https://")
    return to


def _part(label: Label, part: str, values: dict[str, str]) -> str:
    group = _GROUP.fullmatch(part)
    if part == "$$":
        return "$"
    if group is None:
        return literal(part)
    name = group[1] or group[2]
    if not name.isdecimal():
        raise label.untranslated(f"the group {name} has a name; write its number")
    return values.get(name, "")


def _takes_long(domain: str) -> bool:
    repeated = _REPEATED.findall(domain)
    return len(repeated) > _MOST_REPEATED or _REPEATED_GROUP.search(domain) is not None


def _unclear(label: Label) -> Exception:
    return label.untranslated(
        "expected ^https://DOMAIN/…, with neither named groups nor alternatives of whole addresses; "
        "whatever else it matches cannot be said to a Host"
    )
