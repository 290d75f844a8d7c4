"""How our rows are told from everybody else's."""

from datetime import UTC, datetime

import pytest

from argos_gitops.providers.crowdsec.marks import object_id_of, origin_of, reason_and_until, scenario

_UNTIL = datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("object_id", "origin"),
    [
        ("country/NG", "argos-country-NG"),
        ("decision/old-scanner", "argos-decision-old-scanner"),
        ("decision/country-ng", "argos-decision-country-ng"),
    ],
)
def test_an_object_is_an_origin(object_id: str, origin: str) -> None:
    assert origin_of(object_id) == origin
    assert object_id_of(origin) == object_id


@pytest.mark.parametrize(
    "origin", ["cscli", "CAPI", "argos-country-ng", "argos-blocklist-x", "argos-decision-"]
)
def test_other_origins_are_not_ours(origin: str) -> None:
    """Nor those of kinds that only a later version knows: it may have written them."""
    assert object_id_of(origin) is None


@pytest.mark.parametrize("until", [None, _UNTIL])
@pytest.mark.parametrize("reason", ["scanner", "a: b (c)", "until further notice"])
def test_a_scenario_tells_reason_and_end(reason: str, until: datetime | None) -> None:
    told = "2027-01-01T00:00:00Z" if until else None
    assert reason_and_until(scenario("main", reason, until)) == (reason, told)
