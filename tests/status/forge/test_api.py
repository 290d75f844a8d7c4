"""What every client relies on: errors that say what to do, limits heeded, a token that stays where it is."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from argos_gitops.model.errors import ReportError, TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.status.forge.access import ForgeAccess
from argos_gitops.status.forge.api import MAX_PAGES, Api, Dialect
from tests.status.forge.conftest import TOKEN
from tests.status.forge.passes import agent, spec_for
from tests.status.forge.standin import Answer, Asked, StandIn
from tests.status.forge.test_reporter import SteppingClock

DIALECT = Dialect("Toy", "the right to toy", {}, ("size", 2))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def api(standin: StandIn) -> Iterator[Api]:
    api = Api(f"{standin.url}/api", lambda: SecretValue(TOKEN), DIALECT)
    yield api
    api.close()


@pytest.mark.parametrize(
    ("headers", "status", "seconds"),
    [
        ({"Retry-After": "30"}, 429, 30),
        ({"Retry-After": format_datetime(NOW + timedelta(seconds=40), usegmt=True)}, 429, 40),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": str(int(NOW.timestamp()) + 50)}, 403, 50),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(NOW.timestamp()) + 70)}, 429, 70),
        ({"Retry-After": "0"}, 429, 5),
        ({"Retry-After": "99999999"}, 429, 3600),
        ({"Retry-After": "120"}, 403, 120),
        ({"Retry-After": "120"}, 503, 120),
        ({}, 429, 60),
        ({"Retry-After": "soon"}, 429, 60),
    ],
)
def test_a_rate_limit_says_when_to_come_again(
    api: Api, standin: StandIn, headers: dict[str, str], status: int, seconds: int
) -> None:
    """By the forge's clock, whichever header it uses; within reason."""
    told = {**headers, "Date": format_datetime(NOW, usegmt=True)}
    standin.answers["GET /api/x"] = Answer({"message": "slow down"}, status, told)
    with pytest.raises(TransientError) as caught:
        api.get("x")
    assert caught.value.reason == "RateLimited"
    assert caught.value.retry_after is not None
    assert abs(caught.value.retry_after.total_seconds() - seconds) <= 1


def test_nobody_asks_while_the_forge_wants_quiet(standin: StandIn, api: Api) -> None:
    """Neither the reporter nor the proposals, until the time is over."""
    clock = SteppingClock()
    access = ForgeAccess(lambda _: api, clock)  # type: ignore[arg-type,return-value]
    access.follow(agent(spec_for()))
    standin.answers["GET /api/x"] = Answer({}, 429, {"Retry-After": "60"})
    for _ in range(3):
        with pytest.raises(TransientError), access.forge(spec_for()):
            api.get("x")
    assert len(standin.asked) == 1
    clock.time += timedelta(seconds=61)
    with pytest.raises(TransientError), access.forge(spec_for()):
        api.get("x")
    assert len(standin.asked) == 2


@pytest.mark.parametrize(
    ("status", "reason", "cure"),
    [
        (401, "ForgeUnauthorized", "make a new one with the rights: the right to toy"),
        (403, "ForgeForbidden", "it needs: the right to toy"),
        (404, "ForgeNotFound", r"check forge\.project"),
        (422, "ForgeRefused", "no such sha"),
    ],
)
def test_fm13_a_refusal_says_what_to_do_and_no_secret(
    api: Api, standin: StandIn, status: int, reason: str, cure: str
) -> None:
    """Also where the forge's own message repeats the token, or a URL with credentials."""
    said = {"message": f"no such sha, {TOKEN}, https://user:secret@git.example.com/"}
    standin.answers["POST /api/x"] = Answer(said, status)
    with pytest.raises(ReportError, match=cure) as caught:
        api.send("POST", "x", {})
    assert caught.value.reason == reason
    assert TOKEN not in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_server_in_trouble_is_asked_again(api: Api, standin: StandIn) -> None:
    """Its answer counts as none."""
    standin.answers["GET /api/x"] = Answer(b"<html>bad gateway", 502)
    with pytest.raises(TransientError, match="502"):
        api.get("x")


def test_an_answer_that_is_none_of_the_api_is_told(api: Api, standin: StandIn) -> None:
    """A login page, say, because the URL is that of something else."""
    standin.answers["GET /api/x"] = Answer(b"<html>welcome")
    with pytest.raises(ReportError, match=r"forge\.apiUrl") as caught:
        api.get("x")
    assert caught.value.reason == "ForgeNotUnderstood"


def test_an_answer_without_what_is_promised_is_told(api: Api) -> None:
    """No KeyError leaves this room."""
    access = ForgeAccess(lambda _: api, SteppingClock())  # type: ignore[arg-type,return-value]
    with pytest.raises(ReportError, match="lacks what its API promises"), access.forge(spec_for()):
        raise KeyError("sha")


def test_redirects_on_the_same_host_are_followed(api: Api, standin: StandIn) -> None:
    """A renamed repository: reads with any code, writes only where the method stays the same."""
    standin.answers |= {
        "GET /api/old": Answer(None, 301, {"Location": f"{standin.url}/api/new"}),
        "GET /api/new": Answer({"found": True}),
        "POST /api/old": Answer(None, 307, {"Location": "/api/new"}),
        "POST /api/new": Answer({"written": True}),
        "POST /api/older": Answer(None, 301, {"Location": "/api/new"}),
        "GET /api/loop": Answer(None, 302, {"Location": "/api/loop"}),
    }
    assert api.get("old") == {"found": True}
    assert api.send("POST", "old", {"a": 1}) == {"written": True}
    assert standin.asked[-1].body == {"a": 1}
    asks: list[Callable[[], object]] = [lambda: api.send("POST", "older", {}), lambda: api.get("loop")]
    for ask in asks:
        with pytest.raises(ReportError) as caught:
            ask()
        assert caught.value.reason == "ForgeMoved"


def test_the_token_is_sent_to_no_other_host(api: Api, standin: StandIn) -> None:
    """Neither by a redirect nor by the next page of a list."""
    with StandIn() as elsewhere:
        location = f"{elsewhere.url}/api/x"
        standin.answers["GET /api/x"] = Answer(None, 302, {"Location": location})
        standin.answers["GET /api/list"] = Answer([], headers={"Link": f'<{location}>; rel="next"'})
        asks: list[Callable[[], object]] = [lambda: api.get("x"), lambda: list(api.pages("list"))]
        for ask in asks:
            with pytest.raises(ReportError, match="must not get the token"):
                ask()
        assert elsewhere.asked == []


def test_a_list_ends(api: Api, standin: StandIn) -> None:
    """Whatever the forge says about a next page."""

    def answer(asked: Asked) -> Answer:
        page = int(asked.query.get("page", "1"))
        return Answer([page], headers={"Link": f'</api/list?page={page + 1}>; rel="next"'})

    standin.answers["GET /api/list"] = answer
    assert len(list(api.pages("list"))) == MAX_PAGES
    assert standin.asked[0].query == {"size": "2"}
