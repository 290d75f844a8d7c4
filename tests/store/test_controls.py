"""What people ask of an agent reaches every replica, and outlives them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from argos_gitops.ports.control import AGENT, Override, Pin, Suspension
from argos_gitops.store.controls import KEPT_APPROVALS, SqlControls

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ALICE = "user/alice@host.example"


@pytest.fixture
def controls(store: Engine) -> SqlControls:
    return SqlControls(store, "one")


def test_a_suspension_holds_until_it_is_resumed(open_store: Callable[[], Engine]) -> None:
    """Another process sees it; who resumes what was not suspended is told so."""
    controls, other = SqlControls(open_store(), "one"), SqlControls(open_store(), "one")
    wiki, all_of_it = Suspension("Host/wiki", ALICE, NOW, "moving"), Suspension(AGENT, ALICE, NOW)
    controls.suspend(wiki)
    controls.suspend(all_of_it)
    assert list(other.suspensions()) == [all_of_it, wiki]
    assert other.resume("Host/wiki")
    assert not other.resume("Host/wiki")
    assert list(controls.suspensions()) == [all_of_it]


def test_suspending_again_keeps_the_newer_reason(controls: SqlControls) -> None:
    controls.suspend(Suspension("Host/wiki", ALICE, NOW, "one"))
    newer = Suspension("Host/wiki", "user/bob@host.example", NOW + timedelta(hours=1), "two")
    controls.suspend(newer)
    assert list(controls.suspensions()) == [newer]


def test_there_is_one_pin(controls: SqlControls) -> None:
    assert controls.pin() is None
    controls.set_pin(Pin("a" * 40, ALICE, NOW, "broken"))
    controls.set_pin(Pin("b" * 40, ALICE, NOW, "more broken"))
    assert controls.pin() == Pin("b" * 40, ALICE, NOW, "more broken")
    controls.set_pin(None)
    assert controls.pin() is None


def test_an_override_ends_by_itself(controls: SqlControls) -> None:
    override = Override(NOW + timedelta(hours=1), ALICE, NOW, "the site is down")
    controls.set_override(override)
    assert controls.override(NOW) == override
    assert controls.override(override.until) is None
    controls.set_override(None)
    assert controls.override(NOW) is None


def test_approvals_are_newest_first_and_do_not_pile_up(controls: SqlControls) -> None:
    for number in range(KEPT_APPROVALS + 5):
        controls.approve(f"digest-{number}", ALICE, NOW + timedelta(minutes=number))
    approvals = list(controls.approvals())
    assert approvals[:2] == [f"digest-{KEPT_APPROVALS + 4}", f"digest-{KEPT_APPROVALS + 3}"]
    assert len(approvals) == KEPT_APPROVALS


def test_requests_are_numbered_whoever_asks(open_store: Callable[[], Engine]) -> None:
    """Also by many at once: no two get one number, and none is left out."""
    assert SqlControls(open_store(), "one").newest_request() == 0
    askers = [SqlControls(open_store(), "one") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda number: askers[number % 4].request_sync(ALICE, NOW), range(20)))
    assert sorted(numbers) == list(range(1, 21))
    assert askers[0].newest_request() == 20


def test_the_version_grows_with_every_change(controls: SqlControls) -> None:
    changes: list[Callable[[], object]] = [
        lambda: controls.suspend(Suspension("Host/wiki", ALICE, NOW)),
        lambda: controls.resume("Host/wiki"),
        lambda: controls.set_pin(Pin("a" * 40, ALICE, NOW)),
        lambda: controls.set_override(Override(NOW, ALICE, NOW)),
        lambda: controls.approve("digest", ALICE, NOW),
        lambda: controls.request_sync(ALICE, NOW),
    ]
    versions = [controls.version()]
    for change in changes:
        change()
        versions.append(controls.version())
    assert versions == sorted(set(versions))


def test_instances_are_controlled_apart(store: Engine) -> None:
    one, two = SqlControls(store, "one"), SqlControls(store, "two")
    one.suspend(Suspension(AGENT, ALICE, NOW))
    one.set_pin(Pin("a" * 40, ALICE, NOW))
    one.approve("digest", ALICE, NOW)
    one.request_sync(ALICE, NOW)
    assert not two.resume(AGENT)
    assert (list(two.suspensions()), two.pin(), list(two.approvals())) == ([], None, [])
    assert two.newest_request() == 0
