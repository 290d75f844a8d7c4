"""What an Edge asks of its Caddy as a whole: servers, the default certificate policy, logs, the bouncer."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from argos_gitops.model.resource import AnyResource, ResourceSet
from argos_gitops.model.secret import SecretRef
from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.forward_auth import ForwardAuth
from argos_gitops.providers.caddy.fragments import placeholder
from argos_gitops.providers.caddy.listeners import HTTP_PORT, HTTPS_PORT, Address, Listeners, Needs, listeners
from argos_gitops.providers.caddy.settings import AccessLog, CaddySettings

Tree = dict[str, Any]

_BOUNCER_TICK = "15s"
_ACCESS_LOG = "argos-access"
_MEBIBYTE = 1024**2
_MODULE_HANDLER: Tree = {"handler": "crowdsec"}


class _Bouncer(Protocol):
    """What we read of `crowdsec.bouncer`, a section that belongs to another provider."""

    mode: str
    key: SecretRef | None
    agent_url: str
    fail_mode: str
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class BouncerModule:
    """CrowdSec as Caddy's bouncer module is told of it."""

    lapi_url: str
    key: SecretRef

    def app(self, *, marked: bool) -> Tree:
        mark = {"@id": marks.CROWDSEC_MARK} if marked else {}
        return {
            **mark,
            "api_url": self.lapi_url,
            "api_key": placeholder(self.key),
            "ticker_interval": _BOUNCER_TICK,
        }


def banned_addresses(edge: AnyResource, resources: ResourceSet) -> list[str]:
    """Single addresses that git bans on an edge: another provider's kind, which is read by field name."""
    specs = (each.spec for each in resources.of_kind("Decision").values())
    found = (
        str(getattr(spec, "value", ""))
        for spec in specs
        if (getattr(spec, "edge", ""), getattr(spec, "type", ""), getattr(spec, "scope", ""))
        == (edge.name, "ban", "Ip")
    )
    return sorted(found)


def bouncer_mode(edge: SpecModel) -> str:
    """`module`, `forward-auth` or `off`; empty for an Edge without a crowdsec section."""
    bouncer = _bouncer(edge)
    return "" if bouncer is None else bouncer.mode


def bouncer_module(edge: SpecModel) -> BouncerModule | None:
    """The bouncer inside Caddy; None unless the mode is `module` and the key is named."""
    bouncer = _bouncer(edge)
    lapi_url = getattr(getattr(edge, "crowdsec", None), "lapi_url", None)
    if bouncer is None or bouncer.mode != "module" or bouncer.key is None or lapi_url is None:
        return None
    return BouncerModule(str(lapi_url), bouncer.key)


def forward_auth(edge: AnyResource) -> ForwardAuth | None:
    """The bouncer outside of Caddy, in the agent; None unless the mode is `forward-auth`."""
    bouncer = _bouncer(edge.spec)
    if bouncer is None or bouncer.mode != "forward-auth":
        return None
    return ForwardAuth(edge.name, bouncer.agent_url, bouncer.timeout, closed=bouncer.fail_mode == "closed")


def bouncer_handler(edge: AnyResource) -> Tree | None:
    """What refuses banned addresses in front of a Host; None where nothing does."""
    asking = forward_auth(edge)
    if asking is not None:
        return asking.handler()
    return None if bouncer_module(edge.spec) is None else _MODULE_HANDLER


def _bouncer(edge: SpecModel) -> _Bouncer | None:
    bouncer: _Bouncer | None = getattr(getattr(edge, "crowdsec", None), "bouncer", None)
    return bouncer


def http_content(settings: CaddySettings, needs: Needs) -> Tree:
    """The content of edge/http: our servers, and which ports Caddy is to take for HTTP and HTTPS.

    An edge listens where it says so, whether or not a Host is there already.
    """
    found = listeners(settings, needs)
    ports = _ports(found) if settings.whole else {}
    return {**ports, "servers": dict(_servers(settings, found))}


def _ports(found: Listeners) -> Tree:
    """Said only where they are not Caddy's own, so that redirects lead from one to the other."""
    ports = {}
    for name, addresses, usual in (
        ("http_port", found.plain, HTTP_PORT),
        ("https_port", found.tls, HTTPS_PORT),
    ):
        if addresses and all(address.port != usual for address in addresses):
            ports[name] = addresses[0].port
    return ports


def _servers(settings: CaddySettings, found: Listeners) -> Iterator[tuple[str, Tree]]:
    if found.tls:
        automatic = {} if _redirects(settings, found) else {"disable_redirects": True}
        yield (
            marks.TLS_SERVER,
            {
                **_server(settings, found.tls),
                "tls_connection_policies": [{}],
                **({"automatic_https": automatic} if automatic else {}),
            },
        )
    if found.plain:
        yield marks.PLAIN_SERVER, {**_server(settings, found.plain), "automatic_https": {"disable": True}}


def _redirects(settings: CaddySettings, found: Listeners) -> bool:
    """Whether Caddy redirects HTTP to HTTPS by itself. It opens the HTTP port for that, so that port
    must be one of ours, or the usual one; among servers of others we cannot say which it is."""
    known = settings.whole and bool(found.plain)
    return settings.redirect_http and (known or found.usual_ports)


def _server(settings: CaddySettings, addresses: tuple[Address, ...]) -> Tree:
    server: Tree = {"listen": [str(address) for address in addresses]}
    if not settings.http3:
        server["protocols"] = ["h1", "h2"]
    if settings.trusted_proxies:
        # Strict: read from the right, as what stands on the left is the visitor's own word (Caddy 2.8).
        server["trusted_proxies"] = {"source": "static", "ranges": list(settings.trusted_proxies)}
        server["trusted_proxies_strict"] = 1
    if settings.client_ip_headers:
        server["client_ip_headers"] = list(settings.client_ip_headers)
    if settings.access_log is not None:
        server["logs"] = {}
    return server


def logging_content(settings: CaddySettings) -> Tree | None:
    """The content of edge/logging: what the Edge says itself, and the access log beside it."""
    if settings.access_log is None:
        return settings.logging
    given = settings.logging or {}
    ours = {
        _ACCESS_LOG: _access_log(settings.access_log),
        "default": {"exclude": ["http.log.access"]},
    }
    return {**given, "logs": {**ours, **given.get("logs", {})}}


def _access_log(log: AccessLog) -> Tree:
    writer: Tree = {"output": "stdout"}
    if log.file is not None:
        writer = {
            "output": "file",
            "filename": log.file,
            "roll_size_mb": max(1, log.roll_size // _MEBIBYTE),
            "roll_keep": log.keep,
        }
    return {"writer": writer, "encoder": {"format": "json"}, "include": ["http.log.access"]}
