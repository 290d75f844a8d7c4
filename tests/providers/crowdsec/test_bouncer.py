"""The bouncer against a real LAPI: what `cscli` bans is refused, and what it lifts passes."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from argos_gitops.model.secret import SecretValue
from argos_gitops.model.verdict import Remedy, Verdict
from argos_gitops.ports.verdict import BouncerConfig
from argos_gitops.providers.crowdsec.bouncer import bouncer as bouncer_module
from argos_gitops.providers.crowdsec.bouncer.mirror import Mirror
from tests.components.crowdsec import RealCrowdSec
from tests.components.ports import free_port
from tests.providers.crowdsec.answering import Answering
from tests.providers.crowdsec.stand_in import Asked, Reply, StandInLapi

Open = Callable[[BouncerConfig], Answering]


def config(lapi_url: str, key: str | None, **options: str) -> BouncerConfig:
    usual = {"lapi_url": lapi_url, "fail_mode": "open", "poll_interval": "0.2", "away_after": "60"}
    secret = None if key is None else SecretValue(key)
    return BouncerConfig("crowdsec", {**usual, **options}, secret, "" if key else "the key is missing")


@pytest.fixture
def open_bouncer() -> Iterator[Open]:
    opened: list[Answering] = []

    def opener(given: BouncerConfig) -> Answering:
        opened.append(Answering(given))
        return opened[-1]

    yield opener
    for bouncer in opened:
        bouncer.close()


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def remedy(bouncer: Answering, address: str) -> Remedy:
    return bouncer.verdict(address).remedy


def test_bans_of_addresses_and_ranges_come_and_go(crowdsec: RealCrowdSec, open_bouncer: Open) -> None:
    """IPv4 and IPv6, told before and after the bouncer opened; what is lifted passes again."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--reason", "before")
    bouncer = open_bouncer(config(crowdsec.lapi_url, crowdsec.bouncer_key))
    until(lambda: bouncer.bouncer.health().state == "ok")
    assert bouncer.verdict("203.0.113.7") == Verdict(Remedy.BAN, "cscli", "203.0.113.7")
    assert bouncer.verdict("203.0.113.8") == Verdict(Remedy.ALLOW)

    crowdsec.cscli("decisions", "add", "--range", "198.51.100.0/24", "--type", "captcha")
    crowdsec.cscli("decisions", "add", "--range", "2001:db8:7::/48")
    until(lambda: remedy(bouncer, "2001:db8:7::1") is Remedy.BAN)
    assert bouncer.verdict("198.51.100.9") == Verdict(Remedy.CAPTCHA, "cscli", "198.51.100.0/24")
    assert bouncer.bouncer.decisions == 3

    crowdsec.cscli("decisions", "delete", "--range", "2001:db8:7::/48")
    crowdsec.cscli("decisions", "delete", "--ip", "203.0.113.7")
    until(lambda: remedy(bouncer, "203.0.113.7") is Remedy.ALLOW)
    assert remedy(bouncer, "2001:db8:7::1") is Remedy.ALLOW


def test_one_of_two_bans_that_is_lifted_leaves_the_other(crowdsec: RealCrowdSec, open_bouncer: Open) -> None:
    """LAPI tells bouncers the longest of equal decisions only, unless they ask for all."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "1h")
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "9h")
    bouncer = open_bouncer(config(crowdsec.lapi_url, crowdsec.bouncer_key))
    until(lambda: bouncer.bouncer.decisions == 2)
    longer = max(crowdsec.decisions(), key=lambda each: int(each["id"]))
    crowdsec.cscli("decisions", "delete", "--id", str(longer["id"]))
    until(lambda: bouncer.bouncer.decisions == 1)
    assert remedy(bouncer, "203.0.113.7") is Remedy.BAN


def test_a_ban_ends_by_itself_while_lapi_is_away(crowdsec: RealCrowdSec, open_bouncer: Open) -> None:
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "5s")
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.8", "--duration", "1h")
    bouncer = open_bouncer(config(crowdsec.lapi_url, crowdsec.bouncer_key))
    until(lambda: bouncer.bouncer.decisions == 2)
    crowdsec.kill()
    assert remedy(bouncer, "203.0.113.8") is Remedy.BAN
    until(lambda: remedy(bouncer, "203.0.113.7") is Remedy.ALLOW)
    assert remedy(bouncer, "203.0.113.8") is Remedy.BAN


@pytest.mark.parametrize(("mode", "unknown"), [("open", Remedy.ALLOW), ("closed", Remedy.BAN)])
def test_while_lapi_is_away_known_bans_stay_and_the_mode_decides_the_rest(
    crowdsec: RealCrowdSec, open_bouncer: Open, mode: str, unknown: Remedy
) -> None:
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    given = config(crowdsec.lapi_url, crowdsec.bouncer_key, fail_mode=mode, away_after="1")
    bouncer = open_bouncer(given)
    until(lambda: bouncer.bouncer.decisions == 1)
    crowdsec.kill()
    until(lambda: not bouncer.verdict("203.0.113.8").certain)
    assert bouncer.verdict("203.0.113.8") == Verdict(unknown, certain=False)
    assert bouncer.verdict("203.0.113.7") == Verdict(Remedy.BAN, "cscli", "203.0.113.7")
    assert bouncer.bouncer.health().state == "failing"
    crowdsec.start()
    until(lambda: bouncer.verdict("203.0.113.8").certain)
    assert remedy(bouncer, "203.0.113.8") is Remedy.ALLOW


@pytest.mark.parametrize(("mode", "unknown"), [("open", Remedy.ALLOW), ("closed", Remedy.BAN)])
def test_before_the_first_answer_the_mode_decides(open_bouncer: Open, mode: str, unknown: Remedy) -> None:
    bouncer = open_bouncer(config(f"http://127.0.0.1:{free_port()}", "key", fail_mode=mode))
    until(lambda: "does not answer" in bouncer.table().health().error)
    assert bouncer.verdict("203.0.113.7") == Verdict(unknown, certain=False)


def test_another_configuration_keeps_what_is_known(crowdsec: RealCrowdSec, open_bouncer: Open) -> None:
    """A key that is missing or refused for a while lifts no ban; the right one brings all up to date."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7")
    bouncer = open_bouncer(config(crowdsec.lapi_url, crowdsec.bouncer_key))
    until(lambda: bouncer.bouncer.decisions == 1)
    bouncer.bouncer.configure(config(crowdsec.lapi_url, None))
    bouncer.bouncer.configure(config(crowdsec.lapi_url, "wrong"))
    until(lambda: "refuses the bouncer's key" in bouncer.bouncer.health().error)
    assert remedy(bouncer, "203.0.113.7") is Remedy.BAN
    crowdsec.cscli("decisions", "delete", "--all")
    bouncer.bouncer.configure(config(crowdsec.lapi_url, crowdsec.bouncer_key))
    until(lambda: bouncer.bouncer.decisions == 0)
    assert bouncer.bouncer.health().error == ""


def test_without_a_key_it_says_why(open_bouncer: Open) -> None:
    bouncer = open_bouncer(config("http://127.0.0.1:9", None, fail_mode="closed"))
    until(lambda: bouncer.table().health().error == "the key is missing")
    assert bouncer.verdict("203.0.113.7") == Verdict(Remedy.BAN, certain=False)


def test_what_is_no_address_is_refused(open_bouncer: Open) -> None:
    bouncer = open_bouncer(config("http://127.0.0.1:9", None))
    with pytest.raises(ValueError, match="no IP address"):
        bouncer.verdict("somebody")


def test_a_bouncer_that_failed_a_thousand_times_looks_again(
    open_bouncer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """8.5 h without LAPI are 1,024 failures in a row; the ban that LAPI tells of then bites."""
    longest: Any = vars(bouncer_module)["_LONGEST_PAUSE"]
    monkeypatch.setattr(bouncer_module, "_LONGEST_PAUSE", type(longest)(0))
    ban = {"id": 1, "origin": "cscli", "type": "ban", "scope": "Ip", "value": "203.0.113.7", "duration": "4h"}
    stream = ("GET", "/v1/decisions/stream")
    with StandInLapi() as lapi:

        def away_for_long(asked: Asked) -> Reply:
            if lapi.count(*stream) <= 1100:
                return Reply(503, {"message": "away"})
            return Reply(content={"new": [ban], "deleted": None})

        lapi.lies[stream] = away_for_long
        bouncer = open_bouncer(config(lapi.url, "bouncer-key", poll_interval="0.001"))
        until(lambda: remedy(bouncer, "203.0.113.7") is Remedy.BAN)
        until(lambda: bouncer.bouncer.health().state == "ok")


def test_whatever_an_answer_raises_the_bouncer_looks_again(
    open_bouncer: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody thought of is told in health, and the next look comes."""
    looks = []

    def broken(self: Mirror, stream: object) -> None:
        looks.append(1)
        raise {1: ZeroDivisionError, 2: SystemExit}.get(len(looks), KeyError)

    monkeypatch.setattr(Mirror, "look", broken)
    bouncer = open_bouncer(config(f"http://127.0.0.1:{free_port()}", "key", poll_interval="0.001"))
    until(lambda: len(looks) > 3)
    health = bouncer.bouncer.health()
    assert (health.state, "SystemExit" in health.error) == ("failing", True)
