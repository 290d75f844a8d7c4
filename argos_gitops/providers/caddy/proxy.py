"""A Service as Caddy's `reverse_proxy`. Only what differs from Caddy's defaults is written.

Version floors (Caddy's source): weighted_round_robin 2.7, passes and fails 2.8, a health check's
method 2.9, `ca` 2.8.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from argos_gitops.model.spec import format_duration
from argos_gitops.providers.caddy.fragments import header_text
from argos_gitops.providers.caddy.services import HealthCheck, PassiveHealthCheck, ServiceSpec, UpstreamTls

Tree = dict[str, Any]


def handlers(service: ServiceSpec) -> tuple[Tree, ...]:
    """What ends a request for a service: a limit of its body where there is one, and the proxy."""
    if service.request_body_limit is None:
        return (proxy(service),)
    return ({"handler": "request_body", "max_size": service.request_body_limit}, proxy(service))


def proxy(service: ServiceSpec) -> Tree:
    parts = {
        "upstreams": [{"dial": target.address} for target in service.used_targets],
        "load_balancing": _load_balancing(service),
        "health_checks": _given(
            active=service.health_check and _active(service.health_check),
            passive=service.passive_health_check and _passive(service.passive_health_check),
        ),
        "transport": _transport(service),
        "headers": _host_header(service),
    }
    return {"handler": "reverse_proxy", **_given(**parts)}


def _load_balancing(service: ServiceSpec) -> Tree:
    chosen = service.load_balancing
    return _given(
        selection_policy=_policy(service),
        retries=chosen.retries,
        try_duration=_duration(chosen.try_duration),
        try_interval=_duration(chosen.try_interval),
    )


def _policy(service: ServiceSpec) -> Tree:
    """Nothing where there is nothing to choose. Caddy's own default is random, ours is round_robin."""
    chosen = service.load_balancing
    if service.weighted:
        weights = [target.weight for target in service.used_targets]
        return {"policy": "weighted_round_robin", "weights": weights}
    if chosen.policy == "round_robin" and len(service.used_targets) == 1:
        return {}
    key = {"header": "field", "cookie": "name"}.get(chosen.policy)
    return {"policy": chosen.policy, **({key: chosen.key} if key else {})}


def _active(check: HealthCheck) -> Tree:
    return {
        "uri": check.path,
        "interval": format_duration(check.interval),
        "timeout": format_duration(check.timeout),
        **_given(
            method="" if check.method == "GET" else check.method,
            expect_status=check.expect_status,
            expect_body=check.expect_body,
            headers={name: [header_text(value)] for name, value in check.headers.items()},
            port=check.port,
            fails=_unless_one(check.fails),
            passes=_unless_one(check.passes),
        ),
    }


def _passive(check: PassiveHealthCheck) -> Tree:
    return {
        "fail_duration": format_duration(check.fail_duration),
        "max_fails": check.max_fails,
        **_given(
            unhealthy_status=list(check.unhealthy_status),
            unhealthy_latency=_duration(check.unhealthy_latency),
        ),
    }


def _transport(service: ServiceSpec) -> Tree:
    given = dict(_transport_parts(service))
    return {"protocol": "http", **given} if given else {}


def _transport_parts(service: ServiceSpec) -> Iterator[tuple[str, Any]]:
    if service.protocol == "h2c":
        yield "versions", ["h2c", "2"]
    if service.tls is not None:
        yield "tls", _tls(service.tls)
    timeouts = service.timeouts
    for name, value in (
        ("dial_timeout", timeouts.connect),
        ("response_header_timeout", timeouts.response_header),
        ("read_timeout", timeouts.read),
        ("write_timeout", timeouts.write),
    ):
        if value is not None:
            yield name, format_duration(value)


def _tls(tls: UpstreamTls) -> Tree:
    return _given(
        insecure_skip_verify=not tls.verify,
        server_name=tls.server_name,
        ca=tls.ca and {"provider": "file", "pem_files": [tls.ca]},
    )


def _host_header(service: ServiceSpec) -> Tree:
    """Over plain HTTP Caddy passes the visitor's Host on; over TLS newer versions do not, so it is said."""
    if not service.preserve_host:
        return {"request": {"set": {"Host": ["{http.reverse_proxy.upstream.hostport}"]}}}
    if service.tls is not None:
        return {"request": {"set": {"Host": ["{http.request.hostport}"]}}}
    return {}


def _given(**fields: Any) -> Tree:
    """Those that say something: an empty, false or zero value is Caddy's default."""
    return {name: value for name, value in fields.items() if value}


def _unless_one(count: int) -> int | None:
    return count if count != 1 else None


def _duration(value: timedelta | None) -> str | None:
    return None if value is None else format_duration(value)
