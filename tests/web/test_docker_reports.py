"""Reports of Docker hosts: who may send them, what is taken in, and what is said of the rest."""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest

from argos_gitops.app.stores import Stores
from argos_gitops.model.secret import MASK
from argos_gitops.ports.audit import AuditQuery
from argos_gitops.ports.host_tokens import HostToken
from argos_gitops.web.docker_reports import LARGEST, LARGEST_EXPANDED
from tests.web.dockers import FURTHER, SEED_CONTAINER, container, heartbeat, report
from tests.web.running import AS_AGENT, AS_OPERATOR, RunningSite

PATH = "/api/agents/docker/report"


def send(site: RunningSite, document: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    return site.client.post(PATH, json=document, headers=AS_AGENT if headers is None else headers)


def kept(site: RunningSite, host: str = "vm-1") -> list[dict[str, Any]]:
    """As whoever reads gets it."""
    answer = site.client.get(f"/api/agents/docker/hosts/{host}/containers", headers=AS_OPERATOR)
    containers: list[dict[str, Any]] = answer.json()
    return containers


def give_token(
    site: RunningSite, host: str, token: str, expires_at: datetime | None = None
) -> dict[str, str]:
    """The headers of whoever has it."""
    created = datetime.now(UTC) - timedelta(hours=1)
    digest = sha256(token.encode()).hexdigest()
    site.store.host_tokens.add(digest, HostToken(host, created, "user/ann@desk", expires_at))
    return {"Authorization": f"Bearer {token}"}


def test_every_field_of_the_contract_comes_back(site: RunningSite) -> None:
    """Those of the seed, which an ArchNest agent sends, and those that only ours does."""
    mine = container("other", **FURTHER)
    assert send(site, report(SEED_CONTAINER, mine)).json() == {"result": "stored"}
    assert kept(site) == [SEED_CONTAINER, mine]


def test_fields_that_nobody_knows_are_dropped(site: RunningSite) -> None:
    odd = container(future={"a": 1}, ports=[{"containerPort": 80, "future": 1}])
    assert send(site, report(odd, future=True)).status_code == 200
    assert kept(site)[0]["ports"] == [{"containerPort": 80}]
    assert "future" not in kept(site)[0]


def test_null_is_not_reported(site: RunningSite) -> None:
    """A container that was only created has no start, and its agent may say null."""
    assert send(site, report(container(startedAt=None, stats=None, health=None))).status_code == 200
    assert not {"startedAt", "stats", "health"} & kept(site)[0].keys()


def test_the_newest_report_replaces_the_one_before(site: RunningSite) -> None:
    send(site, report(container("one"), container("two")))
    send(site, report(container("two", state="exited")))
    assert [(each["name"], each["state"]) for each in kept(site)] == [("two", "exited")]


def test_a_gzip_is_unpacked(site: RunningSite) -> None:
    body = gzip.compress(json.dumps(report()).encode())
    answer = site.client.post(PATH, content=body, headers=AS_AGENT | {"Content-Encoding": "gzip"})
    assert answer.status_code == 200
    assert kept(site) == [SEED_CONTAINER]


@pytest.mark.parametrize(
    ("body", "encoding", "status", "reason"),
    [
        (b"no gzip", "gzip", 400, "Malformed"),
        (gzip.compress(b"{}" * 500)[:-9], "gzip", 400, "Incomplete"),
        (gzip.compress(b" " * (LARGEST_EXPANDED + 1)), "gzip", 413, "TooLarge"),
        (b" " * (LARGEST + 1), "identity", 413, "TooLarge"),
        (b"{}", "br", 415, "UnsupportedEncoding"),
        (b"{}", "identity", 400, "InvalidReport"),
    ],
    ids=["no gzip", "cut", "bomb", "large", "br", "empty"],
)
def test_what_cannot_be_read_is_refused(
    site: RunningSite, body: bytes, encoding: str, status: int, reason: str
) -> None:
    answer = site.client.post(PATH, content=body, headers=AS_AGENT | {"Content-Encoding": encoding})
    assert (answer.status_code, answer.json()["error"]) == (status, reason)


def test_all_that_is_wrong_is_named_by_its_place_and_no_value_is_told(site: RunningSite) -> None:
    canary = "canary-51ab"
    bad = container(
        "bad",
        restartCount=canary,
        ports=[{"containerPort": 70_000}],
        env=[{"key": "DB_PASSWORD", "value": [canary]}],
        state=canary.upper(),
    )
    answer = send(site, report(SEED_CONTAINER, bad, hostId=f"../{canary}", reportedAt=canary))
    assert answer.status_code == 400
    places = {each.partition(": ")[0] for each in answer.json()["details"]}
    assert places == {
        "hostId",
        "reportedAt",
        "containers[1].restartCount",
        "containers[1].ports[0].containerPort",
        "containers[1].env[0].value",
        "containers[1].state",
    }
    assert canary not in answer.text
    assert canary.upper() not in answer.text


def test_two_containers_of_one_id_are_refused(site: RunningSite) -> None:
    answer = send(site, report(SEED_CONTAINER, container("other", id=SEED_CONTAINER["id"])))
    assert answer.json()["details"] == ["containers[1].id: the same as of one before"]


def test_what_is_shown_is_masked_again(site: RunningSite) -> None:
    """An agent that forgot to, or is none of ours: in variables, command, labels and log options."""
    canary = "canary51ab77cd"
    sent = container(
        env=[
            {"key": "API_TOKEN", "value": canary},
            {"key": "DATABASE_URL", "value": f"postgres://app:{canary}@db.example/app"},
        ],
        command=f"serve --password {canary} --api-key={canary}",
        labels={
            "app.secret": canary,
            "com.docker.compose.config-hash": canary,
            "argos.dev/content": canary,
            "argos.dev/config-hash": canary,
            "tls.passthrough": "true",
            "traefik.auth.users": f"ann:$2y$05${canary}",
        },
        security={"logDriver": "splunk", "logOptions": {"splunk-token": canary}},
    )
    assert send(site, report(sent)).status_code == 200
    shown = kept(site)[0]
    assert canary not in json.dumps(shown)
    assert shown["env"][0] == {"key": "API_TOKEN", "value": MASK}
    assert shown["labels"]["tls.passthrough"] == "true"
    assert shown["command"] == f"serve --password {MASK} --api-key={MASK}"


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}, {"Authorization": "Basic eA=="}])
def test_nobody_reports_without_a_token(site: RunningSite, headers: dict[str, str]) -> None:
    answer = send(site, report(), headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")
    assert site.store.reports.hosts() == []


def test_the_token_of_the_read_api_is_no_token_of_an_agent(site: RunningSite) -> None:
    """Nor the other way round."""
    assert send(site, report(), AS_OPERATOR).status_code == 401
    assert site.client.get("/api/agents/docker/hosts", headers=AS_AGENT).status_code == 401


def test_without_any_token_reports_are_closed(make_site: Callable[..., RunningSite]) -> None:
    site = make_site(agent_token=None)
    answer = send(site, report(), {"Authorization": "Bearer x"})
    assert (answer.status_code, answer.json()["error"]) == (503, "NoAgentToken")
    theirs = give_token(site, "vm-1", "t1")
    assert send(site, report(), {"Authorization": "Bearer x"}).status_code == 401
    assert send(site, report(), theirs).status_code == 200


def test_whoever_guesses_waits_and_whoever_knows_does_not(site: RunningSite) -> None:
    """Also behind the same address: agents with an old token must not lock out the others."""
    answers = [send(site, {}, {"Authorization": f"Bearer {guess}"}) for guess in range(12)]
    assert [each.status_code for each in answers] == [401] * 10 + [429] * 2
    assert int(answers[-1].headers["Retry-After"]) >= 1
    assert send(site, report()).status_code == 200


def test_a_token_of_a_host_speaks_for_that_host_alone(site: RunningSite) -> None:
    theirs = give_token(site, "vm-1", "t1")
    assert send(site, report(host="vm-1"), theirs).status_code == 200
    answer = send(site, report(host="vm-2"), theirs)
    assert (answer.status_code, answer.json()["error"]) == (403, "OtherHost")
    assert [host.host_id for host in site.store.reports.hosts()] == ["vm-1"]


def test_a_host_with_a_token_of_its_own_is_closed_to_the_shared_one(site: RunningSite) -> None:
    """Also once it was revoked: otherwise whoever has the shared one could still speak for it."""
    give_token(site, "vm-1", "t1")
    assert send(site, report(host="vm-1")).json()["error"] == "HostHasToken"
    site.store.host_tokens.end("vm-1", datetime.now(UTC))
    assert send(site, report(host="vm-1")).json()["error"] == "HostHasToken"
    assert send(site, report(host="vm-2")).status_code == 200


def test_who_was_refused_stands_in_the_audit_log_once(site: RunningSite) -> None:
    """An agent that is set up wrongly tries twice a minute for as long as nobody looks."""
    theirs = give_token(site, "vm-1", "t1")
    for _ in range(3):
        send(site, report(host="vm-2"), theirs)
    send(site, report(host="vm-1"))
    entries = site.store.audit.entries(AuditQuery(action="report"))
    assert [(each.actor, each.outcome, each.subject) for each in entries] == [
        ("docker-agent/shared-token", "refused", "docker-agent/vm-1"),
        ("docker-agent/vm-1", "refused", "docker-agent/vm-2"),
    ]


def test_an_old_token_holds_until_its_time_is_over(site: RunningSite) -> None:
    now = datetime.now(UTC)
    old = give_token(site, "vm-1", "old", now + timedelta(hours=1))
    over = give_token(site, "vm-1", "over", now - timedelta(seconds=1))
    assert send(site, report(), old).status_code == 200
    assert send(site, report(), over).status_code == 401


def test_a_heartbeat_moves_the_time_alone(site: RunningSite) -> None:
    send(site, report(digest="d1"))
    before = site.store.reports.latest("vm-1")
    assert send(site, heartbeat("d1")).json() == {"result": "unchanged"}
    after = site.store.reports.latest("vm-1")
    assert before is not None
    assert after is not None
    assert after.received_at > before.received_at
    assert (after.containers, after.content) == (before.containers, before.content)


def test_a_heartbeat_after_another_report_asks_for_the_whole(site: RunningSite) -> None:
    """So does that of a host that we know nothing of, and of one whose reports carry no digest."""
    assert send(site, heartbeat("d1")).json()["error"] == "ReportUnknown"
    send(site, report(digest="d2"))
    assert send(site, heartbeat("d1")).status_code == 409
    send(site, report())
    assert send(site, heartbeat("d2")).status_code == 409


def test_a_host_that_floods_waits(site: RunningSite) -> None:
    """The others do not."""
    answers = [send(site, report(host="loud")).status_code for _ in range(30)]
    assert answers[0] == 200
    assert 429 in answers
    assert send(site, report(host="quiet")).status_code == 200


def test_ten_thousand_containers_are_taken_in_and_one_more_is_not(site: RunningSite) -> None:
    small = [
        {"id": f"{number:064x}", "name": f"c{number}", "image": "i", "state": "running"}
        for number in range(10_001)
    ]
    assert send(site, report(*small[:-1])).status_code == 200
    assert len(kept(site)) == 10_000
    answer = send(site, report(*small))
    assert answer.json()["details"] == ["containers: expected 10000 at most"]


def test_a_store_that_is_away_is_told(make_site: Callable[..., RunningSite], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    site = make_site(readers=Stores(f"sqlite:///{tmp_path / 'file' / 'argos.db'}", "test"))
    answer = send(site, report())
    assert (answer.status_code, answer.json()["error"]) == (503, "StoreUnreachable")


def test_reports_are_counted(site: RunningSite) -> None:
    send(site, report())
    send(site, {})
    page = site.client.get("/metrics").text
    assert 'argos_docker_report_seconds_count{result="stored"} 1.0' in page
    assert 'argos_docker_report_seconds_count{result="InvalidReport"} 1.0' in page
