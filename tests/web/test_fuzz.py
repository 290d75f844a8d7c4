"""Whatever comes in, nothing breaks: every answer is JSON, and none of them a 500."""

import json
import re
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.app.stores import Stores
from tests.web.deliveries import (
    EVERY_FORGE,
    PUSHES,
    SIGNATURE_HEADERS,
    bitbucket_push,
    data_center_push,
)
from tests.web.running import SECRET, TOKEN, RunningSite

pytestmark = pytest.mark.slow

HEADER_NAMES = [
    *SIGNATURE_HEADERS.values(),
    "X-Timestamp",
    "X-GitHub-Event",
    "X-Event-Key",
    "X-Forwarded-For",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "X-Request-ID",
]
header_values = st.one_of(
    st.sampled_from([SECRET, f"Bearer {TOKEN}", "push", "sha256=", "application/x-www-form-urlencoded"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f")).map(str.strip),
)
headers = st.dictionaries(st.sampled_from(HEADER_NAMES), header_values)
_addresses = iter(ip_network("198.18.0.0/15"))
values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.text(), st.sampled_from(["~root", "git@x:", "http://["])
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=10,
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """One for all examples, which is a test of its own: nothing of one request stays for the next."""
    with RunningSite(tmp_path_factory.mktemp("site")) as running:
        yield running


@st.composite
def payloads(draw: st.DrawFn) -> tuple[str, Any]:
    """A genuine payload of a forge with something else in one place of it."""
    provider = draw(st.sampled_from(sorted(EVERY_FORGE)))
    template: Any = PUSHES[provider]()
    if provider == "bitbucket":
        template = draw(st.sampled_from([bitbucket_push(), data_center_push()]))
    payload = json.loads(json.dumps(template))
    place = draw(st.sampled_from(list(_places(payload))))
    where = payload
    for step in place[:-1]:
        where = where[step]
    where[place[-1]] = draw(values)
    return provider, payload


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield (*path, step)
        yield from _places(each, (*path, step))


def _is_an_answer(answer: httpx.Response) -> bool:
    return answer.status_code != 500 and isinstance(answer.json(), dict)


@given(st.sampled_from(sorted(EVERY_FORGE)), headers, st.binary(max_size=200))
@settings(max_examples=300)
def test_any_headers_and_any_body(
    site: RunningSite, provider: str, headers: dict[str, str], body: bytes
) -> None:
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    assert _is_an_answer(site.client.post(f"/webhooks/{provider}", content=body, headers=encoded))


@given(payloads())
@settings(max_examples=300)
def test_any_signed_payload(site: RunningSite, sent: tuple[str, Any]) -> None:
    """A forge that changes its form, or a repository with a name that nobody thought of."""
    provider, payload = sent
    delivered = EVERY_FORGE[provider](payload)
    answer = site.client.post(delivered.path, content=delivered.body, headers=dict(delivered.headers))
    assert _is_an_answer(answer)
    assert answer.status_code in (200, 202)


@given(
    st.text(max_size=30), st.dictionaries(st.sampled_from(["limit", "since", "actor"]), st.text(max_size=30))
)
@settings(max_examples=200)
def test_any_path_and_any_query(site: RunningSite, path: str, query: dict[str, str]) -> None:
    """Of the read API, each with an address of its own, so that no limit answers instead."""
    given = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": str(next(_addresses))}
    for page in (f"/api/resources/Host/{quote(path, safe='')}", "/api/audit"):
        answer = site.client.get(page, params=query, headers=given)
        assert _is_an_answer(answer)


ODD = [
    "",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "%00",
    "*",
    "NaN",
    "-1",
    "1e400",
    str(2**63),
    "9" * 5000,
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "10000-01-01",
    "x" * 8000,
]
PARAMETERS = (
    "limit",
    "since",
    "until",
    "actor",
    "action",
    "subject",
    "target",
    "revision",
    "outcome",
    "container",
)
KINDS_OF_STORE = ["sqlite", pytest.param("postgres", marks=pytest.mark.real)]


@pytest.fixture(scope="module", params=KINDS_OF_STORE)
def kept(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """PostgreSQL takes no NUL, and fewer numbers than SQLite."""
    folder = tmp_path_factory.mktemp("kept")
    url = f"sqlite:///{folder / 'argos.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").new_database()
    with RunningSite(folder, readers=Stores(url, "test")) as running:
        running.script.write_text("#!/bin/sh\n")
        yield running


def _paths(site: RunningSite) -> list[str]:
    """Of every route that there is, so that none is forgotten."""
    found = site.site.routes()
    assert len(found) > 10
    return [route.path for route in found if "GET" in (route.methods or ())]


def _asked(site: RunningSite, path: str) -> httpx.Response:
    """From an address of its own, so that no limit answers instead."""
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Forwarded-For": str(next(_addresses))}
    return site.client.get(path, headers=headers)


def _encoded(odd: str) -> str:
    return quote(odd.encode("utf-8", "surrogatepass"), safe="")


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: repr(odd[:30]))
def test_anything_odd_in_any_place_of_any_route(kept: RunningSite, odd: str) -> None:
    """A 400 or a 404 where it makes no sense, an answer where it does; never an error of ours."""
    for path in _paths(kept):
        places = re.findall(r"\{[^}]*\}", path)
        for place in places:
            filled = re.sub(r"\{[^}]*\}", "Host", path.replace(place, _encoded(odd)))
            assert _asked(kept, filled).status_code in (200, 400, 404), filled[:80]
        plain = re.sub(r"\{[^}]*\}", "Host", path)
        for name in PARAMETERS:
            answer = _asked(kept, f"{plain}?{name}={_encoded(odd)}")
            expected = (200, 400, 404, 503) if plain in ("/readyz", "/api/system/health") else (200, 400, 404)
            assert answer.status_code in expected, (plain, name, answer.text[:200])
