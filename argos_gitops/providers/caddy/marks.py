"""Names by which what is ours is known: `@id`s in Caddy's configuration, and ids of our objects."""

from typing import Any

TLS_SERVER = "argos"
PLAIN_SERVER = "argos-http"
OWN_SERVERS = (TLS_SERVER, PLAIN_SERVER)

EDGE_HTTP = "edge/http"
EDGE_TLS = "edge/tls"
EDGE_LOGGING = "edge/logging"
EDGE_STORAGE = "edge/storage"
CROWDSEC_APP = "app/crowdsec"
CROWDSEC_MARK = "argos-crowdsec"

DEFAULT_POLICY = "argos-tls-default"
INTERNAL_POLICY = "argos-tls-internal"
POLICY_PREFIX = "argos-tls-"

_ROUTE_PREFIX = "argos-host-"
_ZONE_PREFIX = "argos-"
_FILES_PREFIX = "argos-cert-"
_WILDCARD_SUFFIX = ".wildcard"
DEFAULT_POLICIES = (DEFAULT_POLICY, f"{DEFAULT_POLICY}{_WILDCARD_SUFFIX}")


def host_object(name: str) -> str:
    return f"host/{name}"


def route_mark(host: str, *, wildcard: bool) -> str:
    """The `@id` of a host's route; names hold no dot, so the suffix cannot meet another host's name."""
    return f"{_ROUTE_PREFIX}{host}{_WILDCARD_SUFFIX if wildcard else ''}"


def zone(host: str, rule: int | None = None) -> str:
    """What a rate limit of a host, or of one of its rules, is known by in the whole Caddy."""
    return f"{_ZONE_PREFIX}{host}" if rule is None else f"{_ZONE_PREFIX}{host}.{rule}"


def of_wildcards(policy: str) -> str:
    """The `@id` of a policy's part for wildcards, where it has one for exact domains too."""
    return f"{policy}{_WILDCARD_SUFFIX}"


def files_mark(host: str) -> str:
    return f"{_FILES_PREFIX}{host}"


def host_of_route(route: Any) -> str | None:
    """The Host whose route this is; None when it is somebody else's."""
    mark = _mark(route)
    if not mark.startswith(_ROUTE_PREFIX):
        return None
    return mark[len(_ROUTE_PREFIX) :].removesuffix(_WILDCARD_SUFFIX)


def host_of_files(entry: Any) -> str | None:
    mark = _mark(entry)
    return mark[len(_FILES_PREFIX) :] if mark.startswith(_FILES_PREFIX) else None


def policy_mark(policy: Any) -> str | None:
    mark = _mark(policy)
    return mark if mark.startswith(POLICY_PREFIX) else None


def _mark(value: Any) -> str:
    mark = value.get("@id") if isinstance(value, dict) else None
    return mark if isinstance(mark, str) else ""
