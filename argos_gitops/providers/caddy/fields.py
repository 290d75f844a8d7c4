"""Contents as labelled, masked fields for people, in reading order.

What a Host's route usually holds gets a name of its own; whatever else is in a content is listed by
its path, so that no difference goes unseen.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from argos_gitops.model.objects import Content
from argos_gitops.model.secret import MASK
from argos_gitops.model.spec import format_duration
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.actions import counted_by, read_allow
from argos_gitops.providers.caddy.certificates import DEFAULT, INTERNAL, OFF
from argos_gitops.providers.caddy.forward_auth import read_forward_auth
from argos_gitops.providers.caddy.forwarded import UNFORGED
from argos_gitops.providers.caddy.masking import shown, shown_header
from argos_gitops.providers.caddy.matchers import in_words
from argos_gitops.providers.caddy.own_probe import key_of, shown_probe
from argos_gitops.providers.caddy.paths import CLEAN, REFUSE_AMBIGUOUS, REFUSE_REWRITTEN
from argos_gitops.providers.caddy.placement import domains

Tree = dict[str, Any]
Field = tuple[str, str]

_LONGEST_BODY = 60
_GONE = "(removed)"
_REPLACED = {"find", "replace"}


def fields(content: Content) -> Mapping[str, str]:
    """Equal labels are numbered, so that none hides another."""
    found: dict[str, str] = {}
    for label, value in _host(content) if _is_host(content) else _leaves("", content):
        unique, number = label, 2
        while unique in found:
            unique, number = f"{label} ({number})", number + 1
        found[unique] = value
    return found


def _is_host(content: Content) -> bool:
    return isinstance(content, dict) and "tls" in content and "routes" in content


def _host(content: Tree) -> Iterator[Field]:
    yield "domains", ", ".join(domains(content))
    for route in content["routes"][:1]:
        for handler in route.get("handle") or ():
            yield from _handler(handler)
    yield "tls", _tls(content["tls"])
    if content["server"] not in marks.OWN_SERVERS:
        yield "server", content["server"]
    if "elsewhere" in content:
        yield "also in server", content["elsewhere"]
    if content.get("misplaced"):
        yield "position", "behind a route that answers in its place"
    yield from _unusual(content["routes"])


def _unusual(routes: Sequence[Tree]) -> Iterator[Field]:
    """What a route of ours never has, and a second route where it is not like the first."""
    for index, route in enumerate(routes):
        usual = {"@id", "match", "handle", "terminal"}
        rest: Tree = {key: value for key, value in route.items() if key not in usual}
        if route.get("terminal") is not True:
            rest["terminal"] = route.get("terminal", False)
        extra = [{k: v for k, v in matcher.items() if k != "host"} for matcher in route.get("match") or ()]
        if any(extra) or len(extra) != 1:
            rest["match"] = route.get("match")
        if index and route.get("handle") != routes[0].get("handle"):
            rest["handle"] = route.get("handle")
        if index and ("*" not in "".join(domains({"routes": [route]})) or index > 1):
            rest["@id"] = route.get("@id")
        yield from _leaves("route" if index == 0 else f"route {index + 1}", rest)


def _handler(handler: Tree) -> Iterator[Field]:
    name = handler.get("handler")
    describe = _DESCRIBE.get(str(name))
    if describe is None:
        yield from _leaves(str(name), {key: value for key, value in handler.items() if key != "handler"})
        if len(handler) == 1:
            yield str(name), "on"
        return
    try:
        yield from [*describe(handler)]
    except (AttributeError, TypeError, KeyError, ValueError):
        # Not of the form that such a handler has: then it is told as it is.
        yield from _leaves(str(name), _without(handler, "handler"))


def _proxy(handler: Tree) -> Iterator[Field]:
    balancing = handler.get("load_balancing") or {}
    policy = balancing.get("selection_policy") or {}
    weights = policy.get("weights") or ()
    upstreams = handler.get("upstreams") or ()
    shares = [f" ×{weight}" for weight in weights] + [""] * len(upstreams)
    yield (
        "upstream",
        ", ".join(f"{each.get('dial', '?')}{share}" for each, share in zip(upstreams, shares, strict=False)),
    )
    if policy.get("policy", "weighted_round_robin") != "weighted_round_robin":
        yield "load balancing", str(policy["policy"])
    yield from _leaves("load balancing", _without(policy, "policy", "weights"))
    yield from _leaves("load balancing", _without(balancing, "selection_policy"))
    checks = handler.get("health_checks") or {}
    yield from _leaves("health check", checks.get("active") or {})
    yield from _leaves("passive health check", checks.get("passive") or {})
    yield from _leaves("upstream", _without(handler.get("transport") or {}, "protocol"))
    yield from _header_fields(handler.get("headers") or {})
    known = ("handler", "load_balancing", "upstreams", "health_checks", "transport", "headers")
    yield from _leaves("upstream", _without(handler, *known))
    odd = [_without(each, "dial") for each in upstreams]
    yield from _leaves("upstream", odd if any(odd) else {})


def _answer(handler: Tree) -> Iterator[Field]:
    headers = dict(handler.get("headers") or {})
    location = headers.pop("Location", None)
    status = str(handler.get("status_code", 200))
    if location:
        yield "redirect", f"{status} to {' '.join(location)}"
    else:
        yield "response", status
    if handler.get("body"):
        yield "body", _body(str(handler["body"]))
    for name, values in headers.items():
        yield from _values(name, values, public=True)
    yield from _leaves("response", _without(handler, "handler", "headers", "status_code", "body"))


def _body(body: str) -> str:
    """Bodies are public. A long one is told apart by its digest."""
    line = " ".join(body.split())
    if len(line) <= _LONGEST_BODY and line == body:
        return line
    digest = blake2b(body.encode(), digest_size=4).hexdigest()
    return f"{line[:_LONGEST_BODY]}… ({len(body)} characters, {digest})"


def _header_fields(handler: Tree) -> Iterator[Field]:
    for side, prefix in (("request", "request "), ("response", "")):
        changes = handler.get(side) or {}
        early = " (errors too)" if side == "response" and "deferred" not in changes else ""
        for name, values in (changes.get("set") or {}).items():
            yield from _values(f"{prefix}{name}{early}", values, public=not prefix)
        for name, values in (changes.get("add") or {}).items():
            yield from _values(f"{prefix}{name} (added)", values, public=not prefix)
        for name in changes.get("delete") or ():
            yield f"{prefix}{name}{early}", _GONE
        yield from _replaced_values(prefix, changes.get("replace") or {})
        rest = _without(changes, "set", "add", "delete", "replace")
        yield from _leaves(
            f"{prefix}headers", _without(rest, "deferred") if rest.get("deferred") is True else rest
        )
    yield from _leaves("headers", _without(handler, "handler", "request", "response"))


def _replaced_values(prefix: str, changes: Mapping[str, list[Tree]]) -> Iterator[Field]:
    for name, values in changes.items():
        for each in values:
            found, into = (
                shown_header(name, each[key], public=not prefix) for key in ("search_regexp", "replace")
            )
            yield f"{prefix}{name} (replaced)", f"{found} → {into}"
            yield from _leaves(f"{prefix}{name} (replaced)", _without(each, "search_regexp", "replace"))


def _values(label: str, values: Any, *, public: bool) -> Iterator[Field]:
    name = label.removeprefix("request ").removesuffix(" (added)").removesuffix(" (errors too)")
    for value in values if isinstance(values, list) else [values]:
        yield label, shown_header(name, str(value), public=public)


def _compression(handler: Tree) -> Iterator[Field]:
    yield "compression", ", ".join(handler.get("prefer") or sorted(handler.get("encodings") or ()))
    encodings = {name: each for name, each in (handler.get("encodings") or {}).items() if each}
    yield from _leaves("compression", encodings)
    yield from _leaves("compression", _without(handler, "handler", "prefer", "encodings"))


def _bouncer(handler: Tree) -> Iterator[Field]:
    yield "bouncer", "on"
    yield from _leaves("bouncer", _without(handler, "handler"))


def _subroute(handler: Tree) -> Iterator[Field]:
    """The bouncer's question to the agent, a guard, rules, or something that we did not write."""
    allowed = read_allow(handler)
    if (asking := read_forward_auth(handler)) is not None:
        mode = "closed" if asking.closed else "open"
        yield "bouncer", f"asks {asking.agent_url} about {asking.edge}, fails {mode}"
        yield "bouncer timeout", format_duration(asking.timeout)
    elif key_of(handler) is not None:
        yield "probe", shown_probe(handler)
    elif handler == UNFORGED:
        yield "forwarded headers", "of trusted proxies alone"
    elif handler in (REFUSE_AMBIGUOUS, REFUSE_REWRITTEN):
        yield "ambiguous paths", "refused"
    elif handler == CLEAN:
        yield "ambiguous paths", "cleaned"
    elif allowed is not None:
        yield "allow", ", ".join(allowed)
    elif _holds_rules(handler):
        for number, route in enumerate(handler["routes"], 1):
            yield from _rule(f"rule {number}" if "match" in route else "otherwise", route)
    else:
        yield from _leaves("subroute", _without(handler, "handler"))


def _holds_rules(handler: Tree) -> bool:
    routes = handler.get("routes")
    return handler.keys() == {"handler", "routes"} and isinstance(routes, list) and all(map(_is_rule, routes))


def _is_rule(route: Any) -> bool:
    return (
        isinstance(route, dict)
        and route.keys() <= {"match", "handle", "terminal"}
        and route.get("terminal") is True
        and isinstance(route.get("handle"), list)
        and all(isinstance(each, dict) for each in route["handle"])
    )


def _rule(label: str, route: Tree) -> Iterator[Field]:
    if "match" in route:
        words = in_words(route["match"])
        yield from _leaves(f"{label} match", route["match"]) if words is None else [(label, words)]
    for handler in route["handle"]:
        yield from ((f"{label} {name}", value) for name, value in _handler(handler))


def _rewrite(handler: Tree) -> Iterator[Field]:
    replaced = handler.get("path_regexp")
    if isinstance(replaced, list) and all(isinstance(e, dict) and e.keys() == _REPLACED for e in replaced):
        yield "rewrite", ", ".join(f"{each['find']} → {each['replace']}" for each in replaced)
        handler = _without(handler, "path_regexp")
    yield from _leaves("rewrite", _without(handler, "handler"))


def _authentication(handler: Tree) -> Iterator[Field]:
    """Who may log in; what is kept of their passwords is masked."""
    basic = _basic_auth(handler)
    if basic is None:
        yield from _leaves("authentication", _without(handler, "handler"))
        return
    for account in basic["accounts"]:
        yield f"basic auth {account['username']}", shown("password", account["password"])
    if basic.get("hash_cache") != {}:
        yield "basic auth cache", "none" if "hash_cache" not in basic else "another one"
    if isinstance(basic.get("realm"), str):
        yield "basic auth realm", basic["realm"]
        basic = _without(basic, "realm")
    yield from _leaves("basic auth", _without(basic, "accounts", "hash_cache"))


def _basic_auth(handler: Tree) -> Tree | None:
    """The only provider, if it is that of names and passwords."""
    providers = handler.get("providers")
    if handler.keys() != {"handler", "providers"} or not isinstance(providers, dict):
        return None
    basic = providers.get("http_basic") if len(providers) == 1 else None
    accounts = basic.get("accounts") if isinstance(basic, dict) else None
    usual = isinstance(accounts, list) and all(map(_is_account, accounts))
    return basic if isinstance(basic, dict) and usual else None


def _is_account(account: Any) -> bool:
    return (
        isinstance(account, dict)
        and account.keys() == {"username", "password"}
        and all(isinstance(each, str) for each in account.values())
    )


def _rate_limit(handler: Tree) -> Iterator[Field]:
    limits = handler.get("rate_limits")
    if not (isinstance(limits, dict) and all(map(_is_limit, limits.values()))):
        yield from _leaves("rate limit", _without(handler, "handler"))
        return
    for zone, each in limits.items():
        by = counted_by(each["key"]) or shown("key", each["key"])
        yield "rate limit", f"{each['max_events']} in {each['window']} by {by} ({zone})"
    yield from _leaves("rate limit", _without(handler, "handler", "rate_limits"))


def _is_limit(limit: Any) -> bool:
    return isinstance(limit, dict) and limit.keys() == {"key", "window", "max_events"}


_DESCRIBE: Mapping[str, Callable[[Tree], Iterator[Field]]] = {
    "reverse_proxy": _proxy,
    "static_response": _answer,
    "headers": _header_fields,
    "encode": _compression,
    "crowdsec": _bouncer,
    "subroute": _subroute,
    "rewrite": _rewrite,
    "authentication": _authentication,
    "rate_limit": _rate_limit,
}


def _tls(tls: Tree) -> str:
    if tls == OFF:
        return "off"
    if tls == DEFAULT:
        return "auto"
    if tls == INTERNAL:
        return "internal"
    if set(tls) == {"files"}:
        return f"manual, {tls['files'].get('certificate')} and {tls['files'].get('key')}"
    if tls == {"policy": {}}:
        return "auto, beside another certificate that would fit"
    found = (f"{label.removeprefix('policy ').removeprefix('issuers ')} {v}" for label, v in _leaves("", tls))
    return f"auto ({', '.join(found)})"


def _leaves(label: str, value: Any, key: str = "") -> Iterator[Field]:
    """Each scalar below a value under its path; lists of scalars as one."""
    if isinstance(value, dict) and value:
        for name, each in value.items():
            yield from _leaves(f"{label} {_word(name)}".strip(), each, name)
    elif isinstance(value, list) and value and not any(isinstance(each, dict | list) for each in value):
        texts = [shown(key, each) for each in value]
        yield label, MASK if MASK in texts else ", ".join(texts)
    elif isinstance(value, list) and value:
        for index, each in enumerate(value, 1):
            yield from _leaves(label if len(value) == 1 else f"{label} {index}", each, key)
    elif isinstance(value, dict | list):
        if key:
            yield label, "empty"
    else:
        yield label, shown(key, value)


def _word(name: str) -> str:
    return name.replace("_", " ")


def _without(tree: Tree, *keys: str) -> Tree:
    return {key: value for key, value in tree.items() if key not in keys}
