"""Hypothesis strategies for whole sets of Services and Hosts, as people could write them."""

from typing import Any

from hypothesis import strategies as st

from argos_gitops.model.resource import AnyResource
from tests.providers.caddy.world import host, service

_DURATIONS = st.sampled_from(["500ms", "5s", "1m", "2h", "1d"])
_STATUSES = st.sampled_from([200, 204, 404, 503])
_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30
)
_HEADER_TEXT = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
_HEADER_NAMES = st.sampled_from(["X-Frame-Options", "X-Team", "Authorization", "Cache-Control", "Set-Cookie"])
_SECRETS = st.sampled_from([{"env": "TOKEN"}, {"file": "/run/secrets/token"}])
_VALUES = st.one_of(_HEADER_TEXT, _SECRETS)
_SERVICES = ("app", "blog", "shop")


def _given(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Any of the fields, or none."""
    return st.fixed_dictionaries({}, optional=fields)


_HEADER_CHANGES = _given(
    set=st.dictionaries(_HEADER_NAMES, _VALUES, max_size=2),
    add=st.dictionaries(_HEADER_NAMES, _VALUES, max_size=2),
    remove=st.lists(st.sampled_from(["Server", "X-*", "Via"]), unique=True, max_size=2),
)

_BALANCING = st.one_of(
    _given(
        policy=st.sampled_from(["round_robin", "least_conn", "random", "first", "ip_hash", "uri_hash"]),
        retries=st.integers(0, 3),
        tryDuration=_DURATIONS,
        tryInterval=_DURATIONS,
    ),
    st.fixed_dictionaries({"policy": st.sampled_from(["header", "cookie"]), "key": st.just("X-Key")}),
)

_HEALTH_CHECK = st.fixed_dictionaries(
    {"path": st.sampled_from(["/", "/healthz?full=1"])},
    optional={
        "method": st.sampled_from(["GET", "HEAD", "POST"]),
        "interval": _DURATIONS,
        "timeout": _DURATIONS,
        "expectStatus": st.sampled_from([2, 200, 204]),
        "expectBody": st.just("^ok"),
        "headers": st.dictionaries(_HEADER_NAMES, _VALUES, max_size=1),
        "port": st.just(8081),
        "fails": st.integers(1, 3),
        "passes": st.integers(1, 3),
    },
)

_PASSIVE = _given(
    failDuration=_DURATIONS,
    maxFails=st.integers(1, 5),
    unhealthyStatus=st.lists(st.sampled_from([500, 502]), unique=True),
    unhealthyLatency=_DURATIONS,
)

_ENCRYPTION = st.one_of(
    st.just({}),
    st.just({"protocol": "h2c"}),
    st.fixed_dictionaries({"tls": _given(verify=st.booleans(), serverName=st.just("app.internal"))}),
)


@st.composite
def services(draw: st.DrawFn, name: str) -> AnyResource:
    addresses = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3, unique=True))
    targets: list[dict[str, Any]] = [{"address": f"127.0.0.1:{port}"} for port in addresses]
    spec = draw(
        _given(
            healthCheck=_HEALTH_CHECK,
            passiveHealthCheck=_PASSIVE,
            timeouts=_given(connect=_DURATIONS, responseHeader=_DURATIONS, read=_DURATIONS, write=_DURATIONS),
            preserveHost=st.booleans(),
            requestBodyLimit=st.sampled_from(["1KiB", 4096]),
        )
    )
    if draw(st.booleans()):
        spec["loadBalancing"] = draw(_BALANCING)
    elif len(targets) > 1:
        targets = [{**target, "weight": draw(st.integers(1, 4))} for target in targets]
    return service(name, targets=targets, **spec, **draw(_ENCRYPTION))


_ANSWERS = st.one_of(
    st.fixed_dictionaries({"service": st.sampled_from(_SERVICES)}),
    st.fixed_dictionaries(
        {
            "redirect": st.fixed_dictionaries(
                {"to": st.just("https://www.example.net/base/")},
                optional={"status": st.sampled_from([301, 302]), "preservePath": st.booleans()},
            )
        }
    ),
    st.fixed_dictionaries({"response": _given(status=_STATUSES, body=_TEXT)}),
)

_PATHS = st.sampled_from(["/", "/a", "/a/b", "/b"])
_RANGES = st.lists(st.sampled_from(["127.0.0.1", "192.0.2.0/24", "2001:db8::/32"]), min_size=1, unique=True)
_LEAVES = st.one_of(
    st.fixed_dictionaries({"path": _PATHS}, optional={"caseSensitive": st.booleans()}),
    st.fixed_dictionaries({"pathPrefix": _PATHS}, optional={"caseSensitive": st.booleans()}),
    st.fixed_dictionaries({"pathRegexp": st.sampled_from(["^/a", "b$", "^/(a|b)$"])}),
    st.fixed_dictionaries({"uriRegexp": st.sampled_from(["^/a$", "x=1$", r"\?", "^/(a|b)\\?x"])}),
    st.fixed_dictionaries({"methods": st.lists(st.sampled_from(["GET", "POST"]), min_size=1, unique=True)}),
    st.fixed_dictionaries({"headers": st.just({"X-Team": "ops"}) | st.just({"X-Team": "o*", "X-Own": "*"})}),
    st.fixed_dictionaries({"headerRegexps": st.just({"X-Team": "^o"}) | st.just({"X-Own": "[0-9]"})}),
    st.fixed_dictionaries({"query": st.just({"x": "1"}) | st.just({"x": "*"})}),
    st.fixed_dictionaries({"clientIps": _RANGES}),
)


def _with(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Leaves, and matches inside of the match, side by side."""
    several = st.lists(leaves, min_size=1, max_size=3)
    inside = _given(all=several, any=several, **{"not": leaves})
    return st.tuples(leaves, leaves, inside).map(lambda parts: {**parts[0], **parts[1], **parts[2]})


def _any_of(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)})


MATCHES = st.recursive(_LEAVES, lambda inner: _with(inner) | _any_of(inner), max_leaves=6)

# Literal: Caddy refuses a hash that it does not find in its place.
_HASHES = st.sampled_from(["$2a$04$" + "a" * 53, "$2y$10$" + "b" * 53])
_GUARDS = _given(
    allow=_RANGES,
    basicAuth=st.fixed_dictionaries(
        {"users": st.dictionaries(st.sampled_from(["ann", "bob"]), _HASHES, min_size=1)},
        optional={"realm": st.just("ops")},
    ),
)
_REWRITES = st.one_of(
    st.just({"path": "/new?x=1"}),
    st.fixed_dictionaries(
        {"stripPrefix": st.sampled_from(["/a", "/b/"])},
        optional={
            "replace": st.just({"pattern": "^/(.)", "replacement": "/$1$1"}),
            "addPrefix": st.sampled_from(["/a", "/b"]),
        },
    ),
)


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    rule = draw(_given(match=MATCHES, rewrite=_REWRITES))
    headers = draw(_given(headers=_given(request=_HEADER_CHANGES, response=_HEADER_CHANGES)))
    return {**rule, **headers, **draw(_GUARDS), **draw(_ANSWERS | st.just({}))}


@st.composite
def hosts(draw: st.DrawFn, name: str) -> AnyResource:
    """Domains hold the name, so that no two Hosts share one. No tls mode that needs the world outside."""
    domains = draw(
        st.lists(
            st.sampled_from([f"{name}.example.com", f"*.{name}.example.com", f"{name}.example.org"]),
            min_size=1,
            unique=True,
        )
    )
    headers = draw(_given(request=_HEADER_CHANGES, response=_HEADER_CHANGES))
    return host(
        name,
        domains=domains,
        tls={"mode": draw(st.sampled_from(["off", "internal"]))},
        headers=headers,
        compression=draw(st.booleans()),
        bouncer=draw(st.booleans()),
        enabled=draw(st.sampled_from([True, True, True, False])),
        rules=draw(st.lists(_rules(), max_size=2)),
        **draw(_GUARDS | st.just({})),
        **draw(_ANSWERS),
    )


@st.composite
def estates(draw: st.DrawFn) -> list[AnyResource]:
    """Three Services and up to four Hosts."""
    names = draw(st.lists(st.sampled_from(["a", "b-1", "c", "dd"]), unique=True, max_size=4))
    return [*(draw(services(name)) for name in _SERVICES), *(draw(hosts(name)) for name in names)]
