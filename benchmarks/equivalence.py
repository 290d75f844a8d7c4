"""That the Caddyfile and our configuration serve the same: else their times could not be compared."""

import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from benchmarks.estate import domain_of
from benchmarks.site import Site, environment_of_caddy, read_config

Route = dict[str, Any]


def assert_equivalent(site: Site) -> None:
    """Compares what each domain does in both; RuntimeError names the first that differs.

    Compared are the handlers in their order, whatever the nesting, and what they are told.
    """
    ours = {
        domain: list(_handlers(route)) for domain, route in _by_domain(orjson.loads(read_config(site.ours)))
    }
    reference = {domain: list(_handlers(route)) for domain, route in _by_domain(_adapted(site))}
    if ours.keys() != reference.keys():
        raise RuntimeError(f"ours serves {len(ours)} domains, the Caddyfile {len(reference)}")
    for domain, handlers in ours.items():
        if _sorted(handlers) != _sorted(reference[domain]):
            raise RuntimeError(f"{domain} differs: ours {handlers}, the Caddyfile {reference[domain]}")


def with_release(config: bytes, host: int, release: str) -> bytes:
    """The configuration with another X-Release for one Host."""
    parsed = orjson.loads(config)
    route = dict(_by_domain(parsed))[domain_of(host)]
    _set_release(route, release)
    return orjson.dumps(parsed)


def _adapted(site: Site) -> dict[str, Any]:
    command = site.caddy_command("adapt", "--adapter", "caddyfile", "--config", str(site.write_caddyfile()))
    env = environment_of_caddy(site.reference)
    adapted: dict[str, Any] = orjson.loads(
        subprocess.run(command, env=env, check=True, capture_output=True).stdout
    )
    return adapted


def _by_domain(config: Mapping[str, Any]) -> Iterator[tuple[str, Route]]:
    for server in config["apps"]["http"]["servers"].values():
        for route in server["routes"]:
            for matcher in route.get("match", ()):
                for domain in matcher.get("host", ()):
                    yield domain, route


def _handlers(route: Route) -> Iterator[Route]:
    for handler in route.get("handle", ()):
        if handler["handler"] == "subroute":
            for inner in handler["routes"]:
                yield from _handlers(inner)
        else:
            yield handler


def _sorted(handlers: list[Route]) -> list[bytes]:
    return sorted(orjson.dumps(handler, option=orjson.OPT_SORT_KEYS) for handler in handlers)


def _set_release(value: Any, release: str) -> None:
    if isinstance(value, dict):
        if "X-Release" in value:
            value["X-Release"] = [release]
        for inner in value.values():
            _set_release(inner, release)
    elif isinstance(value, list):
        for inner in value:
            _set_release(inner, release)
