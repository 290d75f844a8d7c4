"""The read API over a real store."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest

from argos_gitops.model.condition import Condition, Truth
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.audit import AuditEntry
from argos_gitops.ports.store import PassRecord, Revisions, TargetState
from argos_gitops.web import tokens
from argos_gitops.web.clients import parse_networks
from tests.web.dockers import report
from tests.web.running import AS_AGENT, AS_OPERATOR, RunningSite
from tests.web.test_health import replica

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)
EDGE = ResourceKey("Edge", "main")
WIKI = ResourceKey("Host", "wiki")
PAGES = [
    "/api/status",
    "/api/targets",
    "/api/resources/Host/wiki",
    "/api/drift",
    "/api/history",
    "/api/audit",
    "/api/system/health",
]


@pytest.fixture
def told(site: RunningSite) -> RunningSite:
    """A site whose store knows a little of everything."""
    statuses = site.store.statuses
    statuses.move_revisions(Revisions(), Revisions("b" * 40, "a" * 40, AT, "a" * 40))
    statuses.set_target(EDGE, TargetState("b" * 40, "a" * 40, AT, "a" * 40, result="Failed", at=AT))
    conditions = [
        Condition(EDGE, "Ready", Truth.TRUE, "Applied", "", AT),
        Condition(WIKI, "Drifted", Truth.TRUE, "Drifted", "upstream", AT),
        Condition(WIKI, "Ready", Truth.FALSE, "ProbeFailed", "no answer", AT),
    ]
    statuses.set_conditions({EDGE: conditions})
    for number in range(5):
        statuses.add_pass(PassRecord(AT, f"{number}" * 40, "subject", "Applied", "", "1 done", "Edge/main"))
    site.store.audit.append(
        [
            AuditEntry(AT, "user/alice@box", "suspend", "done", subject="Host/wiki"),
            AuditEntry(AT, "agent/test", "update", "done", "drift", "a" * 40, "Edge/main", "Host/wiki"),
        ]
    )
    site.store.replicas.beat(replica())
    return site


def get(site: RunningSite, path: str) -> Any:
    answer = site.client.get(path, headers=AS_OPERATOR)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_status(told: RunningSite) -> None:
    """The revisions, and what is not Ready; what is well is not listed."""
    document = get(told, "/api/status")
    assert document["instance"] == "test"
    assert document["revisions"] == {
        "attempted": "b" * 40,
        "applied": "a" * 40,
        "appliedAt": "2026-05-01T12:00:00Z",
        "healthy": "a" * 40,
    }
    assert [each["reason"] for each in document["conditions"]] == ["Drifted", "ProbeFailed"]
    first = get(told, "/api/status?limit=1")
    assert (first["total"], len(first["conditions"])) == (2, 1)


def test_targets(told: RunningSite) -> None:
    (target,) = get(told, "/api/targets")["targets"]
    assert (target["target"], target["replica"], target["result"]) == ("Edge/main", "one", "Failed")
    assert target["applied"] == "a" * 40


def test_a_resource(told: RunningSite) -> None:
    document = get(told, "/api/resources/Host/wiki")
    assert document["subject"] == "Host/wiki"
    assert document["conditions"][1] == {
        "subject": "Host/wiki",
        "type": "Ready",
        "status": "False",
        "reason": "ProbeFailed",
        "message": "no answer",
        "since": "2026-05-01T12:00:00Z",
    }


def test_a_resource_that_nobody_knows(told: RunningSite) -> None:
    answer = told.client.get("/api/resources/Host/nothing", headers=AS_OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (404, "NotFound")


def test_drift(told: RunningSite) -> None:
    document = get(told, "/api/drift")
    assert (document["total"], document["conditions"][0]["subject"]) == (1, "Host/wiki")


def test_history(told: RunningSite) -> None:
    passes = get(told, "/api/history?limit=2")["passes"]
    assert [each["revision"][0] for each in passes] == ["4", "3"]
    assert passes[0]["planDigest"] == ""


def test_audit(told: RunningSite) -> None:
    assert len(get(told, "/api/audit")["entries"]) == 2
    (entry,) = get(told, "/api/audit?actor=agent/test&subject=Host/wiki")["entries"]
    assert (entry["action"], entry["cause"]) == ("update", "drift")
    assert get(told, "/api/audit?since=2026-05-02T00:00:00Z")["entries"] == []
    assert len(get(told, "/api/audit?until=2026-05-02&since=2026-05-01")["entries"]) == 2


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=-1", "limit=x", "limit=99999", "limit=", "since=yesterday", "acter=alice", "limit=１"],
)
def test_a_query_with_a_slip_shows_nothing_else_instead(told: RunningSite, query: str) -> None:
    answer = told.client.get(f"/api/audit?{query}", headers=AS_OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadQuery")


@pytest.mark.parametrize("page", PAGES)
def test_each_page_needs_the_token(make_site: Callable[..., RunningSite], page: str) -> None:
    """401 without it or with another, and 503 where none was set: nothing is ever open by accident."""
    site = make_site()
    for given in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic YTpi"}):
        answer = site.client.get(page, headers=given)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    answer = make_site(api_token=None).client.get(page, headers=AS_OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (503, "NoToken")


@pytest.mark.parametrize("page", PAGES)
def test_nothing_can_be_written(site: RunningSite, page: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = site.client.request(method, page, headers=AS_OPERATOR)
        assert (answer.status_code, set(answer.headers["Allow"].split(", "))) == (405, {"GET", "HEAD"})


def test_head_is_get_without_a_body(told: RunningSite) -> None:
    answer = told.client.head("/api/status", headers=AS_OPERATOR)
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["Content-Length"]) > 0


def test_whoever_guesses_is_slowed_down(
    make_site: Callable[..., RunningSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever has the right token is served all the while: others at his address cannot lock him out."""
    monkeypatch.setattr(tokens, "FAILURES", (3, 3600.0))
    site = make_site()
    wrong = {"Authorization": "Bearer wrong", "X-Forwarded-For": "192.0.2.1"}
    codes = [site.client.get("/api/status", headers=wrong).status_code for _ in range(5)]
    assert codes == [401, 401, 401, 429, 429]
    answer = site.client.get("/api/status", headers=wrong)
    assert (answer.status_code, answer.json()["error"]) == (429, "TooManyRequests")
    assert int(answer.headers["Retry-After"]) > 3000
    right = AS_OPERATOR | {"X-Forwarded-For": "192.0.2.1"}
    assert site.client.get("/api/status", headers=right).status_code == 200
    assert site.client.get("/api/status", headers=AS_OPERATOR).status_code == 200


def test_whoever_asks_too_often_is_told_to_wait(
    make_site: Callable[..., RunningSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "REQUESTS", (3, 3600.0))
    site = make_site()
    codes = [site.client.get("/api/targets", headers=AS_OPERATOR).status_code for _ in range(5)]
    assert codes == [200, 200, 200, 429, 429]
    assert site.client.get("/healthz").status_code == 200


def test_ten_wrong_tokens_do_not_lock_out_the_right_one(site: RunningSite) -> None:
    """With the limits that hold: many wrong ones from the same address, on all pages with a token."""
    wrong = {"Authorization": "Bearer wrong"}
    codes = [site.client.get("/api/status", headers=wrong).status_code for _ in range(20)]
    assert codes == [401] * 10 + [429] * 10
    for page in (
        "/api/status",
        "/api/targets",
        "/api/audit",
        "/api/agents/docker/hosts",
        "/api/system/health",
    ):
        assert site.client.get(page, headers=AS_OPERATOR).status_code in (200, 404, 503), page


def test_ten_wrong_tokens_do_not_lock_out_the_agent_of_a_host(site: RunningSite) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    path = "/api/agents/docker/report"
    codes = [site.client.post(path, json=report(), headers=wrong).status_code for _ in range(20)]
    assert codes == [401] * 10 + [429] * 10
    assert site.client.post(path, json=report(), headers=AS_AGENT).status_code == 200


def test_forwarded_for_of_a_stranger_aims_at_nobody(make_site: Callable[..., RunningSite]) -> None:
    """Whoever is no trusted proxy is counted himself, whomever he names."""
    site = make_site(trusted_proxies=parse_networks("192.0.2.0/24"))
    for number in range(12):
        named = {"Authorization": "Bearer wrong", "X-Forwarded-For": f"198.51.100.{number}"}
        code = site.client.get("/api/status", headers=named).status_code
        assert code == (401 if number < 10 else 429)


@pytest.mark.parametrize(
    "moment",
    [
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        "0000-01-01",
        "10000-01-01",
        "NaN",
        "1e400",
        "\0",
        "2026-01-01T00:00:00Z\0",
        "\ud800",
        "9" * 5000,
        "",
    ],
)
@pytest.mark.parametrize("name", ["since", "until"])
def test_a_time_that_is_none_is_a_400(site: RunningSite, name: str, moment: str) -> None:
    query = quote(moment.encode("utf-8", "surrogatepass"))
    answer = site.client.get(f"/api/audit?{name}={query}", headers=AS_OPERATOR)
    assert (answer.status_code, answer.json()["error"]) == (400, "BadQuery")


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59+00:00", "2026-01-01"])
def test_a_time_at_the_edge_is_one(site: RunningSite, moment: str) -> None:
    answer = site.client.get("/api/audit", params={"since": moment}, headers=AS_OPERATOR)
    assert answer.status_code == 200


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "9" * 5000, "1e3", "NaN", "٣", "\0", "", " 1", "1_0"])
def test_a_limit_that_is_none_is_a_400(site: RunningSite, limit: str) -> None:
    for page in ("/api/status", "/api/drift", "/api/history", "/api/audit"):
        answer = site.client.get(page, params={"limit": limit}, headers=AS_OPERATOR)
        assert (answer.status_code, answer.json()["error"]) == (400, "BadQuery"), page
