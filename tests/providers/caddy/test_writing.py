"""One write for a whole pass, on what was read and nothing else: failure modes 13, 14, 17 and 18."""

import socket
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from argos_gitops.model.change import FieldChange, Outcome, Result
from argos_gitops.model.errors import StalePlanError, TerminalError, TransientError
from argos_gitops.model.resource import AnyResource
from argos_gitops.providers.caddy.apply import only_route_of
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, edge, edge_of, host, service

Make = Callable[[AnyResource], World]
BAD_TLS = {"mode": "manual", "certificate": "/nonexistent/cert.pem", "key": "/nonexistent/key.pem"}


def _edit(caddy: RealCaddy, path: str, value: Any) -> None:
    httpx.put(f"{caddy.admin_url}/config/{path}", json=value).raise_for_status()


def test_fm17_a_concurrent_edit_makes_the_plan_stale(caddy: RealCaddy, world: Make) -> None:
    """What somebody wrote between our read and our write stays; the next plan sees it."""
    there = world(edge_of(caddy))
    there.apply(host("one"))
    live, changes = there.plan(host("one"), host("two"))
    _edit(caddy, "apps/http/grace_period", "5s")
    with pytest.raises(StalePlanError):
        list(there.provider.apply(live, changes))
    assert caddy.config("apps/http/grace_period") == "5s"
    assert there.changes(host("one"), host("two")) == ["update edge/http", "create host/two"]


def test_fm17_one_route_is_sent_alone_and_still_only_onto_what_was_read(
    caddy: RealCaddy, world: Make
) -> None:
    """The commonest change is a small write, and an edit elsewhere in the configuration still refuses it."""
    there = world(edge_of(caddy))
    there.apply(host("one"), host("two"))
    newer = host("one", response={"body": "newer"})
    live, changes = there.plan(newer, host("two"))
    assert only_route_of(changes) is not None
    _edit(caddy, "apps/http/grace_period", "5s")
    with pytest.raises(StalePlanError):
        list(there.provider.apply(live, changes))
    assert caddy.get("one.example.com").text == "one"
    there.apply(newer, host("two"))
    assert caddy.get("one.example.com").text == "newer"
    assert there.changes(newer, host("two")) == []


def test_fm18_a_restart_that_lost_the_configuration_is_seen_and_repaired(
    caddy: RealCaddy, world: Make
) -> None:
    """Caddy without --resume comes back empty."""
    hosts = [host("one"), host("two", tls={"mode": "internal"})]
    there = world(edge_of(caddy))
    there.apply(*hosts)
    caddy.restart()
    assert there.changes(*hosts) == ["create edge/http", "create host/one", "create host/two"]
    there.apply(*hosts)
    assert caddy.get("one.example.com").text == "one"
    assert there.changes(*hosts) == []


def test_fm18_one_bad_host_applies_nothing_and_old_sites_go_on(caddy: RealCaddy, world: Make) -> None:
    """The bad one is named and has failed; the others were not tried."""
    there = world(edge_of(caddy))
    there.apply(host("one"))
    before = caddy.config()
    live, changes = there.plan(host("one"), host("bad", tls=BAD_TLS), host("three"))
    with pytest.raises(TerminalError, match=r"^Host/bad: .*cannot read /nonexistent/cert.pem") as caught:
        list(there.provider.apply(live, changes))
    assert caught.value.reason == "FileUnreadable"
    assert caddy.config() == before
    assert caddy.get("one.example.com").text == "one"


def test_outcomes_of_a_refused_write_tell_failed_from_skipped(caddy: RealCaddy, world: Make) -> None:
    """They come before the error, so that a report can name each."""
    there = world(edge_of(caddy))
    live, changes = there.plan(host("bad", tls=BAD_TLS), host("good"))
    outcomes: list[Outcome] = []
    with pytest.raises(TerminalError):
        outcomes.extend(there.provider.apply(live, changes))
    assert {each.change.object_id: (each.result, each.reason) for each in outcomes} == {
        "edge/http": (Result.SKIPPED, "NotTried"),
        "host/bad": (Result.FAILED, "FileUnreadable"),
        "host/good": (Result.SKIPPED, "NotTried"),
    }


def test_a_missing_module_is_named_with_its_host(caddy: RealCaddy, world: Make) -> None:
    """The DNS provider is in no standard Caddy."""
    tls = {
        "mode": "auto",
        "challenge": "dns",
        "dns": {"provider": "cloudflare", "options": {"api_token": "x"}},
    }
    there = world(edge_of(caddy))
    live, changes = there.plan(host("fine"), host("dns", tls=tls))
    with pytest.raises(
        TerminalError, match=r"^Host/dns: .*lacks the module dns\.providers\.cloudflare"
    ) as caught:
        list(there.provider.apply(live, changes))
    assert caught.value.reason == "ModuleMissing"


def test_a_missing_bouncer_module_is_named_with_its_host(caddy: RealCaddy, world: Make) -> None:
    """With `crowdsec.bouncer.mode: module` on a Caddy that has none."""
    crowdsec = {"bouncer": {"mode": "module", "key": {"env": "BOUNCER_KEY"}}}
    there = world(edge_of(caddy, crowdsec=crowdsec))
    live, changes = there.plan(host("app", bouncer=True))
    with pytest.raises(TerminalError, match="crowdsec") as caught:
        list(there.provider.apply(live, changes))
    assert caught.value.reason == "ModuleMissing"


def test_an_address_in_use_is_named(make_caddy: Callable[..., RealCaddy], world: Make) -> None:
    """Another program holds the port: the old configuration goes on."""
    caddy = make_caddy()
    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        busy.listen()
        port = busy.getsockname()[1]
        there = world(edge_of(caddy, listen=[f"http://127.0.0.1:{port}"]))
        live, changes = there.plan(host("one"))
        with pytest.raises(TerminalError, match=f"cannot listen on .*{port}") as caught:
            list(there.provider.apply(live, changes))
    assert caught.value.reason == "AddressInUse"


def test_fm13_no_secret_in_a_refusal(caddy: RealCaddy, world: Make) -> None:
    """Caddy quotes what it dislikes; what is a secret there is masked in our words."""
    canary = "canary-3f9a"
    there = world(edge_of(caddy, ownership="routes"))
    caddy.load({"apps": {"http": {"servers": {}}}})
    tls = {
        "mode": "auto",
        "challenge": "dns",
        "dns": {"provider": "nosuch", "options": {"api_token": canary}},
    }
    live, changes = there.plan(host("dns", tls=tls))
    with pytest.raises(TerminalError) as caught:
        list(there.provider.apply(live, changes))
    assert canary not in str(caught.value)


def test_the_admin_api_stays_where_it_is_after_a_refused_write(caddy: RealCaddy, world: Make) -> None:
    """Each write embeds the admin block as it was: a refused one would move the API otherwise."""
    there = world(edge_of(caddy))
    live, changes = there.plan(host("bad", tls=BAD_TLS))
    with pytest.raises(TerminalError):
        list(there.provider.apply(live, changes))
    assert caddy.config("admin") == {"listen": caddy.admin_address}


def test_the_admin_block_is_kept_whatever_is_in_it(caddy: RealCaddy, world: Make) -> None:
    """Also fields that we know nothing about."""
    admin = {"listen": caddy.admin_address, "origins": [caddy.admin_address], "config": {"persist": False}}
    httpx.post(f"{caddy.admin_url}/load", json={"admin": admin}).raise_for_status()
    world(edge_of(caddy)).apply(host("one"))
    assert caddy.config("admin") == admin


def test_many_changes_are_one_write(caddy: RealCaddy, world: Make) -> None:
    """Caddy's log tells how often it was written to."""
    there = world(edge_of(caddy))
    there.apply(*[host(f"h{number}") for number in range(50)])
    there.apply(*[host(f"h{number}", response={"body": "new"}) for number in range(25, 75)])
    writes = [line for line in caddy.log.read_text().splitlines() if '"method":"POST"' in line]
    assert len(writes) == 2


def test_fm06_idle_passes_write_nothing(caddy: RealCaddy, world: Make) -> None:
    """Nor does a second provider without any memory find something to do."""
    hosts = [host("one"), host("two", tls={"mode": "internal"}, compression=True)]
    there = world(edge_of(caddy))
    there.apply(*hosts)
    writes = caddy.log.read_text().count('"method":"POST"')
    for _ in range(20):
        assert there.apply(*hosts) == []
    assert world(there.edge).changes(*hosts) == []
    assert caddy.log.read_text().count('"method":"POST"') == writes


def test_a_caddy_that_is_down_is_unreachable(caddy: RealCaddy, world: Make) -> None:
    """TransientError, as trying again may help."""
    there = world(edge_of(caddy))
    caddy.kill()
    with pytest.raises(TransientError, match="no connection to Caddy's admin API") as caught:
        there.provider.observe()
    assert caught.value.reason == "Unreachable"


def test_fm14_a_write_that_was_killed_halfway_is_found_done_or_not(caddy: RealCaddy, world: Make) -> None:
    """A generator that nobody runs to its end has written all or nothing, and the next pass converges."""
    hosts = [host(f"h{number}") for number in range(5)]
    there = world(edge_of(caddy))
    live, changes = there.plan(*hosts)
    applying = there.provider.apply(live, changes)
    next(applying)
    del applying
    again = world(there.edge)
    assert again.changes(*hosts) == []


def test_service_edit_reaches_each_of_its_hosts(caddy: RealCaddy, world: Make) -> None:
    """Hosts of other services are not touched."""
    hosts = [host("a", service="one"), host("b", service="one"), host("c", service="two")]
    there = world(edge_of(caddy))
    other = service("two", "127.0.0.1:9")
    there.apply(service("one", "127.0.0.1:7"), other, *hosts)
    _, changes = there.plan(service("one", "127.0.0.1:8"), other, *hosts)
    assert [change.object_id for change in changes] == ["host/a", "host/b"]
    assert changes[0].fields == (FieldChange("upstream", "127.0.0.1:7", "127.0.0.1:8"),)


def test_a_program_that_is_not_caddy_is_told_so(upstream: Any, world: Make) -> None:
    """The admin URL may point anywhere."""
    there = world(edge(f"http://{upstream.address}"))
    with pytest.raises(TerminalError, match="is it Caddy's admin API") as caught:
        there.provider.observe()
    assert caught.value.reason == "NotCaddy"
