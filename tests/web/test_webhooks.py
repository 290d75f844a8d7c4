"""`POST /webhooks/{provider}` over HTTP: who wakes the agent, and who does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from argos_gitops.model.secret import SecretValue
from argos_gitops.web import webhooks
from argos_gitops.web.followed import Followed
from tests.web.deliveries import (
    EVERY_FORGE,
    PUSHES,
    Delivered,
    bitbucket,
    data_center_push,
    forgejo,
    generic,
    gitea,
    github,
    gitlab,
    mac,
    push,
    signed_by_gitlab,
)
from tests.web.running import REPO, RunningSite


def send(site: RunningSite, delivered: Delivered) -> httpx.Response:
    return site.client.post(delivered.path, content=delivered.body, headers=dict(delivered.headers))


def outcome(site: RunningSite, delivered: Delivered) -> tuple[int, str]:
    """The status and the reason, after checking that they agree with whether the agent was woken."""
    before = len(site.looks.reasons)
    answer = send(site, delivered)
    document = answer.json()
    woken = len(site.looks.reasons) - before
    assert woken == (1 if document.get("result") == "accepted" else 0)
    return answer.status_code, document.get("reason") or document["error"]


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_a_push_to_the_followed_branch_wakes_the_agent(site: RunningSite, provider: str) -> None:
    assert outcome(site, EVERY_FORGE[provider]()) == (202, "Push")
    assert site.looks.reasons == [f"webhook {provider}"]


def test_gitlab_with_a_signing_token(make_site: Callable[..., RunningSite]) -> None:
    """The newer scheme, which signs id and time too."""
    token = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    site = make_site(webhook_secret=SecretValue(token))
    now = int(datetime.now(UTC).timestamp())
    assert outcome(site, signed_by_gitlab(token, now)) == (202, "Push")
    assert outcome(site, signed_by_gitlab(token, now)) == (202, "Replayed")
    assert outcome(site, signed_by_gitlab(token, now - 600, key="2")) == (401, "BadTimestamp")
    assert outcome(site, gitlab()) == (401, "BadTimestamp")


def test_bitbucket_data_center(site: RunningSite) -> None:
    """It has another event, and another payload, than Bitbucket Cloud."""
    assert outcome(site, bitbucket(data_center_push(), "repo:refs_changed")) == (202, "Push")
    other = data_center_push(repository="team/other")
    assert outcome(site, bitbucket(other, "repo:refs_changed")) == (202, "OtherRepository")


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_without_a_secret_no_webhook_is_served(make_site: Callable[..., RunningSite], provider: str) -> None:
    """503, so that the forge shows that something is to be set up."""
    assert outcome(make_site(webhook_secret=None), EVERY_FORGE[provider]()) == (503, "NoSecret")


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_an_unsigned_delivery_is_refused(site: RunningSite, provider: str) -> None:
    unsigned = Delivered(provider, {"X-GitHub-Event": "push"}, EVERY_FORGE[provider]().body)
    assert outcome(site, unsigned) == (401, "BadSignature")


def test_a_scheme_does_not_stand_in_for_another(site: RunningSite) -> None:
    """A genuine delivery of GitHub proves nothing at GitLab's door."""
    for provider in set(EVERY_FORGE) - {"github"}:
        assert outcome(site, Delivered(provider, github().headers, github().body))[0] == 401


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_pushes_elsewhere_are_answered_and_ignored(site: RunningSite, provider: str) -> None:
    """202 with the reason: a forge turns a webhook off that fails too often."""
    make, payload = EVERY_FORGE[provider], PUSHES[provider]
    assert outcome(site, make(payload(repository="team/other"))) == (202, "OtherRepository")
    # Neither Bitbucket nor a generic sender says which branch is the default one.
    expected = "Push" if provider in ("bitbucket", "generic") else "OtherRef"
    assert outcome(site, make(payload(branch="feature"))) == (202, expected)


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_fm09_the_agents_own_pushes_never_wake_it(site: RunningSite, provider: str) -> None:
    """A status branch that triggers the agent would be written for ever."""
    own = EVERY_FORGE[provider](PUSHES[provider](branch="argos/status/edge-1"))
    assert outcome(site, own) == (202, "OwnBranch")


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_the_branch_that_was_set_and_no_other(make_site: Callable[..., RunningSite], provider: str) -> None:
    make, payload = EVERY_FORGE[provider], PUSHES[provider]
    site = make_site(followed=Followed(REPO, "live"))
    assert outcome(site, make(payload(branch="main"))) == (202, "OtherRef")
    assert outcome(site, make(payload(branch="live"))) == (202, "Push")


@pytest.mark.parametrize("provider", EVERY_FORGE)
def test_fm12_a_replay_wakes_nobody(site: RunningSite, provider: str) -> None:
    """Told by what was signed: another delivery id, which nobody signed, makes no other delivery."""
    delivered = EVERY_FORGE[provider]()
    assert outcome(site, delivered) == (202, "Push")
    assert outcome(site, delivered.with_headers(**{"X-GitHub-Delivery": "2"})) == (202, "Replayed")
    following = EVERY_FORGE[provider](PUSHES[provider](after="f" * 40))
    assert outcome(site, following) == (202, "Push")


def test_a_generic_delivery_is_told_by_its_time(site: RunningSite) -> None:
    """The same words at another time are another delivery; an old recording is none at all."""
    now = int(datetime.now(UTC).timestamp())
    assert outcome(site, generic({}, now)) == (202, "Push")
    assert outcome(site, generic({}, now)) == (202, "Replayed")
    assert outcome(site, generic({}, now + 1)) == (202, "Push")
    assert outcome(site, generic({}, now - 3600)) == (401, "BadTimestamp")


@pytest.mark.parametrize(
    "delivered",
    [
        github({"zen": "Keep it logically awesome."}, "ping"),
        gitea({}, "ping"),
        forgejo({}, "ping"),
        bitbucket({"test": True}, "diagnostics:ping"),
        generic({"event": "ping"}),
    ],
    ids=lambda delivered: str(delivered.provider),
)
def test_a_ping_is_answered(site: RunningSite, delivered: Delivered) -> None:
    """Whoever sets a webhook up learns at once that secret and address are right."""
    assert outcome(site, delivered) == (200, "Ping")


@pytest.mark.parametrize(
    "delivered",
    [
        github(push(), "pull_request"),
        gitlab({"object_kind": "merge_request"}),
        gitea(push(), "create"),
        forgejo(push(), "delete"),
        bitbucket({}, "pullrequest:created"),
        generic({"event": "deploy"}),
    ],
    ids=lambda delivered: str(delivered.provider),
)
def test_other_events_are_ignored(site: RunningSite, delivered: Delivered) -> None:
    assert outcome(site, delivered) == (202, "OtherEvent")


def test_a_payload_may_come_as_a_form(site: RunningSite) -> None:
    """GitHub signs the form, Gitea and Forgejo what is in it."""
    body = urlencode({"payload": github().body.decode()}).encode()
    as_form = {"Content-Type": "application/x-www-form-urlencoded"}
    of_github = github().with_headers(**as_form, **{"X-Hub-Signature-256": f"sha256={mac(body)}"})
    assert outcome(site, replace(of_github, body=body)) == (202, "Push")
    for delivered in (gitea(), forgejo()):
        assert outcome(site, replace(delivered.with_headers(**as_form), body=body)) == (202, "Push")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'"push"', b"\xff\xfe", b'{"ref": NaN}', b"[" * 5000 + b"]" * 5000],
)
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
def test_what_is_no_json_object_is_malformed(site: RunningSite, body: bytes, kind: str) -> None:
    headers = {"X-Hub-Signature-256": f"sha256={mac(body)}", "X-GitHub-Event": "push", "Content-Type": kind}
    assert outcome(site, Delivered("github", headers, body)) == (400, "Malformed")


def test_fields_of_the_wrong_type_are_not_there(site: RunningSite) -> None:
    """A payload that names nothing tells nothing against a look either."""
    payloads: list[dict[str, Any]] = [
        {"ref": 1},
        {"repository": []},
        {"repository": {"full_name": None, "clone_url": {}}},
    ]
    for payload in payloads:
        assert outcome(site, github(payload)) == (202, "Push")


def test_an_unknown_provider_is_not_found(site: RunningSite) -> None:
    assert outcome(site, Delivered("gitbucket", {}, b"{}")) == (404, "UnknownProvider")


def test_only_post_delivers(site: RunningSite) -> None:
    answer = site.client.get("/webhooks/github")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert answer.json()["error"] == "MethodNotAllowed"


def test_forgeries_are_slowed_down_and_genuine_deliveries_are_not(
    make_site: Callable[..., RunningSite], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever floods us must not keep the forge out, nor fill the log."""
    monkeypatch.setattr(webhooks, "_FAILURES", (3, 3600.0))
    site = make_site()
    forged = Delivered("github", {"X-Hub-Signature-256": "sha256=0"}, b"{}")
    answers = [send(site, forged) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
    assert int(answers[-1].headers["Retry-After"]) > 3000
    assert [event for event, _ in site.log.lines] == ["webhook_refused"] * 3
    assert outcome(site, github()) == (202, "Push")


def test_each_outcome_is_counted(site: RunningSite) -> None:
    """By provider and what became of it; a made-up provider is no label."""
    send(site, github())
    send(site, github())
    send(site, Delivered("gitlab", {}, b"{}"))
    send(site, Delivered("made-up", {}, b"{}"))
    page = site.client.get("/metrics").text
    assert 'argos_webhooks_total{provider="github",result="accepted"} 1.0' in page
    assert 'argos_webhooks_total{provider="github",result="Replayed"} 1.0' in page
    assert 'argos_webhooks_total{provider="gitlab",result="BadSignature"} 1.0' in page
    assert "made-up" not in page


def test_log_lines_carry_the_id_of_their_request(site: RunningSite) -> None:
    """The one that a proxy gave, so that its log and ours can be read side by side."""
    send(site, github().with_headers(**{"X-Request-ID": "from-the-proxy-1"}))
    assert ("webhook", "from-the-proxy-1") in [(event, facts["request"]) for event, facts in site.log.lines]
