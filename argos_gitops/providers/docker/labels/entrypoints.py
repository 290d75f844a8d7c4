"""What Traefik's own configuration adds to every router: entry points, the default rule, and constraints.

Source: Traefik 3.7, "EntryPoints" and "Docker provider", and pkg/provider/docker for the values of templates.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.problem import Problem
from argos_gitops.providers.docker.labels.label import Label, LabelCode, truth, words
from argos_gitops.providers.docker.labels.static import Configuration

_USUAL_PORTS = {"80": "http", "443": "https"}
_REDIRECT = "http.redirections.entrypoint."
_WITHOUT_EFFECT = re.compile(
    r"address|reuseport|asdefault|allowacmebypass|http3(\..*)?|(transport|proxyprotocol|forwardedheaders)\..*"
    r"|observability\..*|udp\..*|http\.tls|http\.tls\.(certresolver|domains.*)"
    r"|http\.(encodequerysemicolons|sanitizepath|maxheaderbytes|encodedcharacters\..*)"
)
"""They decide nothing about who gets in, or the Edge has its own. Whatever is not named here may."""
_KNOWN = frozenset(
    {"http.middlewares", *(f"{_REDIRECT}{name}" for name in ("to", "scheme", "permanent", "priority"))}
)
_INTERNAL = "traefik"


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """`redirect`: where it sends every request to HTTPS, and whether for good."""

    name: str
    scheme: str | None
    options: Mapping[str, Label]

    @property
    def middlewares(self) -> list[tuple[str, Label]]:
        label = self.options.get("http.middlewares")
        return [] if label is None or not label.value else [(name, label) for name in words(label)]

    @property
    def redirects(self) -> bool:
        return f"{_REDIRECT}to" in self.options

    @property
    def permanent(self) -> bool:
        label = self.options.get(f"{_REDIRECT}permanent")
        return label is None or truth(label)


def entry_points(configuration: Configuration) -> dict[str, EntryPoint]:
    """By name in lower case; without the one of Traefik's own dashboard."""
    found: dict[str, dict[str, Label]] = {}
    for option, label in configuration.below("entrypoints.").items():
        name, _, rest = option.partition(".")
        found.setdefault(name, {})[rest] = label
    return {
        name: EntryPoint(name, _scheme(options), options)
        for name, options in found.items()
        if name != _INTERNAL
    }


def default_names(known: Mapping[str, EntryPoint]) -> list[str]:
    """The entry points of routers that name none."""
    chosen = [
        name
        for name, each in known.items()
        if "asdefault" in each.options and truth(each.options["asdefault"])
    ]
    return chosen or list(known)


def checked(point: EntryPoint, known: Mapping[str, EntryPoint]) -> None:
    """Refuses what may decide who gets in and cannot be said."""
    for option, label in point.options.items():
        if option not in _KNOWN and not _WITHOUT_EFFECT.fullmatch(option):
            raise label.untranslated(
                f"what it means for routers of the entry point {point.name} cannot be said to a Host; say it "
                "in their labels, or `traefikConfiguration: ignore` in the Stack"
            )
    if point.redirects:
        _to_https(point, known)


def _to_https(point: EntryPoint, known: Mapping[str, EntryPoint]) -> None:
    to, scheme = point.options[f"{_REDIRECT}to"], point.options.get(f"{_REDIRECT}scheme")
    target = known.get(to.value.lower())
    secure = (
        target.scheme == "https"
        if target is not None
        else to.value.endswith(":443") or to.value == "websecure"
    )
    if not secure or (scheme is not None and scheme.value.lower() != "https"):
        raise to.untranslated("an entry point redirects to HTTPS on port 443, or not at all")


def _scheme(options: Mapping[str, Label]) -> str | None:
    if any(option.startswith("http.tls") for option in options):
        return "https"
    address = options["address"].value if "address" in options else ""
    return _USUAL_PORTS.get(address.partition("/")[0].rpartition(":")[2])


def exposed_by_default(configuration: Configuration) -> bool:
    label = configuration.options.get("providers.docker.exposedbydefault")
    return label is None or truth(label)


def skips_verification(configuration: Configuration) -> bool:
    """Whether certificates of services are not looked at."""
    label = configuration.options.get("serverstransport.insecureskipverify")
    return label is not None and truth(label)


_CONSTRAINT = re.compile(r"(?P<not>!?)\s*Label\(\s*`(?P<name>[^`]*)`\s*,\s*`(?P<value>[^`]*)`\s*\)")


def considered(configuration: Configuration, labels: Mapping[str, Any]) -> bool:
    """Whether Traefik's constraints let it look at a container with these labels."""
    label = configuration.options.get("providers.docker.constraints")
    for part in label.value.split("&&") if label is not None and label.value.strip() else ():
        match = _CONSTRAINT.fullmatch(part.strip())
        if match is None:
            raise label.untranslated("only Label(`NAME`, `VALUE`), joined with &&, is read")  # type: ignore[union-attr]
        if (str(labels.get(match["name"], "")) == match["value"]) is (match["not"] == "!"):
            return False
    return True


_TEMPLATE = re.compile(r"\{\{([^{}]*)\}\}")
_EXPRESSION = re.compile(
    r"(?P<change>normalize\s+|trimPrefix\s+(?:`/`|\"/\")\s+)?"
    r"(?P<value>\.Name|\.ContainerName|\(?index\s+\.Labels\s+(?:`[^`]+`|\"[^\"\\]+\")\)?)"
)


def default_rule(
    configuration: Configuration, service: Mapping[str, Any], name: str, project: str
) -> Label | None:
    """The rule of a router without one, as Traefik's default says it; None where the user gave no default.

    Only the few templates that name a container are read: a Go template may be any program.
    """
    label = configuration.options.get("providers.docker.defaultrule")
    if label is None:
        return None
    labels = {
        "com.docker.compose.service": name,
        "com.docker.compose.project": project,
        **(service.get("labels") or {}),
    }
    container = str(service.get("container_name") or f"{project}-{name}-1")

    def value(match: re.Match[str]) -> str:
        expression = _EXPRESSION.fullmatch(match[1].removeprefix("-").removesuffix("-").strip())
        if expression is None:
            raise label.untranslated(
                f"the template {match[0]} is not read; give the routers rules of their own"
            )
        named = expression["value"]
        if named == ".Name":
            text = f"{name}-{project}"
        elif named == ".ContainerName":
            text = container
        else:
            text = str(labels.get(re.split(r"[`\"]", named)[1], ""))
        change = (expression["change"] or "").split()
        if change[:1] == ["normalize"]:
            return "-".join(part for part in re.split(r"[\W_]+", text) if part)
        return text.removeprefix("/") if change else text

    rule = _TEMPLATE.sub(value, label.value)
    if "{{" in rule:
        raise label.untranslated("a template in it is not read; give the routers rules of their own")
    return Label(label.key, rule, label.owner, label.place, label.what)


def unlabelled(configuration: Configuration, owner: str) -> Iterator[Problem]:
    """A warning for a service without a label of Traefik, which its default rule would serve all the same."""
    label = configuration.options.get("providers.docker.defaultrule")
    if label is not None:
        yield from label.refusal(
            LabelCode.NO_ROUTE,
            f"by it Traefik would serve the {owner}, which has no label; add traefik.enable=true or =false",
        ).problems


def warnings_of(configuration: Configuration, trusted: Sequence[str]) -> Iterator[Problem]:
    """What of it the routes do not have, for which there is another place in the repository."""
    for point in entry_points(configuration).values():
        for option in (
            "forwardedheaders.trustedips",
            "proxyprotocol.trustedips",
            "forwardedheaders.insecure",
        ):
            label = point.options.get(option)
            if label is None or (option.endswith("insecure") and not truth(label)):
                continue
            missing = (
                ["everybody"]
                if option.endswith("insecure")
                else [each for each in words(label) if each not in trusted]
            )
            if missing:
                yield from label.refusal(
                    LabelCode.TRAEFIK,
                    f"the Edge does not trust {', '.join(missing)} for the visitor's address; say it in its "
                    "caddy.trustedProxies",
                ).problems
        if point.redirects and not point.permanent:
            yield from (
                point.options[f"{_REDIRECT}permanent"]
                .refusal(LabelCode.TRAEFIK, "the Edge redirects to HTTPS for good (308)")
                .problems
            )
    for label in configuration.sites:
        yield from label.refusal(
            LabelCode.TRAEFIK, "no route follows from routers in files of Traefik; write a Host"
        ).problems
