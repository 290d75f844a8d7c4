"""LAPIs that lie: one clear error, no hang, no crash, no wrong plan, and no ban is lost."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.model.errors import ProviderError
from argos_gitops.model.secret import SecretValue
from argos_gitops.model.verdict import Remedy
from argos_gitops.outbound import Bounds
from argos_gitops.providers.crowdsec import client as client_module
from argos_gitops.providers.crowdsec.bouncer import stream as stream_module
from argos_gitops.providers.crowdsec.bouncer.mirror import Mirror
from argos_gitops.providers.crowdsec.bouncer.stream import DecisionStream
from tests.providers.crowdsec.edge import BannedEdge, decision, edge
from tests.providers.crowdsec.stand_in import Asked, Reply, StandInLapi
from tests.providers.crowdsec.test_bouncer_index import found_in

_ALERTS, _STREAM = ("GET", "/v1/alerts"), ("GET", "/v1/decisions/stream")
_HTML = b"<!doctype html><title>Welcome</title>"
_ROW = {
    "id": 7,
    "origin": "argos-decision-x",
    "type": "ban",
    "scope": "Ip",
    "value": "203.0.113.7",
    "duration": "4h0m0s",
    "scenario": "argos-gitops/main: scanner",
}


def _alert(**lie: Any) -> bytes:
    given = {"id": 1, "created_at": "2026-01-01T00:00:00Z", "decisions": [_ROW], **lie}
    return json.dumps([given]).encode()


def _row(**lie: Any) -> bytes:
    return _alert(decisions=[{**_ROW, **lie}])


_LIES = {
    "HTML": Reply(body=_HTML),
    "truncated": Reply(body=_alert()[:-20]),
    "an object": Reply(content={"alerts": []}),
    "a string": Reply(content="none"),
    "a list of numbers": Reply(content=[1, 2]),
    "elsewhere": Reply(302, body=b"", headers={"Location": "http://127.0.0.1:9/elsewhere"}),
    "an id below zero": Reply(body=_alert(id=-1)),
    "an id as text": Reply(body=_alert(id="1")),
    "no time": Reply(body=_alert(created_at=None)),
    "a time without a zone": Reply(body=_alert(created_at="2026-01-01T00:00:00")),
    "a time before all": Reply(body=_alert(created_at="0001-01-01T00:00:00+14:00")),
    "decisions as a number": Reply(body=_alert(decisions=7)),
    "decisions as numbers": Reply(body=_alert(decisions=[7])),
    "a value as a number": Reply(body=_row(value=7)),
    "no origin": Reply(body=_row(origin=None)),
    "a duration as a number": Reply(body=_row(duration=7)),
    "no duration": Reply(body=_row(duration="")),
    "a duration of days": Reply(body=_row(duration="7d")),
    "a duration without end": Reply(body=_row(duration="9" * 400 + "h")),
    "not found": Reply(404, body=b"404 page not found"),
    "an error of its own": Reply(500, {"message": "boom"}),
    "too many requests": Reply(429, {"message": "slow down"}),
    "endless": Reply(body=b"[" + b" " * 4096, endless=True),
    "one byte at a time": Reply(body=b"[" + b" " * 4096 + b"]", drip=0.05),
    "always unauthorized": Reply(401, {"message": "cookie token is empty"}),
}


@pytest.fixture
def lapi() -> Iterator[StandInLapi]:
    with StandInLapi() as lapi:
        yield lapi


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same limits, small enough to be met in a test."""
    for module, names in ((client_module, ("_MANY", "_FEW")), (stream_module, ("_EVERYTHING", "_CHANGES"))):
        for name in names:
            monkeypatch.setattr(module, name, Bounds(2 * 1024**2, seconds=1.0))


@pytest.fixture
def banned(lapi: StandInLapi, tmp_path: Path) -> Iterator[BannedEdge]:
    with BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned:
        banned.want(decision("x", "203.0.113.7"))
        banned.apply()
        yield banned


@pytest.mark.parametrize("lie", _LIES.values(), ids=_LIES)
def test_a_lie_about_alerts_is_one_error_and_no_plan(
    lapi: StandInLapi, banned: BannedEdge, lie: Reply
) -> None:
    """Observed as one ProviderError that names the place; with LAPI honest again nothing was lost."""
    lapi.lies[_ALERTS] = lambda asked: lie
    with pytest.raises(ProviderError) as refused:
        banned.plan()
    assert lapi.url in str(refused.value)
    assert len(str(refused.value)) < 1000
    assert lapi.count("GET", "/v1/watchers/login") + lapi.count(*_ALERTS) < 12
    del lapi.lies[_ALERTS]
    assert banned.plan() == ()
    assert lapi.values() == ["203.0.113.7"]


@pytest.mark.parametrize("lie", ["HTML", "truncated", "an object", "a list of numbers", "endless"])
def test_a_lie_at_login_is_one_error(lapi: StandInLapi, tmp_path: Path, lie: str) -> None:
    lapi.lies["POST", "/v1/watchers/login"] = lambda asked: _LIES[lie]
    with BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned, pytest.raises(ProviderError):
        banned.plan()


@pytest.mark.parametrize(
    "expire", ["", "tomorrow", "2026-01-01T00:00:00", None, 7, "9999-12-31T23:59:59-14:00"]
)
def test_a_token_that_ends_at_no_time_is_one_error_or_used(
    lapi: StandInLapi, tmp_path: Path, expire: object
) -> None:
    lapi.lies["POST", "/v1/watchers/login"] = lambda asked: Reply(content={"token": "t", "expire": expire})
    with BannedEdge(edge("main", lapi.url), tmp_path, "secret") as banned, pytest.raises(ProviderError):
        banned.plan()


def test_doubles_and_ended_rows_plan_nothing(lapi: StandInLapi, banned: BannedEdge) -> None:
    """A row told twice counts once; `-713.297727ms` has ended 0.7 s ago and does not stand."""
    [standing] = json.loads(json.dumps(lapi.alerts, default=str))
    rows = [{**row, "duration": "167h0m0s"} for row in standing["decisions"]]
    ended = [{**row, "value": "192.0.2.9", "duration": "-713.297727ms"} for row in rows]
    alert = {**standing, "created_at": lapi.now().isoformat(), "decisions": [*rows, *rows, *ended]}
    lapi.lies[_ALERTS] = lambda asked: Reply(
        content=[alert] if not asked.query["scope"].endswith("/countries") else None
    )
    assert banned.plan() == ()


def test_a_row_of_713_milliseconds_is_not_one_of_713_seconds(lapi: StandInLapi, banned: BannedEdge) -> None:
    """It is due for renewal at once."""
    [standing] = json.loads(json.dumps(lapi.alerts, default=str))
    rows = [{**row, "duration": "713.297727ms"} for row in standing["decisions"]]
    alert = {**standing, "created_at": lapi.now().isoformat(), "decisions": rows}
    lapi.lies[_ALERTS] = lambda asked: Reply(
        content=[alert] if not asked.query["scope"].endswith("/countries") else None
    )
    live, _ = banned.look()
    [ends] = live.of("decision/x").stamps.values()
    assert ends["203.0.113.7"] <= live.observed_at.timestamp() + 1


def test_decisions_of_others_under_our_origin_are_left_alone(lapi: StandInLapi, banned: BannedEdge) -> None:
    """Under another alert's scope they are neither seen nor removed."""
    other = {
        "source": {"scope": "Ip", "value": "192.0.2.9"},
        "stop_at": lapi.now().isoformat(),
        "decisions": [{**_ROW, "value": "192.0.2.9", "scenario": "theirs"}],
    }
    lapi._add(other)  # noqa: SLF001 # as another machine would
    assert banned.plan() == ()
    banned.want()
    banned.apply()
    assert lapi.values() == ["192.0.2.9"]


def test_a_storm_of_401_logs_in_twice_at_most(lapi: StandInLapi, banned: BannedEdge) -> None:
    lapi.lies[_ALERTS] = lambda asked: Reply(401, {"message": "cookie token is empty"})
    before = lapi.count("POST", "/v1/watchers/login")
    with pytest.raises(ProviderError):
        banned.plan()
    assert lapi.count("POST", "/v1/watchers/login") - before <= 2


def _stream_lies() -> dict[str, Reply]:
    good = {"id": 7, "origin": "cscli", "type": "ban", "scope": "Ip", "value": "192.0.2.1", "duration": "4h"}

    def new(**lie: Any) -> Reply:
        return Reply(content={"new": [{**good, **lie}], "deleted": None})

    return {
        "HTML": Reply(body=_HTML),
        "nothing": Reply(content={}),
        "no new": Reply(content={"deleted": None}),
        "null": Reply(content=None),
        "new is a number": Reply(content={"new": 7, "deleted": None}),
        "truncated": Reply(body=b'{"new": [{"id": 7, "value": "192.0'),
        "numbers": Reply(content={"new": [7, None], "deleted": None}),
        "deep": Reply(body=b'{"new": [' + b"[" * 200_000),
        "an id below zero": new(id=-7),
        "an id beyond all": new(id=2**70),
        "an id as text": new(id="7"),
        "a value as a number": new(value=7),
        "no duration": new(duration=None),
        "a duration beyond all": new(duration="9" * 400 + "h"),
        "elsewhere": Reply(302, body=b"", headers={"Location": "http://127.0.0.1:9/"}),
        "endless": Reply(body=b'{"new": [' + b" " * 8192, endless=True),
        "one byte at a time": Reply(body=b'{"new": [' + b" " * 4096, drip=0.05),
        "endless refusal": Reply(500, body=b'{"message": "' + b"x" * 8192, endless=True),
        "unauthorized": Reply(403, {"message": "access forbidden"}),
    }


@pytest.mark.parametrize("lie", _stream_lies().values(), ids=_stream_lies())
def test_a_lie_in_the_stream_is_one_error_and_loses_no_ban(lapi: StandInLapi, lie: Reply) -> None:
    """What was known stays in force, whatever the next look at everything is answered with."""
    ban = {"id": 1, "origin": "cscli", "type": "ban", "scope": "Ip", "value": "203.0.113.7", "duration": "4h"}
    honest: Callable[[Asked], Reply] = lambda asked: Reply(content={"new": [ban], "deleted": None})  # noqa: E731
    lapi.lies[_STREAM] = honest
    stream, mirror = DecisionStream(lapi.url, SecretValue("bouncer-key")), Mirror()
    mirror.look(stream)
    lapi.lies[_STREAM] = lambda asked: lie
    for _ in range(2):
        mirror.distrust()
        with pytest.raises(ProviderError):
            mirror.look(stream)
        assert len(mirror.index) >= 1
        assert found_in(mirror.index, "203.0.113.7", 0) is not None
    lapi.lies[_STREAM] = honest
    mirror.look(stream)
    assert len(mirror.index) == 1
    stream.close()


def test_a_decision_of_a_thousand_years_is_a_ban(lapi: StandInLapi) -> None:
    """Its end does not spill into the other bits that the index keeps."""
    row = {
        "id": 1,
        "origin": "x",
        "type": "ban",
        "scope": "Ip",
        "value": "203.0.113.7",
        "duration": "2500000h",
    }
    lapi.lies[_STREAM] = lambda asked: Reply(content={"new": [row], "deleted": None})
    stream, mirror = DecisionStream(lapi.url, SecretValue("bouncer-key")), Mirror()
    mirror.look(stream)
    found = found_in(mirror.index, "203.0.113.7", 0)
    assert found is not None
    assert (found.remedy, found.origin) == (Remedy.BAN, "x")
    stream.close()
