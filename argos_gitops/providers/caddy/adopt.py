"""A live Host in the words of the configuration: the reverse of routes and proxy, as far as it goes. Pure.

It may be generous: whoever uses it compiles what it says, and believes it only if the live Host comes out.
"""

from collections.abc import Iterator
from itertools import takewhile
from typing import Any, NamedTuple

from argos_gitops.model.adoption import GONE, Adoption, Edit, Unsayable
from argos_gitops.model.change import Change
from argos_gitops.model.resource import API_VERSION, AnyResource, Resource, ResourceSet
from argos_gitops.model.secret import MASK, SecretRef
from argos_gitops.providers.caddy import marks
from argos_gitops.providers.caddy.actions import is_guard
from argos_gitops.providers.caddy.answers import FixedResponse, HeaderChanges, Redirect
from argos_gitops.providers.caddy.certificates import DEFAULT, INTERNAL
from argos_gitops.providers.caddy.edge import bouncer_handler
from argos_gitops.providers.caddy.forwarded import UNFORGED
from argos_gitops.providers.caddy.fragments import header_text
from argos_gitops.providers.caddy.hosts import HostSpec
from argos_gitops.providers.caddy.masking import shown_header
from argos_gitops.providers.caddy.own_probe import key_of
from argos_gitops.providers.caddy.placement import domains
from argos_gitops.providers.caddy.proxy import handlers
from argos_gitops.providers.caddy.services import ServiceSpec

Tree = dict[str, Any]

_URI = "{http.request.uri}"
_ANSWERS = ("service", "redirect", "response")


class _UnsayableError(Exception):
    """What ends an attempt."""


class Served(NamedTuple):
    """The handlers of a host's routes, told apart. `judged`: who gets in, and what the rules say."""

    bouncer: bool
    headers: Tree
    compression: bool
    judged: tuple[Tree, ...]
    answer: tuple[Tree, ...]


class Adopter:
    """Speaks for one Edge at one revision."""

    def __init__(self, edge: AnyResource, resources: ResourceSet) -> None:
        self._edge = edge
        self._hosts = resources.of(HostSpec)
        self._services = resources.of(ServiceSpec)

    def adopt(self, change: Change) -> Adoption | Unsayable:
        """What git would have to say for `change` not to be needed."""
        room, _, name = change.object_id.partition("/")
        if room != "host":
            return Unsayable("it belongs to the Edge as a whole, not to a Host")
        if any(MASK in (field.before or "") for field in change.fields):
            return Unsayable("what changed is masked, and may be a secret")
        host = self._hosts.get(name)
        try:
            if change.before is None:
                return self._gone(host)
            return self._new(name, change.before) if host is None else self._changed(host, change)
        except _UnsayableError as error:
            return Unsayable(str(error))
        except (AttributeError, TypeError, LookupError, ValueError):
            return Unsayable("it is of a form that no Host has")

    def _gone(self, host: Resource[HostSpec] | None) -> Adoption:
        if host is None:
            raise _UnsayableError("git does not hold it any more")
        return Adoption({host.key: (_spec_edit("enabled", False),)})

    def _changed(self, host: Resource[HostSpec], change: Change) -> Adoption:
        live, spec = change.before, host.spec
        served = self._served(live)
        applied = self._served(change.after) if change.after is not None else None
        judged = () if applied is None else applied.judged
        if served.judged != judged or (applied is None and (spec.rules or spec.guarded)):
            raise _UnsayableError("its rules, or who gets in, are never taken over from the edge")
        edits = [
            *([] if spec.enabled else [_spec_edit("enabled", GONE)]),
            *_domains(spec, live),
            *_tls(spec, live, change.after),
            *_flags(spec, served),
        ]
        if applied is None or applied.headers != served.headers:
            edits += _headers(spec, served.headers)
        if applied is not None and applied.answer == served.answer:
            return _some(host, edits)
        answer = self._answer(host, served)
        if isinstance(answer, Adoption):
            return Adoption({**answer.edits, **({host.key: edits} if edits else {})})
        return _some(host, [*edits, *answer])

    def _new(self, name: str, live: Tree) -> Adoption:
        """A whole document; its answer must be one that needs no new Service."""
        served = self._served(live)
        if served.judged:
            raise _UnsayableError("it has rules, or guards, that git does not hold")
        spec: Tree = {"edge": self._edge.name, "domains": list(domains(live))}
        spec |= dict(self._own_answer(served))
        if live["server"] == marks.PLAIN_SERVER:
            spec["tls"] = {"mode": "off"}
        if served.headers:
            spec["headers"] = _header_fields(served.headers, None)
        spec |= {flag: True for flag in ("compression", "bouncer") if getattr(served, flag)}
        document = {"apiVersion": API_VERSION, "kind": "Host", "metadata": {"name": name}, "spec": spec}
        return Adoption(added=(document,))

    def _served(self, live: Tree) -> Served:
        """All routes of a host do the same; whatever else they match or do has no word."""
        if live.keys() - {"server", "routes", "tls"}:
            raise _UnsayableError("its routes stand where others answer in their place")
        routes = live["routes"]
        if len(routes) > 2 or any(not _is_usual(route) for route in routes):
            raise _UnsayableError("its routes match or do more than domains")
        if any(route["handle"] != routes[0]["handle"] for route in routes):
            raise _UnsayableError("its routes do not do the same")
        handle = list(routes[0]["handle"])
        early = handle.pop(0) if handle and _is_early(handle[0]) else {}
        bouncer = bouncer_handler(self._edge)
        bounced = bool(handle) and bouncer is not None and handle[0] == bouncer
        handle = handle[1:] if bounced else handle
        guards = [*takewhile(lambda each: is_guard(each) or key_of(each) is not None, handle)]
        handle = handle[len(guards) :]
        handle = handle[1:] if handle and handle[0] == UNFORGED else handle
        headers = handle.pop(0) if handle and handle[0].get("handler") == "headers" else {}
        headers = _together(early, headers)
        compression = bool(handle) and handle[0].get("handler") == "encode"
        handle = handle[1:] if compression else handle
        rules = [*takewhile(_is_subroute, handle)]
        return Served(bounced, headers, compression, (*guards, *rules), tuple(handle[len(rules) :]))

    def _answer(self, host: Resource[HostSpec], served: Served) -> list[Edit] | Adoption:
        """Edits of the Host, or an Adoption where it is its Service that must change."""
        current = self._services.get(host.spec.service) if host.spec.service is not None else None
        if current is not None and handlers(current.spec) == served.answer:
            return []
        try:
            [(field, value)] = self._own_answer(served)
        except _UnsayableError:
            if current is None:
                raise
            return self._service(current, served)
        gone = [_spec_edit(each, GONE) for each in _ANSWERS if each != field and getattr(host.spec, each)]
        given = getattr(host.spec, field)
        same = given is not None and _plain(given) == value
        return [] if same else [*gone, _spec_edit(field, value)]

    def _own_answer(self, served: Served) -> Iterator[tuple[str, Any]]:
        """A redirect, a response, or the name of a Service that answers just so."""
        if len(served.answer) == 1 and served.answer[0].get("handler") == "static_response":
            yield _static(served.answer[0])
            return
        same = [name for name, each in self._services.items() if handlers(each.spec) == served.answer]
        if not same:
            raise _UnsayableError("no Service answers like that")
        yield "service", same[0]

    def _service(self, service: Resource[ServiceSpec], served: Served) -> Adoption:
        """Other addresses for the Service, if this Host alone uses it and nothing else of it differs."""
        users = [name for name, host in self._hosts.items() if service.name in host.spec.services]
        if len(users) > 1:
            raise _UnsayableError(f"{service.key} serves {len(users)} Hosts, and only this one was changed")
        *before, wanted = handlers(service.spec)
        if not served.answer or list(served.answer[:-1]) != before:
            raise _UnsayableError("no Service answers like that")
        if _without_pool(served.answer[-1]) != _without_pool(wanted):
            raise _UnsayableError(f"of {service.key} only the addresses can be proposed")
        dials = [upstream.get("dial") for upstream in served.answer[-1].get("upstreams") or ()]
        known = {each.address: _plain(each) for each in service.spec.targets}
        idle = [_plain(each) for each in service.spec.targets if not each.weight]
        targets = [known.get(dial) or {"address": dial} for dial in dials]
        return Adoption({service.key: (_spec_edit("targets", [*targets, *idle]),)})


def _some(host: Resource[HostSpec], edits: list[Edit]) -> Adoption:
    if not edits:
        raise _UnsayableError("what differs has no field in the configuration")
    return Adoption({host.key: edits})


def _is_usual(route: Tree) -> bool:
    matchers: list[Tree] = route.get("match") or []
    return (
        route.keys() == {"@id", "match", "handle", "terminal"}
        and route["terminal"] is True
        and len(matchers) == 1
        and matchers[0].keys() == {"host"}
    )


def _is_early(handler: Tree) -> bool:
    """Whether it changes responses before there is an answer."""
    return handler.keys() == {"handler", "response"} and "deferred" not in handler["response"]


def _together(early: Tree, late: Tree) -> Tree:
    """Changes of responses that stand twice as one that waits; both, where they do not say the same."""
    first, last = dict(early.get("response") or {}), dict(late.get("response") or {})
    if not early or any(first.get(name) != last.get(name) for name in ("set", "delete")):
        return {**late, "early": early} if early else late
    added = {"add": first["add"]} if "add" in first else {}
    return {"handler": "headers", **late, "response": {**added, **last, "deferred": True}}


def _is_subroute(handler: Tree) -> bool:
    return handler.get("handler") == "subroute"


def _spec_edit(field: str, value: Any) -> Edit:
    return Edit(("spec", field), value)


def _plain(model: Any) -> Any:
    """A part of a spec as YAML says it, only with what is said there."""
    return (
        model if isinstance(model, str) else model.model_dump(mode="json", by_alias=True, exclude_unset=True)
    )


def _domains(spec: HostSpec, live: Tree) -> Iterator[Edit]:
    found = domains(live)
    exact = [each for each in spec.domains if not each.startswith("*.")]
    if [*exact, *(each for each in spec.domains if each.startswith("*."))] != list(found):
        yield _spec_edit("domains", list(found))


def _flags(spec: HostSpec, served: Served) -> Iterator[Edit]:
    for flag in ("bouncer", "compression"):
        found = getattr(served, flag)
        if found != getattr(spec, flag):
            yield _spec_edit(flag, found)


def _tls(spec: HostSpec, live: Tree, after: Tree | None) -> Iterator[Edit]:
    if after is not None and (live["server"], live["tls"]) == (after["server"], after["tls"]):
        return
    tls = live["tls"]
    if live["server"] == marks.PLAIN_SERVER:
        yield _spec_edit("tls", {"mode": "off"})
    elif tls == INTERNAL:
        yield _spec_edit("tls", {"mode": "internal"})
    elif tls == DEFAULT:
        yield _spec_edit("tls", GONE)
    elif tls.keys() == {"files"} and spec.tls.mode == "manual":
        yield _spec_edit("tls", {"mode": "manual", **tls["files"]})
    elif after is None or tls != after["tls"]:
        raise _UnsayableError("its certificates are got in a way that a Host does not name")


def _headers(spec: HostSpec, live: Tree) -> Iterator[Edit]:
    found = _header_fields(live, spec) if live else {}
    if found != _plain_headers(spec):
        yield _spec_edit("headers", found or GONE)


def _plain_headers(spec: HostSpec) -> Tree:
    sides = {side: _plain(getattr(spec.headers, side)) for side in ("request", "response")}
    return {
        side: {name: value for name, value in changes.items() if value}
        for side, changes in sides.items()
        if any(changes.values())
    }


def _header_fields(live: Tree, spec: HostSpec | None) -> Tree:
    if live.keys() - {"handler", "request", "response"}:
        raise _UnsayableError("its headers are changed in a way that a Host does not name")
    found: Tree = {}
    for side in ("request", "response"):
        if side in live:
            known = getattr(spec.headers, side) if spec is not None else HeaderChanges()
            found[side] = _changes(dict(live[side]), known, deferred=side == "response")
    return found


def _changes(live: Tree, known: HeaderChanges, *, deferred: bool) -> Tree:
    if (live.pop("deferred", False) is not deferred) or live.keys() - {"add", "set", "delete"}:
        raise _UnsayableError("its headers are changed in a way that a Host does not name")
    found: Tree = {}
    for field in ("add", "set"):
        if live.get(field):
            given = getattr(known, field)
            found[field] = {
                name: _header(name, values, given.get(name), public=deferred)
                for name, values in live[field].items()
            }
    if live.get("delete"):
        found["remove"] = list(live["delete"])
    return found


def _header(name: str, values: list[str], known: str | SecretRef | None, *, public: bool) -> Any:
    """A secret stays the reference that it is in git, and what may be one never gets there."""
    if isinstance(known, SecretRef):
        if values != [header_text(known)]:
            raise _UnsayableError(f"the header {name} is a secret in git")
        return _plain(known)
    if len(values) != 1:
        raise _UnsayableError(f"the header {name} has several values")
    if values[0] != known and MASK in shown_header(name, values[0], public=public):
        raise _UnsayableError(f"the header {name} may be a secret")
    return values[0]


def _static(handler: Tree) -> tuple[str, Tree]:
    headers = dict(handler.get("headers") or {})
    location = headers.pop("Location", None)
    if handler.keys() - {"handler", "headers", "status_code", "body"}:
        raise _UnsayableError("it answers in a way that a Host does not name")
    status = handler.get("status_code", 200)
    if location is not None:
        return "redirect", _redirect(location, status)
    kind = headers.pop("Content-Type", None)
    if headers or not isinstance(status, int):
        raise _UnsayableError("it answers with headers that a Host does not name")
    found = {"status": status, "body": handler.get("body", "")}
    return "response", _said({**found, **({"contentType": kind[0]} if kind else {})}, FixedResponse)


def _redirect(location: list[str], status: Any) -> Tree:
    to = location[0]
    keeps = to.endswith(_URI)
    found = {"to": to.removesuffix(_URI) if keeps else to, "status": status, "preservePath": keeps}
    return _said(found, Redirect)


def _said(found: Tree, model: type[FixedResponse] | type[Redirect]) -> Tree:
    """Without what is the default anyway."""
    defaults = {field.alias: field.default for field in model.model_fields.values()}
    return {name: value for name, value in found.items() if value != defaults.get(name)}


def _without_pool(proxy: Tree) -> Tree:
    return {name: value for name, value in proxy.items() if name not in ("upstreams", "load_balancing")}
