"""Whatever an agent, or somebody with its token, sends: it is kept or refused, and never an error of ours."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from argos_gitops.app.stores import Stores
from tests.web.dockers import FURTHER, SEED_CONTAINER, report
from tests.web.running import AS_AGENT, AS_OPERATOR, RunningSite

pytestmark = pytest.mark.slow

PATH = "/api/agents/docker/report"

_numbers = count()
odd_texts = st.sampled_from(
    [
        "",
        "\0",
        "a\0b",
        "\ud800",
        "\U0001f40b",
        "\x1b[31m",
        "\n",
        "x" * 200_000,
        "../..",
        "NaN",
        "-----BEGIN PRIVATE KEY-----",
    ]
)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63, 2**64, 10**30, -1, 10**400]),
    st.floats(),
    st.text(),
    odd_texts,
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(st.text(), odd_texts), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.real)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """One for all examples: nothing of one report stays for the next. PostgreSQL takes no NUL in a text."""
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder / 'argos.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres").new_database()
    with RunningSite(Path(folder), readers=Stores(url, "test")) as running:
        yield running


@st.composite
def odd_reports(draw: st.DrawFn) -> dict[str, Any]:
    """A good report with something else in one place, under a host id of its own if that place is not it."""
    whole: dict[str, Any] = json.loads(json.dumps(report(SEED_CONTAINER | FURTHER)))
    whole |= {"hostId": f"host-{next(_numbers)}", "digest": "d1"}
    place = draw(st.sampled_from(list(_places(whole))))
    where: Any = whole
    for step in place[:-1]:
        where = where[step]
    where[place[-1]] = draw(values)
    return whole


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in inner:
        yield (*path, step)
        yield from _places(each, (*path, step))


def _send(site: RunningSite, body: bytes) -> httpx.Response:
    return site.client.post(PATH, content=body, headers=AS_AGENT)


def _json(value: Any) -> bytes:
    """As Python writes it: NaN, infinities and lone surrogates too, which are no JSON."""
    return json.dumps(value).encode()


@given(odd_reports())
@settings(max_examples=400, deadline=None)
def test_something_odd_in_any_place(site: RunningSite, sent: dict[str, Any]) -> None:
    """Kept or refused; and what was kept can be read, twice over, so that it is compared as well."""
    answer = _send(site, _json(sent))
    assert answer.status_code in (200, 400), answer.text
    if answer.status_code == 400:
        assert answer.json()["details"]
        return
    changed = [{**each, "state": "exited", "name": "new"} for each in sent.get("containers") or ()]
    assert _send(site, _json({**sent, "containers": changed})).status_code == 200
    for page in ("containers", "history"):
        url = f"/api/agents/docker/hosts/{sent['hostId']}/{page}"
        client = {"X-Forwarded-For": f"198.51.{next(_numbers) % 65536 // 256}.{next(_numbers) % 256}"}
        assert site.client.get(url, headers=AS_OPERATOR | client).status_code in (200, 404)


@given(values)
@settings(max_examples=200, deadline=None)
def test_any_json(site: RunningSite, sent: Any) -> None:
    assert _send(site, _json(sent)).status_code == 400


@given(st.binary(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_bytes(site: RunningSite, body: bytes) -> None:
    assert _send(site, body).status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"hostId":"a","reportedAt":"2026-01-01T00:00:00Z","containers":' + b"[" * 900 + b"]" * 900 + b"}",
        b'{"hostId":"a","reportedAt":"0001-01-01T00:00:00+14:00","containers":[]}',
        b'{"hostId":"a","reportedAt":"9999-12-31T23:59:59-14:00","containers":[]}',
        b'{"hostId":"a","reportedAt":1e300,"containers":[]}',
        b'{"hostId":"a","reportedAt":NaN,"containers":[]}',
        b'{"hostId":"a\\u0000","reportedAt":"2026-01-01T00:00:00Z","containers":[]}',
        b'{"hostId":"a","hostname":"\\u0000","reportedAt":"2026-01-01T00:00:00Z","containers":[]}',
        b'{"hostId":"a","hostname":"\\ud800","reportedAt":"2026-01-01T00:00:00Z","containers":[]}',
        b'{"hostId":"a","reportedAt":"2026-01-01T00:00:00Z","containers":{}}',
        b'{"hostId":"a","reportedAt":"2026-01-01T00:00:00Z","unchangedSince":"\\u0000"}',
        b'{"hostId":"a","reportedAt":"2026-01-01T00:00:00Z"}',
        b"\xff\xfe{\x00}\x00",
        b"",
    ],
    ids=lambda body: repr(body[:24]) if len(body) < 1000 else f"{len(body)} bytes",
)
def test_what_somebody_thought_of(site: RunningSite, body: bytes) -> None:
    answer = _send(site, body)
    assert answer.status_code == 400, answer.text
