"""What stands in a Stack with `routes: fromLabels` and makes no route, so that it is told."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from argos_gitops.model.problem import Location, Problem
from argos_gitops.model.resource import Resource
from argos_gitops.providers.docker.kinds import StackSpec
from argos_gitops.providers.docker.labels.label import LabelCode
from argos_gitops.providers.docker.labels.reading import Labelled

_OTHER_PROXIES = (
    (re.compile(r"caddy(_[0-9]+)?(\..*)?"), "caddy-docker-proxy"),
    (re.compile(r"VIRTUAL_(HOST|PORT|PATH|DEST|PROTO|HOST_MULTIPORTS)"), "nginx-proxy"),
    (re.compile(r"com\.github\.nginx-proxy\..*"), "nginx-proxy"),
    (re.compile(r"swag(_.*)?"), "SWAG"),
    (re.compile(r"tsdproxy\..*"), "TSDProxy"),
)
_PLACES = (("labels",), ("deploy", "labels"), ("environment",))


def of_other_proxies(
    service: Mapping[str, Any], owner: str, place: Callable[..., Location]
) -> Iterator[Problem]:
    """A warning for each label or variable by which another proxy would serve it."""
    for way in _PLACES:
        where: Any = service
        for step in way:
            where = (where or {}).get(step)
        for key in sorted(where or {}):
            proxy = next((name for form, name in _OTHER_PROXIES if form.fullmatch(key)), None)
            if proxy is not None:
                message = (
                    f"{owner}, {' '.join(way)} {key}: {proxy} reads it, and no route follows from it; "
                    "say it in labels of Traefik, or write a Host"
                )
                yield Problem(place(*way, key), LabelCode.OTHER_PROXY, message)


def without_routes(stack: Resource[StackSpec], services: Sequence[Labelled]) -> Iterator[Problem]:
    """A warning where no label makes a route."""
    if not any(service.routers for service in services):
        message = (
            f"{stack.key}: `routes: fromLabels`, but no label of an enabled service makes a route; add "
            "traefik.http.routers.NAME.rule, or remove `routes`"
        )
        yield Problem(stack.location, LabelCode.NO_ROUTE, message)
