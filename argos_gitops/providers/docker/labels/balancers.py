"""A Traefik service, which is a load balancer over containers, as a Service document.

Source: Traefik 3.7 and 2.11, "HTTP services", and pkg/provider/docker for the defaults.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from argos_gitops.model.spec import format_duration
from argos_gitops.providers.docker.labels.label import Label, duration, number, port, truth
from argos_gitops.providers.docker.labels.reach import Ways
from argos_gitops.providers.docker.labels.reading import Options

Tree = dict[str, Any]

_LB = "loadbalancer."
_SERVER = f"{_LB}server."
_CHECK = f"{_LB}healthcheck."
_PASSIVE = f"{_LB}passivehealthcheck."
_STICKY = f"{_LB}sticky"
_KNOWN = frozenset(
    {
        *(f"{_SERVER}{name}" for name in ("port", "scheme", "url", "weight")),
        *(
            f"{_CHECK}{name}"
            for name in ("path", "interval", "timeout", "port", "method", "status", "hostname")
        ),
        *(f"{_PASSIVE}{name}" for name in ("failurewindow", "maxfailedattempts")),
        f"{_LB}passhostheader",
        f"{_LB}strategy",
    }
)
_TRANSPORTS: dict[str, Tree] = {"http": {}, "https": {"tls": {}}, "h2c": {"protocol": "h2c"}}
_URL = re.compile(
    r"(?P<scheme>https?|h2c)://(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?/?"
)
_HEADER_IN_KEY = 7
"""The part of `traefik.http.services.NAME.loadbalancer.healthcheck.headers.X-Name` that names the header."""


@dataclass(frozen=True, slots=True)
class Member:
    """One Compose service behind a load balancer; `options` may be empty, `label` is some label of it."""

    stack: str
    service: str
    options: Options
    label: Label
    ways: Ways
    verified: bool = True
    """Whether the certificates of its containers are looked at."""


def service_spec(members: Sequence[Member]) -> Tree:
    """The spec of the Service. What all members say of it must be the same but for port and weight."""
    first = members[0]
    for member in members:
        _check_options(member)
        if _shared(member) != _shared(first):
            raise member.label.invalid(f"{first.label.owner} says something else of the same service")
    targets = [target for member in members for target in _targets(member)]
    return {"targets": targets, **_transport(first), **_balancing(first, len(targets)), **_health(first)}


def _check_options(member: Member) -> None:
    for option, label in member.options.items():
        known = option in _KNOWN or option.startswith((f"{_CHECK}headers.", _STICKY))
        if not option.startswith(_LB):
            raise label.untranslated("a service is a load balancer over containers; others cannot be said")
        if not known:
            raise label.untranslated(f"the option {option} cannot be said to a Service")
    strategy = member.options.get(f"{_LB}strategy")
    if strategy is not None and strategy.value.lower() != "wrr":
        raise strategy.untranslated("only wrr, one after another, is translated")


def _shared(member: Member) -> dict[str, str]:
    return {
        option: label.value
        for option, label in member.options.items()
        if option not in (f"{_SERVER}port", f"{_SERVER}url", f"{_SERVER}weight")
    }


def _targets(member: Member) -> list[Tree]:
    weight = member.options.get(f"{_SERVER}weight")
    share = {} if weight is None else {"weight": number(weight)}
    return [{"address": address, **share} for address in _addresses(member)]


def _addresses(member: Member) -> Sequence[str]:
    url = member.options.get(f"{_SERVER}url")
    if url is not None:
        return [_address_of(url)]
    label = member.options.get(f"{_SERVER}port")
    if label is None:
        return member.ways.addresses(
            member.service, member.ways.only_port(member.service, member.label), member.label
        )
    return member.ways.addresses(member.service, port(label), label)


def _address_of(label: Label) -> str:
    match = _url(label)
    return f"{match['host']}:{match['port'] or (443 if match['scheme'] == 'https' else 80)}"


def _url(label: Label) -> re.Match[str]:
    match = _URL.fullmatch(label.value)
    if match is None:
        raise label.untranslated("expected http://HOST:PORT, https:// or h2c://, without a path")
    return match


def _transport(member: Member) -> Tree:
    found = _TRANSPORTS[_scheme(member)]
    if "tls" in found and not member.verified:
        found = {"tls": {"verify": False}}
    host = member.options.get(f"{_LB}passhostheader")
    return found if host is None or truth(host) else {**found, "preserveHost": False}


def _scheme(member: Member) -> str:
    label, url = member.options.get(f"{_SERVER}scheme"), member.options.get(f"{_SERVER}url")
    if label is None:
        return "http" if url is None else _url(url)["scheme"]
    if label.value.lower() not in _TRANSPORTS:
        raise label.invalid("expected http, https or h2c")
    return label.value.lower()


def _balancing(member: Member, servers: int) -> Tree:
    """Whom a cookie would keep at a server stays there anyway where there is one alone."""
    sticky = {option: label for option, label in member.options.items() if option.startswith(_STICKY)}
    switches = [label for option, label in sticky.items() if option in (_STICKY, f"{_STICKY}.cookie")]
    if servers < 2 or not sticky or any(not truth(label) for label in switches):
        return {}
    name = sticky.get(f"{_STICKY}.cookie.name")
    for option, label in sticky.items():
        if label not in (name, *switches):
            raise label.untranslated(
                f"of the cookie only its name can be said, not {option.rpartition('.')[2]}"
            )
    if name is None:
        raise next(iter(sticky.values())).untranslated("name the cookie (sticky.cookie.name)")
    return {"loadBalancing": {"policy": "cookie", "key": name.value}}


def _health(member: Member) -> Tree:
    options = member.options
    found: Tree = {}
    checks = {
        option.removeprefix(_CHECK): label for option, label in options.items() if option.startswith(_CHECK)
    }
    if checks:
        found["healthCheck"] = _active(checks)
    passive = {key: label for key, label in options.items() if key.startswith(_PASSIVE)}
    if passive:
        window, fails = passive.get(f"{_PASSIVE}failurewindow"), passive.get(f"{_PASSIVE}maxfailedattempts")
        found["passiveHealthCheck"] = {
            "failDuration": format_duration(duration(window)) if window else "10s",
            "maxFails": number(fails, 1) if fails else 1,
        }
    return found


def _active(checks: Options) -> Tree:
    path = checks.get("path")
    if path is None or not path.value.startswith("/"):
        raise (path or next(iter(checks.values()))).invalid("healthcheck.path must begin with /")
    found: Tree = {"path": path.value}
    for option in ("interval", "timeout"):
        if option in checks:
            found[option] = format_duration(duration(checks[option]))
    for option, field in (("port", "port"), ("status", "expectStatus")):
        if option in checks:
            found[field] = number(checks[option], 1)
    if "method" in checks:
        found["method"] = checks["method"].value.upper()
    headers = {
        ".".join(label.key.split(".")[_HEADER_IN_KEY:]): label.value
        for option, label in checks.items()
        if option.startswith("headers.")
    }
    if "hostname" in checks:
        headers["Host"] = checks["hostname"].value
    return {**found, "headers": headers} if headers else found
