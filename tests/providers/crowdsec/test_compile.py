"""Resources become bans: Allowlists taken out, ends respected, unknown countries kept as they stand."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network

import pytest

from argos_gitops.model.objects import ManagedObject
from argos_gitops.model.resource import AnyResource, EagerResources, ResourceKey
from argos_gitops.providers.crowdsec.compile import Ban, Compiler
from argos_gitops.providers.crowdsec.networks import Ranges, parsed
from argos_gitops.providers.crowdsec.observe import CrowdSecLive
from tests.providers.crowdsec.edge import allowlist, country, decision
from tests.providers.crowdsec.lapi import NOW, alert, live_of, told

_MARGIN = timedelta(days=1)
_NG = ("198.51.100.0/24", "2001:db8::/32")
_NOTHING = live_of()


def _ranges(code: str) -> tuple[Ranges, ...]:
    return parsed(_NG if code == "NG" else ())


def _bans(
    *resources: AnyResource, live: CrowdSecLive = _NOTHING, geo: bool = True
) -> Sequence[tuple[Ban, ManagedObject]]:
    compiler = Compiler("main", _MARGIN)
    expand = _ranges if geo else lambda code: None
    return list(compiler.bans(EagerResources(resources, "test"), live, expand, "digest" if geo else ""))


def _objects(
    *resources: AnyResource, live: CrowdSecLive = _NOTHING, geo: bool = True
) -> Mapping[str, ManagedObject]:
    return {managed.id: managed for _, managed in _bans(*resources, live=live, geo=geo)}


def _values(
    *resources: AnyResource, live: CrowdSecLive = _NOTHING, geo: bool = True
) -> Mapping[str, tuple[str, ...]]:
    objects = _objects(*resources, live=live, geo=geo)
    return {managed.id: managed.content["values"] for managed in objects.values()}


def test_a_decision_is_its_value() -> None:
    [managed] = _objects(decision("x", "203.0.113.7", type="captcha")).values()
    assert (managed.id, managed.owner) == ("decision/x", ResourceKey("Decision", "x"))
    assert managed.content == {
        "type": "captcha",
        "scope": "Ip",
        "scenario": "argos-gitops/main: scanner",
        "values": ("203.0.113.7",),
    }


def test_other_edges_are_none_of_our_business() -> None:
    assert _values(decision("x", "203.0.113.7", edge="other"), country("NG", edge="other")) == {}


def test_a_country_is_its_ranges_minus_every_allowlist() -> None:
    """Exactly, and told: how many ranges each list cut into."""
    lists = (
        allowlist("partners", "198.51.100.64/26", "198.51.100.7"),
        allowlist("elsewhere", "2001:db8::/32", edges=["other"]),
    )
    [(ban, managed)] = _bans(country("NG"), *lists)
    values = managed.content["values"]
    assert ban.taken == ((ResourceKey("Allowlist", "partners"), 1),)
    assert list(values) == sorted(values)
    left = {address for value in values if ":" not in value for address in ip_network(value)}
    whole = set(ip_network("198.51.100.0/24"))
    assert whole - left == {*ip_network("198.51.100.64/26"), *ip_network("198.51.100.7/32")}
    assert "2001:db8::/32" in values


def test_a_range_loses_what_is_allowlisted() -> None:
    found = _values(decision("x", "203.0.113.0/24"), allowlist("us", "203.0.113.0/25"))
    assert found == {"decision/x": ("203.0.113.128/25",)}


def test_two_lists_that_take_out_all_of_a_ban_leave_no_object() -> None:
    """An object without values would be wanted for ever."""
    halves = allowlist("a", "203.0.113.0/25"), allowlist("b", "203.0.113.128/25")
    assert _values(decision("x", "203.0.113.0/24"), *halves) == {}
    assert _values(country("NG"), allowlist("a", *_NG)) == {}


def test_a_decision_whose_end_has_passed_is_not_wanted() -> None:
    over, future = NOW - timedelta(seconds=1), NOW + timedelta(days=30)
    wanted = _objects(decision("a", "203.0.113.7", until=over), decision("b", "203.0.113.8", until=future))
    assert list(wanted) == ["decision/b"]
    assert wanted["decision/b"].content["scenario"].endswith("(until 2026-07-01T15:30:00Z)")


@pytest.mark.parametrize("geo", [False, True])
def test_a_country_that_cannot_be_expanded_keeps_what_stands(geo: bool) -> None:
    """Without a database, and with one that knows no range of it: neither made nor removed, but renewed."""
    live = live_of(alert(1, *told("argos-country-IR", "203.0.113.0/24", left="30h0m0s")))
    wanted = _objects(country("IR"), live=live, geo=geo)
    assert {name: managed.content for name, managed in wanted.items()} == {
        name: found.content for name, found in live.objects.items()
    }
    assert wanted["country/IR"].renew_at == NOW + timedelta(hours=6)
    assert _values(country("IR"), geo=geo) == {}


def test_an_allowlist_helps_against_a_country_that_cannot_be_expanded() -> None:
    live = live_of(alert(1, *told("argos-country-IR", "203.0.113.0/24", "192.0.2.0/24")))
    found = _values(country("IR"), allowlist("us", "203.0.113.0/24"), live=live, geo=False)
    assert found == {"country/IR": ("192.0.2.0/24",)}


def _renewal(left: str, age: timedelta = timedelta(), until: datetime | None = None) -> datetime | None:
    wanted = decision("x", "203.0.113.0/24", until=until)
    scenario = _objects(wanted)["decision/x"].content["scenario"]
    row = told("argos-decision-x", "203.0.113.0/24", left=left, scenario=scenario)
    return _objects(wanted, live=live_of(alert(1, *row, age=age)))["decision/x"].renew_at


def test_renewal_comes_before_the_first_end() -> None:
    """The ban's own end or that of its alert, whichever comes first, less the margin."""
    assert _renewal("100h0m0s") == NOW + timedelta(hours=100) - _MARGIN
    assert _renewal("100h0m0s", age=timedelta(days=6)) == NOW


def test_a_ban_with_an_end_is_not_renewed_beyond_it() -> None:
    """Unless its alert goes first."""
    end = NOW + timedelta(hours=100)
    assert _renewal("99h59m58s", until=end) is None
    assert _renewal("99h59m58s", until=end, age=timedelta(days=6)) == NOW


def test_a_country_is_expanded_once() -> None:
    """A pass that finds nothing new must not spell out thousands of ranges again."""
    compiler, resources = Compiler("main", _MARGIN), EagerResources([country("NG")], "test")
    first, second = (next(compiler.bans(resources, _NOTHING, _ranges, "digest"))[0] for _ in range(2))
    assert first is second
    [(third, _)] = compiler.bans(resources, _NOTHING, _ranges, "another")
    assert third is not first
