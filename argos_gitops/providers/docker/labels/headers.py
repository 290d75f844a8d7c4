"""The middleware `headers`: headers of the user's own, security headers, and answers to browsers (CORS).

Source: Traefik 3.7 and 2.11, "Headers"; what each option sends, pkg/middlewares/headers and unrolled/secure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from argos_gitops.providers.docker.labels.actions import Branch, Scene
from argos_gitops.providers.docker.labels.conditions import Match
from argos_gitops.providers.docker.labels.label import Label, literal, number, truth, words
from argos_gitops.providers.docker.labels.reading import Options

_PLAIN = {
    "contentsecuritypolicy": "Content-Security-Policy",
    "contentsecuritypolicyreportonly": "Content-Security-Policy-Report-Only",
    "custombrowserxssvalue": "X-XSS-Protection",
    "customframeoptionsvalue": "X-Frame-Options",
    "featurepolicy": "Feature-Policy",
    "permissionspolicy": "Permissions-Policy",
    "publickey": "Public-Key-Pins",
    "referrerpolicy": "Referrer-Policy",
}
"""Options whose value is a header's."""
_SWITCHES = {
    "browserxssfilter": ("X-XSS-Protection", "1; mode=block"),
    "contenttypenosniff": ("X-Content-Type-Options", "nosniff"),
    "framedeny": ("X-Frame-Options", "DENY"),
}
_STS = frozenset({"stsseconds", "stsincludesubdomains", "stspreload", "forcestsheader"})
_SSL = frozenset({"sslredirect", "ssltemporaryredirect"})
_CORS = "accesscontrol"
_CORS_OPTIONS = frozenset(
    f"{_CORS}{option}"
    for option in (
        "allowcredentials",
        "allowheaders",
        "allowmethods",
        "alloworiginlist",
        "alloworiginlistregex",
        "exposeheaders",
        "maxage",
    )
)
_CUSTOM = {"customrequestheaders": "request", "customresponseheaders": "response"}
OPTIONS = frozenset(
    {*_PLAIN, *_SWITCHES, *_STS, *_SSL, *_CORS_OPTIONS, *(f"{name}.*" for name in _CUSTOM)}
    | {"addvaryheader", "allowedhosts", "sslproxyheaders.*"}
)
"""`sslproxyheaders` tell Traefik which requests came by TLS; an Edge ends TLS itself, and knows."""


def effect(options: Options, branch: Branch, scene: Scene) -> Sequence[Branch]:
    """All of it. Options that only concern requests on the other scheme say nothing here."""
    _known_host(options, scene)
    if not scene.tls and any(truth(options[name]) for name in _SSL & options.keys()):
        temporary = options.get("ssltemporaryredirect")
        status = 307 if temporary is not None and truth(temporary) else 301
        answer = {"redirect": {"scheme": "https", "status": status}}
        return [branch.acting(replace(branch.action, answer=answer))]
    action = branch.action.with_request(_forwarded(_custom(options, "customrequestheaders"), scene))
    action = action.with_response({**_security(options, scene), **_custom(options, "customresponseheaders")})
    return _cors(options, branch.acting(action))


def _known_host(options: Options, scene: Scene) -> None:
    label = options.get("allowedhosts")
    if label is not None and scene.domain not in [host.lower() for host in words(label)]:
        raise label.untranslated(f"it refuses {scene.domain}, which the router's rule names")


def _custom(options: Options, group: str) -> dict[str, str | None]:
    """Headers of the user's own; an empty value takes a header away."""
    found: dict[str, str | None] = {}
    for option, label in options.items():
        if option.startswith(f"{group}."):
            name = ".".join(label.key.split(".")[-option.count(".") :])
            found[name] = literal(label.value) if label.value else None
    return found


def _forwarded(custom: dict[str, str | None], scene: Scene) -> dict[str, str | None]:
    """With what Traefik's proxy adds behind it: the visitor's address, and the host that was asked for."""
    names = {name.lower(): name for name in custom}
    given = names.get("x-forwarded-for")
    if given is not None and custom[given] is not None:
        custom[given] = f"{custom[given]}, {{http.request.remote.host}}"
    if "host" in names and "x-forwarded-host" not in names and "*" not in scene.domain:
        custom["X-Forwarded-Host"] = scene.domain
    return custom


def _security(options: Options, scene: Scene) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for option, (name, value) in _SWITCHES.items():
        if option in options and truth(options[option]):
            found[name] = value
    for option, name in _PLAIN.items():
        if option in options and options[option].value:
            found[name] = literal(options[option].value)
    return {**found, **_transport_security(options, scene)}


def _transport_security(options: Options, scene: Scene) -> dict[str, str | None]:
    forced = "forcestsheader" in options and truth(options["forcestsheader"])
    seconds = number(options["stsseconds"]) if "stsseconds" in options else 0
    if not seconds or not (scene.tls or forced):
        return {}
    parts = [f"max-age={seconds}"]
    for option, part in (("stsincludesubdomains", "includeSubDomains"), ("stspreload", "preload")):
        if option in options and truth(options[option]):
            parts.append(part)
    return {"Strict-Transport-Security": "; ".join(parts)}


def _cors(options: Options, branch: Branch) -> Sequence[Branch]:
    """A preflight request is answered here; others get headers that depend on where they come from."""
    if not _CORS_OPTIONS & options.keys():
        return [branch]
    always = branch.acting(branch.action.with_response(_cors_always(options)))
    preflight = {"methods": ["OPTIONS"], "headers": {"Origin": "*", "Access-Control-Request-Method": "*"}}
    answered = replace(
        branch.action.with_response({**_cors_always(options), **_preflight(options)}),
        answer={"response": {"status": 200}},
    )
    origins = _origins(options)
    if origins is None:
        anybody: dict[str, str | None] = {"Access-Control-Allow-Origin": "*"}
        return [
            branch.acting(answered.with_response(anybody)).only(preflight),
            always.acting(always.action.with_response(anybody)),
        ]
    allowed: dict[str, str | None] = {"Access-Control-Allow-Origin": "{http.request.header.Origin}"}
    if not origins:
        return [branch.acting(answered).only(preflight), always]
    return [
        branch.acting(answered.with_response(allowed)).only(preflight).only(origins),
        branch.acting(answered).only(preflight),
        always.acting(always.action.with_response(allowed)).only(origins),
        always,
    ]


def _origins(options: Options) -> Match | None:
    """Which requests come from an origin that is allowed: empty for none, None where all are."""
    listed = words(options[f"{_CORS}alloworiginlist"]) if f"{_CORS}alloworiginlist" in options else []
    patterns = options.get(f"{_CORS}alloworiginlistregex")
    tests: list[Match] = [{"headers": {"Origin": origin}} for origin in listed if origin != "*"]
    if patterns is not None:
        tests += [{"headerRegexps": {"Origin": each}} for each in words(patterns)]
    if "*" in listed:
        if not _given(options, "allowcredentials"):
            return None
        tests = [{"headers": {"Origin": "*"}}]
    return {"any": tests} if len(tests) > 1 else tests[0] if tests else {}


def _cors_always(options: Options) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    credentials = _given(options, "allowcredentials")
    if credentials:
        found["Access-Control-Allow-Credentials"] = "true"
    exposed = _listed(options, "exposeheaders")
    if exposed and not (credentials and "*" in exposed):
        found["Access-Control-Expose-Headers"] = ",".join(exposed)
    if "addvaryheader" in options and truth(options["addvaryheader"]):
        raise options["addvaryheader"].untranslated("a Host cannot add to what the service says in Vary")
    return found


def _preflight(options: Options) -> Mapping[str, str | None]:
    found: dict[str, str | None] = {}
    credentials = _given(options, "allowcredentials")
    for option, name, asked in (
        ("allowheaders", "Access-Control-Allow-Headers", "Access-Control-Request-Headers"),
        ("allowmethods", "Access-Control-Allow-Methods", "Access-Control-Request-Method"),
    ):
        listed = _listed(options, option)
        if listed:
            echoed = credentials and "*" in listed
            found[name] = f"{{http.request.header.{asked}}}" if echoed else ",".join(listed)
    age = options.get(f"{_CORS}maxage")
    if age is not None:
        found["Access-Control-Max-Age"] = str(number(age))
    return found


def _listed(options: Options, option: str) -> list[str]:
    label: Label | None = options.get(f"{_CORS}{option}")
    return [] if label is None else [literal(each) for each in words(label)]


def _given(options: Options, option: str) -> bool:
    label = options.get(f"{_CORS}{option}")
    return label is not None and truth(label)
