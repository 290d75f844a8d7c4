"""Two writers on one real Caddy: the second one is refused by name, and nobody undoes anybody."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from argos_gitops.model.claim import Claim, Writer, claim_for, claim_of
from argos_gitops.model.errors import TerminalError
from argos_gitops.model.resource import AnyResource, ResourceKey
from argos_gitops.ports.provider import ProviderContext, Target
from argos_gitops.providers.caddy import PROVIDER
from argos_gitops.providers.caddy.claiming import claim_in
from argos_gitops.providers.caddy.provider import CaddyProvider
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import NOW, NoSecrets, SetClock, SilentProgress, World, edge_of, host

HOME = Writer("home", "https://git.example.com/home.git", "1111")
OFFICE = Writer("office", "/srv/config (edge)", "2222")
EDGE = ResourceKey("Edge", "main")


@pytest.fixture(params=["whole", "routes"])
def world_of(
    request: pytest.FixtureRequest, caddy: RealCaddy, tmp_path: Path
) -> Iterator[Callable[..., World]]:
    made: list[World] = []

    def make(writer: Writer, taken_over: str | None = None) -> World:
        edge: AnyResource = edge_of(caddy, ownership=request.param)
        if taken_over is not None:
            edge = replace(edge, annotations={"argos.dev/takeOver": taken_over})
        world = World(edge, tmp_path / writer.instance)
        clock = world.clock = SetClock()
        context = ProviderContext(NoSecrets(), clock, SilentProgress(), tmp_path, writer=writer)
        bound = PROVIDER.factory(Target(edge), context)
        assert isinstance(bound, CaddyProvider)
        world.provider.close()
        world.provider = bound
        made.append(world)
        return world

    yield make
    for world in made:
        world.provider.close()


def refusal(world: World) -> str:
    with pytest.raises(TerminalError) as caught:
        world.apply(host("b"))
    assert caught.value.reason == "ClaimedByAnother"
    return str(caught.value)


def claim(caddy: RealCaddy) -> Claim:
    found = claim_in(orjson.dumps(caddy.config()))
    assert found is not None
    return found


def test_a_second_writer_is_refused_by_name_and_may_take_over_once(
    caddy: RealCaddy, world_of: Callable[..., World]
) -> None:
    home = world_of(HOME)
    home.apply(host("a"))
    assert home.changes(host("a")) == [], "the mark is no drift"
    first = claim(caddy)
    assert first.writer == HOME
    said = refusal(world_of(OFFICE))
    for part in ("instance home", HOME.repository, "2026", "office", OFFICE.repository, first.id):
        assert part in said
    assert caddy.get("a.example.com").text == "a"

    office = world_of(OFFICE, first.id)
    office.apply(host("b"))
    second = claim(caddy)
    assert (second.writer, second.id == first.id) == (OFFICE, False)
    assert office.changes(host("b")) == []
    assert f"instance office from {OFFICE.repository}" in refusal(home)
    assert refusal(world_of(HOME, first.id)), "what was taken over is not taken back by the same words"


def test_one_route_that_changes_leaves_the_claim(caddy: RealCaddy, world_of: Callable[..., World]) -> None:
    home = world_of(HOME)
    home.apply(host("a"), host("c"))
    before = claim(caddy)
    home.apply(host("a", response={"body": "new"}), host("c"))
    assert claim(caddy) == before
    home.depart()
    assert claim_in(orjson.dumps(caddy.config())) is None


def test_who_wants_the_same_shares_a_claim() -> None:
    mine = claim_for(HOME, None, EDGE, None, NOW)
    for writer in (HOME, replace(HOME, instance="second"), replace(HOME, branch="staging")):
        assert claim_for(writer, mine, EDGE, None, NOW) is mine
    for writer in (OFFICE, replace(HOME, identity="3"), replace(HOME, instance="second", branch="staging")):
        with pytest.raises(TerminalError):
            claim_for(writer, mine, EDGE, "another", NOW)
    assert claim_of(mine.data()) == mine


def test_only_a_claim_is_taken_for_one() -> None:
    mine = claim_for(HOME, None, EDGE, None, NOW)
    told = orjson.dumps({"body": orjson.dumps({"argos_claim": mine.data()}).decode()})
    assert claim_in(told) is None
    assert claim_in(b'{"argos_claim":{"id":1}}') is None
    assert claim_in(orjson.dumps({"argos_claim": mine.data()})) == mine
    assert claim_in(b"no json") is None
