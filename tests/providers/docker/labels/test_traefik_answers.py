"""What a real Traefik answered, and what a real Caddy with our Hosts answers to the same requests.

tests/cases/traefik/answers.json holds sets of labels, requests, and what Traefik 3.7 did with each;
deviations.yaml every answer of ours that is another one, with the reason that docs/routes-from-labels.md has.
"""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.cases.runner import ROOT, read
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, applied
from tests.providers.docker.labels.estate import Estate
from tests.providers.docker.labels.traefik import EchoServer, Tree, asked

SETS: dict[str, Tree] = json.loads((ROOT / "traefik" / "answers.json").read_text())["sets"]
DEVIATIONS: list[Tree] = read(ROOT / "traefik" / "deviations.yaml") or []
DOMAIN = "app.example.com"
_GROUPS = {"R": "traefik.http.routers", "S": "traefik.http.services", "M": "traefik.http.middlewares"}


def compose_of(labels: Any, ports: dict[str, int]) -> str:
    """The Compose file of a set, as people write it."""
    named = labels if isinstance(labels, dict) else {"app": labels}
    services = {
        name: {
            "image": f"example/{name}:1",
            "ports": [f"127.0.0.1:{ports[name]}:{ports[name]}"],
            "labels": ["traefik.enable=true", *(_label(each, ports[name]) for each in own)],
        }
        for name, own in named.items()
    }
    return json.dumps({"services": services})  # JSON is YAML


def _label(short: str, port: int) -> str:
    group, _, rest = short.partition("/")
    rest = rest.replace("{p}", str(port)).replace("`D`", f"`{DOMAIN}`").replace("//D/", f"//{DOMAIN}/")
    return f"{_GROUPS[group]}.{rest}"


def as_here(name: str, request: str, answer: Tree) -> Tree:
    """Traefik's answer with our domain in the place of the one that it was asked for, and with what is listed
    as another answer of ours."""
    expected: Tree = json.loads(re.sub(r"\bd[0-9]+\.example\.com", DOMAIN, json.dumps(answer)))
    for each in DEVIATIONS:
        if each["set"] == name and request in each["requests"]:
            expected = _over(expected, each["ours"])
    return expected


def _over(answer: Tree, ours: Tree) -> Tree:
    """Null takes a part away; request and response are told header by header."""
    found = dict(answer)
    for part, value in ours.items():
        if isinstance(value, dict):
            if part in found:
                found[part] = _over(found[part], value)
        elif value is None and part != "location":
            found.pop(part, None)
        else:
            found[part] = value
    return found


def answers(name: str, estate: Estate, caddy: RealCaddy, cache: Path) -> Iterator[tuple[str, Tree, Tree]]:
    """Each request of a set with our answer and Traefik's."""
    chosen = SETS[name]
    names = list(chosen["labels"]) if isinstance(chosen["labels"], dict) else ["app"]
    with ExitStack() as servers:
        ports = {each: servers.enter_context(EchoServer(each)).server_port for each in names}
        estate.add("shop", compose_of(chosen["labels"], ports))
        listen = [f"http://127.0.0.1:{caddy.http_port}", f"https://127.0.0.1:{caddy.https_port}"]
        estate.edge = {"caddy": {"adminUrl": caddy.admin_url, "listen": listen, "certificates": "internal"}}
        loaded = estate.load()
        assert loaded.problems == ()
        world = World(loaded.resources.of_kind("Edge")["main"], cache)
        servers.callback(world.provider.close)
        applied(
            world,
            *(
                loaded.resources.of_kind(kind)[each]
                for kind in ("Host", "Service")
                for each in loaded.resources.of_kind(kind)
            ),
        )
        for request, answer in zip(chosen["requests"], chosen["traefik"], strict=True):
            scheme, _, method, path, headers = request
            yield in_words(request), asked(caddy, scheme, DOMAIN, method, path, headers), answer


def in_words(request: list[Any]) -> str:
    scheme, _, method, path, headers = request
    return " ".join((scheme, method, path, *(f"{name}={value}" for name, value in headers.items())))


@pytest.mark.parametrize("name", SETS)
def test_a_set_of_labels_is_answered_as_by_traefik(
    name: str, estate: Estate, caddy: RealCaddy, tmp_path: Path
) -> None:
    """But for the deviations that are listed, each of which is just as it is listed."""
    found = [
        (request, ours, as_here(name, request, theirs))
        for request, ours, theirs in answers(name, estate, caddy, tmp_path / "cache")
    ]
    assert [each for each in found if each[1] != each[2]] == []


def test_each_deviation_is_of_a_request_that_was_asked() -> None:
    """None is left over from labels that are not there any more."""
    for each in DEVIATIONS:
        asked_for = [in_words(request) for request in SETS[each["set"]]["requests"]]
        assert set(each["requests"]) <= set(asked_for), each


def test_each_deviation_is_documented_with_its_reason() -> None:
    page = " ".join((ROOT.parents[1] / "docs" / "routes-from-labels.md").read_text().split())
    assert [each for each in DEVIATIONS if each["reason"] not in page] == []
