"""The bouncer module inside Caddy: proved in each pass and after each write, and never loaded into a hole."""

from collections.abc import Callable, Iterator
from typing import Any, ClassVar

import pytest

from argos_gitops.model.change import Result
from argos_gitops.model.condition import Truth
from argos_gitops.model.errors import TransientError
from argos_gitops.model.resource import AnyResource
from argos_gitops.model.spec import SpecModel
from argos_gitops.providers.caddy import module
from tests.providers.caddy.module_caddy import PULL_SECONDS, Lapi, ModuleCaddy
from tests.providers.caddy.world import World, desired, edge, host, resource

Make = Callable[[AnyResource], World]
BANNED = "203.0.113.7"


class _DecisionSpec(SpecModel):
    """What is read of another provider's kind."""

    kind: ClassVar[str] = "Decision"
    edge: str
    type: str = "ban"
    scope: str = "Ip"
    value: str = BANNED


@pytest.fixture
def lapi() -> Iterator[Lapi]:
    """A LAPI that bans one address."""
    with Lapi() as found:
        found.banned.add(BANNED)
        yield found


@pytest.fixture
def caddy(lapi: Lapi, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleCaddy]:
    """A Caddy whose module asks it. Pauses are as in life, only shorter."""
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LOADS", 2 * PULL_SECONDS)
    monkeypatch.setattr(module, "_PULLED_WITHIN_SECONDS", 2 * PULL_SECONDS)
    monkeypatch.setattr(module, "_LAPI_SECONDS", 0.5)
    with ModuleCaddy(lapi) as found:
        yield found


def _edge(caddy: ModuleCaddy, **more: Any) -> AnyResource:
    bouncer = {"mode": "module", "key": {"env": "KEY"}}
    crowdsec = {"lapiUrl": caddy.lapi.url, "bouncer": bouncer}
    return edge(caddy.url, crowdsec=crowdsec, probe={"enabled": False}, **more)


GUARDED = host("app", bouncer=True)
DECISION = resource(_DecisionSpec, "scanner", {"edge": "main"})


def _reasons(there: World, *more: AnyResource) -> list[tuple[str, str]]:
    """What a pass, and doctor, say of the Edge."""
    found = there.notices(GUARDED, DECISION, *more)
    return [(str(each.subject), each.reason) for each in found]


def test_a_module_that_works_is_proved(caddy: ModuleCaddy, world: Make) -> None:
    """Nothing is amiss, and all is done."""
    there = world(_edge(caddy))
    assert {each.result for each in there.apply(GUARDED, DECISION)} == {Result.DONE}
    assert _reasons(there) == []


def test_a_key_that_lapi_does_not_know_is_no_success(caddy: ModuleCaddy, world: Make) -> None:
    """The load succeeds, and everybody gets in: the write says so, and each pass, until it is put right."""
    caddy.lapi.key_known = False
    there = world(_edge(caddy))
    outcomes = there.apply(GUARDED, DECISION)
    failed = [each for each in outcomes if each.result is not Result.DONE]
    assert [(each.change.object_id, each.reason) for each in failed] == [
        ("app/crowdsec", "BouncerKeyRefused")
    ]
    assert "cscli bouncers add" in failed[0].message
    assert _reasons(there) == [("Edge/main", "BouncerKeyRefused")]
    (condition,) = there.provider.verify(desired(there.edge, GUARDED, DECISION), [])
    assert (str(condition.subject), condition.status) == ("Edge/main", Truth.FALSE)
    caddy.lapi.key_known = True
    caddy.pull()
    assert _reasons(there) == []


def test_a_module_that_knows_nothing_of_a_ban_is_seen(caddy: ModuleCaddy, world: Make) -> None:
    """LAPI has decisions, the module has none of them."""
    there = world(_edge(caddy))
    there.apply(GUARDED, DECISION)
    caddy.known.clear()
    assert _reasons(there) == [("Edge/main", "BouncerStale")]
    caddy.pull()
    assert _reasons(there) == []


@pytest.mark.parametrize("how", ["down", "hanging"])
def test_nothing_is_written_while_lapi_does_not_answer(caddy: ModuleCaddy, world: Make, how: str) -> None:
    """One more Host would make the module forget all bans, or kill the admin API."""
    there = world(_edge(caddy))
    there.apply(GUARDED, DECISION)
    loads = len(caddy.loads)
    setattr(caddy.lapi, {"down": "up", "hanging": "hanging"}[how], how == "hanging")
    with pytest.raises(TransientError, match="nothing is written") as caught:
        there.apply(GUARDED, DECISION, host("new"))
    assert caught.value.reason == "LapiAway"
    assert (len(caddy.loads), caddy.known, caddy.dead) == (loads, {BANNED}, False)
    assert _reasons(there) == [("Edge/main", "LapiAway")]


def test_a_load_waits_until_the_last_pull_is_over(caddy: ModuleCaddy, world: Make) -> None:
    """Two loads in a row, whoever made the first one, and the admin API lives."""
    there = world(_edge(caddy))
    hosts: list[AnyResource] = [GUARDED, DECISION]
    for number in range(3):
        hosts.append(host(f"more-{number}"))
        assert {each.result for each in there.apply(*hosts)} == {Result.DONE}
    assert not caddy.dead
    assert len(caddy.loads) == 3


def test_an_admin_api_that_hangs_names_the_cure(
    caddy: ModuleCaddy, world: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is called at night learns that Caddy has to be restarted."""
    there = world(_edge(caddy))
    there.apply(GUARDED, DECISION)
    caddy.dead = True
    monkeypatch.setattr(there.provider._client._http, "timeout", 0.3)  # noqa: SLF001 # not half a minute
    with pytest.raises(TransientError, match="restart Caddy") as caught:
        there.provider.observe()
    assert caught.value.reason == "TimedOut"


def test_a_plain_caddy_is_asked_nothing(caddy: ModuleCaddy, world: Make) -> None:
    """With forward-auth a LAPI that is away keeps nobody from changing the edge."""
    caddy.lapi.up = False
    asking = edge(caddy.url, crowdsec={"bouncer": {"mode": "forward-auth", "key": {"env": "KEY"}}})
    there = world(asking)
    assert {each.result for each in there.apply(GUARDED)} == {Result.DONE}
    assert there.notices(GUARDED) == []
