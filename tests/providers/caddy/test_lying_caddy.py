"""A Caddy that lies: whatever its admin API answers, there is one clear error, and never a wrong plan."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import chain
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.errors import ProviderError, StalePlanError, TerminalError, TransientError
from argos_gitops.model.resource import EagerResources, ResourceKey
from argos_gitops.outbound import Bounds
from argos_gitops.outbound.pace import Pace
from argos_gitops.providers.caddy import client as admin
from argos_gitops.providers.caddy.adopt import Adopter
from argos_gitops.providers.caddy.catalogue import Catalogue
from argos_gitops.providers.caddy.client import AdminClient, RawConfig
from argos_gitops.providers.caddy.fields import fields
from argos_gitops.providers.caddy.observe import CaddyLive
from tests.components.liar import Liar, dripping, endless, http, lying
from tests.providers.caddy.world import World, edge, host

SHORT = timedelta(seconds=5)
CATALOGUE = Catalogue(whole=True, own_servers=True)
Serve = Callable[[bytes], Iterable[bytes]]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in life, only sooner."""
    monkeypatch.setattr(admin, "_BOUNDS", Bounds(256 * 1024, Pace(seconds=0.3, bytes_per_second=1e6)))


def _drip(answer: bytes) -> Serve:
    head, _, body = answer.partition(b"\r\n\r\n")
    return lambda _: chain([head + b"\r\n\r\n"], dripping(body))


LIES: dict[str, tuple[Serve, type[ProviderError], str]] = {
    "an answer without end": (lambda _: endless(), TerminalError, "NotCaddy"),
    "a body that drips": (_drip(http(b"{" + b" " * 5000)), TransientError, "TimedOut"),
    "headers that drip": (lambda _: dripping(http(b"{}")), TransientError, "TimedOut"),
    "JSON that breaks off": (lambda _: [http(b'{"apps": {"http": ')], TerminalError, "NotCaddy"),
    "JSON without an end of depth": (lambda _: [http(b"[" * 100_000)], TerminalError, "NotCaddy"),
    "a list": (lambda _: [http(b"[1]")], TerminalError, "NotCaddy"),
    "a text": (lambda _: [http(b'"running"')], TerminalError, "NotCaddy"),
    "a number": (lambda _: [http(b"17")], TerminalError, "NotCaddy"),
    "apps that are a list": (lambda _: [http(b'{"apps": [1]}')], TerminalError, "NotCaddy"),
    "servers that are a text": (
        lambda _: [http(b'{"apps": {"http": {"servers": "x"}}}')],
        TerminalError,
        "NotCaddy",
    ),
    "routes of numbers": (
        lambda _: [http(b'{"apps": {"http": {"servers": {"argos": {"routes": [1]}}}}}')],
        TerminalError,
        "NotCaddy",
    ),
    "a redirect to elsewhere": (
        lambda _: [http(b"{}", "307 Temporary Redirect", headers=["Location: http://192.0.2.1/"])],
        TerminalError,
        "NotCaddy",
    ),
}


@pytest.mark.parametrize(("serve", "kind", "reason"), LIES.values(), ids=LIES)
def test_a_lie_is_one_clear_error(
    world: Callable[..., World], serve: Serve, kind: type[ProviderError], reason: str
) -> None:
    """Observing and planning end with an error of ours that names the place, and nobody is asked again
    elsewhere."""
    with Liar(serve) as liar:
        here = world(edge(liar.url))
        with pytest.raises(kind) as caught:
            here.plan(host("app"))
        assert caught.value.reason == reason
        assert liar.url in str(caught.value) or "Edge/main" in str(caught.value)
        assert len(liar.requests) == 1


WORDS = (
    "admin apps http tls servers argos argos-http routes listen match host handle handler @id automation "
    "policies subjects issuers automatic_https skip certificates load_files tags terminal upstreams headers"
)
NAMES = st.sampled_from(WORDS.split(" "))
TEXTS = st.sampled_from(
    ["argos-host-app", "argos-tls-default", "argos-cert-app", "subroute", "reverse_proxy"]
)


def _json(depth: int) -> st.SearchStrategy[Any]:
    leaf = st.none() | st.booleans() | st.integers(-5, 5) | TEXTS
    if not depth:
        return leaf
    inner = _json(depth - 1)
    return leaf | st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4)


JSON = _json(4)
PATHS = [
    ["apps", "http", "servers", "argos", "routes"],
    ["apps", "http", "servers", "argos"],
    ["apps", "tls", "automation", "policies"],
    ["apps", "tls", "certificates", "load_files"],
    ["apps", "tls"],
    ["apps"],
    [],
]
ROUTES = st.lists(
    st.fixed_dictionaries(
        {"@id": st.just("argos-host-app")},
        optional={
            "match": JSON,
            "terminal": JSON,
            "handle": JSON
            | st.lists(
                st.fixed_dictionaries({"handler": TEXTS}, optional={"routes": JSON, "upstreams": JSON})
            ),
        },
    ),
    max_size=2,
)


@settings(max_examples=300, deadline=None)
@given(inner=JSON | ROUTES, places=st.sampled_from(PATHS))
def test_a_configuration_of_any_shape_is_read_or_refused(inner: object, places: list[str]) -> None:
    """JSON of the right words and the wrong types ends in objects, or in NotCaddy, and nothing else."""
    tree = inner
    for place in reversed(places):
        tree = {place: tree}
    live = CaddyLive(RawConfig(orjson.dumps(tree), None), edge().key, CATALOGUE, lambda _: None)
    try:
        found = live.objects
    except TerminalError as error:
        assert error.reason == "NotCaddy"  # noqa: PT017 # either is right, nothing else is
        return
    here = Adopter(edge(), EagerResources([], ""))
    for each in found.values():
        assert all(isinstance(value, str) for value in fields(each.content).values())
        drift = Change(Action.DELETE, Cause.DRIFT, each.id, ResourceKey("Host", "app"), each.content, None)
        assert isinstance(here.adopt(drift), Adoption | Unsayable)


def test_a_wrong_tag_ends_as_a_stale_plan() -> None:
    """Whoever gives a tag and then does not know it gets nothing written over."""

    def serve(request: bytes) -> Iterable[bytes]:
        if request.startswith(b"GET"):
            return [http(b"null", headers=['Etag: "/config/ one"'])]
        return [http(b'{"error":"no"}', "412 Precondition Failed")]

    with Liar(serve) as liar:
        client = AdminClient(liar.url, SHORT)
        with pytest.raises(StalePlanError):
            client.replace(b"{}", client.read().tag)
        client.close()


def test_a_redirected_write_goes_nowhere_else() -> None:
    """What we write may hold secrets: it is never sent on to where an answer points."""
    with lying(http(b"{}")) as elsewhere:
        answer = http(b"{}", "307 Temporary Redirect", headers=[f"Location: {elsewhere.url}/config/"])
        with lying(answer) as liar:
            client = AdminClient(liar.url, SHORT)
            with pytest.raises(TerminalError):
                client.replace(b"{}", '"/config/ one"')
            client.close()
        assert elsewhere.requests == []


NONSENSE = [
    b"[1]",
    b'[{"address": 7}]',
    b"{}",
    b'"x"',
    b"17",
    b"[" * 50_000,
    b'[{"address":"a","fails":"b"}]',
]


@pytest.mark.parametrize("body", NONSENSE)
def test_a_side_question_that_is_answered_with_nonsense_hurts_nobody(body: bytes) -> None:
    """Whether an upstream fails, the version and the start are worth knowing, and worth no error."""
    with lying(http(body)) as liar:
        client = AdminClient(liar.url, SHORT)
        assert client.failing("a") is False
        assert client.version() is None
        assert client.started_at() is None
        client.close()


@pytest.mark.parametrize("line", ["process_start_time_seconds 1e300", "process_start_time_seconds nan"])
def test_a_time_that_is_none_is_no_time(line: str) -> None:
    """Numbers that no clock shows."""
    with lying(http(line.encode(), kind="text/plain")) as liar:
        client = AdminClient(liar.url, SHORT)
        assert client.started_at() is None
        client.close()
