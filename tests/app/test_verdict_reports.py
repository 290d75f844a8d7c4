"""What the processes that answer counted, as LAPI hears of it: real processes, killed one after the other."""

from collections import Counter
from dataclasses import replace

import httpx

from argos_gitops.app.bouncers import message_of
from argos_gitops.app.front import Front
from argos_gitops.app.stores import Stores
from argos_gitops.model.secret import SecretValue
from argos_gitops.ports.verdict import BouncerConfig
from tests.app.test_front import PATIENCE, Fronts, eventually, fronts, settings_for
from tests.app.test_verdict_processes import BANNED, Lapi, killed
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.stand_in import StandInLapi
from tests.web.running import AS_OPERATOR
from tests.web.test_health import replica

__all__ = ["fronts"]

BANNED_V6 = "2001:db8::7"
INNOCENT = "203.0.113.8"


class Visitors:
    """Ask a front about addresses, and count what they heard."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self.processed: Counter[tuple[str, ...]] = Counter()
        self.dropped: Counter[tuple[str, ...]] = Counter()

    def ask(self, address: str, client: httpx.Client | None = None) -> int:
        """On a connection of its own, where none is given."""
        get = client.get if client else httpx.get
        url = f"http://{self._front.address}/auth/forward/main?client={address}"
        answer = get(url, timeout=PATIENCE)
        family = "ipv6" if ":" in address else "ipv4"
        if answer.status_code != 404:
            self.processed[family,] += 1
        if answer.status_code == 403:
            self.dropped[answer.json()["origin"], answer.json()["verdict"], family] += 1
        return answer.status_code

    def ask_all(self) -> None:
        """Several times, of each kind of address; the front answers too, on a connection that it has."""
        with httpx.Client() as client:
            client.get(f"http://{self._front.address}/healthz", timeout=PATIENCE)
            for _ in range(6):
                answers = [self.ask(each) for each in (BANNED, BANNED_V6, INNOCENT)]
                assert answers == [403, 403, 204]
                assert self.ask(BANNED, client) == 403


def reported(lapi: StandInLapi, name: str) -> Counter[tuple[str, ...]]:
    """The sum of all reports by labels; every value is above zero."""
    found: Counter[tuple[str, ...]] = Counter()
    for report in list(lapi.usage):
        for item in report["remediation_components"][0]["metrics"][0]["items"]:
            if item["name"] == name:
                assert (item["unit"], item["value"] > 0) == ("request", True)
                found[tuple(item["labels"].values())] += item["value"]
    return found


def with_reports(config: BouncerConfig) -> BouncerConfig:
    return replace(config, options={**config.options, "report_seconds": "0.2"})


def test_lapi_hears_what_all_processes_answered_once_whichever_is_killed(fronts: Fronts) -> None:
    """By origin, remedy and family; also what was asked while the process of the bouncers was away."""
    with StandInLapi() as stand_in:
        lapi = Lapi(stand_in)
        stand_in.keys.add("bouncer-key-canary")
        lapi.banned.append(BANNED_V6)
        lapi.origins[BANNED_V6] = "argos"
        front = fronts.start()
        visitors = Visitors(front)
        front.configure({"bouncers": message_of({"main": with_reports(lapi.config())})})
        assert eventually(lambda: visitors.ask(BANNED_V6) == 403)

        def all_is_reported() -> bool:
            heard = reported(stand_in, "processed"), reported(stand_in, "dropped")
            return heard == (visitors.processed, visitors.dropped)

        for name in ("", "bouncers", "verdicts-0", "front"):
            if name:
                killed(front, name)
            visitors.ask_all()
            assert eventually(all_is_reported), (name, visitors.processed, reported(stand_in, "processed"))
        told = len(stand_in.usage)
        assert eventually(lambda: len(stand_in.usage) >= told + 3)
        assert all_is_reported()
        assert set(visitors.dropped) == {("cscli", "ban", "ipv4"), ("argos", "ban", "ipv6")}


def test_a_lapi_without_usage_metrics_is_asked_once_and_all_is_well(
    fronts: Fronts, crowdsec: RealCrowdSec
) -> None:
    """CrowdSec 1.4.6: its log shows each call."""
    crowdsec.cscli("decisions", "add", "--ip", BANNED, "--duration", "4h")
    options = {
        "lapi_url": crowdsec.lapi_url,
        "fail_mode": "closed",
        "poll_interval": "0.2",
        "away_after": "60",
    }
    config = with_reports(BouncerConfig("crowdsec", options, SecretValue(crowdsec.bouncer_key)))
    Stores(settings_for(fronts.folder).store, "test").replicas.beat(replica("one"))
    front = fronts.start()
    visitors = Visitors(front)
    front.configure({"bouncers": message_of({"main": config})})
    assert eventually(lambda: visitors.ask(BANNED) == 403)
    log = crowdsec.folder / "crowdsec.log"

    def looks() -> int:
        return log.read_text().count("/v1/decisions/stream")

    assert eventually(lambda: "usage-metrics" in log.read_text())
    pids, looked = front.pids(), looks()
    assert eventually(lambda: looks() >= looked + 5)
    assert [visitors.ask(BANNED), visitors.ask(INNOCENT)] == [403, 204]
    assert log.read_text().count("usage-metrics") == 1
    url = f"http://{front.address}/api/system/health"
    health = httpx.get(url, headers=AS_OPERATOR, timeout=PATIENCE).json()
    assert [(each["state"], each.get("error", "")) for each in health["bouncers"]] == [("ok", "")]
    assert front.pids() == pids
