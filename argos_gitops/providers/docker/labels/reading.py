"""The labels of one Compose service, sorted by what they configure.

Keys are read without regard to case, and `traefik.http.routers.NAME.…`, `…services.NAME.…` and
`…middlewares.NAME.…` may come in any order. Source: Traefik 3.7, "Traefik & Docker", and pkg/config/label.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from argos_gitops.model.problem import Location
from argos_gitops.providers.docker.labels.label import Complaints, Label, truth

Options = dict[str, Label]
"""The labels of one router, service or middleware by what follows its name, in lower case."""

_PREFIX = "traefik."
_SECRET = "(secret "  # noqa: S105 # how a rendered Compose file shows where one stands
_OF_TRAEFIK_1 = re.compile(
    r"traefik\.([^.]+\.)?(frontend\..*|backend(\..*)?|port|protocol|weight|domain|tags|portindex|app\..*)$"
)
_WITHOUT_EFFECT = frozenset(
    f"traefik.{provider}.{option}"
    for provider in ("docker", "swarm")
    for option in ("network", "lbswarm", "allownonrunning")
)
"""They decide when and where Traefik looks for a container; the Stack's `reach` says that here."""


@dataclass(slots=True)
class Labelled:
    """One service with what its labels declare; `enabling` is the label that says whether they count."""

    name: str
    service: Mapping[str, Any]
    enabled: bool = False
    enabling: Label | None = None
    routers: dict[str, Options] = field(default_factory=dict)
    services: dict[str, Options] = field(default_factory=dict)
    middlewares: dict[str, Options] = field(default_factory=dict)

    @property
    def configured(self) -> Label | None:
        """One of its labels that configures something, a router's rule if there is one."""
        groups = (*self.routers.values(), *self.services.values(), *self.middlewares.values())
        rules = [options["rule"] for options in groups if "rule" in options]
        return next(iter([*rules, *(label for options in groups for label in options.values())]), None)


def read_service(
    name: str, service: Mapping[str, Any], labels: Iterable[Label], complaints: Complaints
) -> Labelled:
    """Sorts labels; those that this program cannot follow are complained about, unless it is disabled."""
    found = Labelled(name, service)
    rest = []
    for label in labels:
        if label.key.lower() == "traefik.enable":
            with complaints.heard():
                found.enabling, found.enabled = label, truth(label)
        else:
            rest.append(label)
    if found.enabling is None or found.enabled:
        for label in rest:
            with complaints.heard():
                _sort(found, label)
    return found


def labels_of(service: Mapping[str, Any], owner: str, place: Callable[[str], Location]) -> list[Label]:
    """Traefik's labels in a rendered service."""
    return [
        Label(key, str(value), owner, partial(place, key))
        for key, value in sorted((service.get("labels") or {}).items())
        if key.lower().startswith(_PREFIX)
    ]


def _sort(found: Labelled, label: Label) -> None:
    key = label.key.lower()
    if _SECRET in label.value:
        raise label.untranslated("a secret stands in its value, where anybody can read it; write the Host")
    match key.split(".")[1:]:
        case ["http", "routers" | "services" | "middlewares" as group, name, *option] if name and option:
            _named(getattr(found, group), name, ".".join(option), label)
        case ["http", "serverstransports", *_]:
            raise label.untranslated("Traefik reads transports from files only")
        case ["tcp" | "udp" as protocol, *_]:
            raise label.untranslated(f"an Edge serves no {protocol.upper()}; publish the port instead")
        case ["tls", *_]:
            raise label.untranslated("certificates are the Edge's; remove it")
        case _ if key in _WITHOUT_EFFECT:
            return
        case _ if _OF_TRAEFIK_1.match(key):
            raise label.invalid(
                "only Traefik 1 knows it; newer ones, and routes from labels, have "
                "traefik.http.routers.NAME.rule and traefik.http.services.NAME.loadbalancer.server.port"
            )
        case _:
            raise label.invalid("Traefik knows no such label")


def _named(group: dict[str, Options], name: str, option: str, label: Label) -> None:
    if "@" in name:
        raise label.invalid("no @ may stand in a name that is defined here")
    options = group.setdefault(name, {})
    if option in options:
        raise label.invalid(f"it stands there twice, also as {options[option].key}")
    options[option] = label
