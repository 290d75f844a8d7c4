"""What a bouncer did is told to LAPI, in the words of `cscli metrics show bouncers`."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from argos_gitops.model.errors import TransientError
from argos_gitops.model.secret import SecretValue
from argos_gitops.model.verdict import Counted
from argos_gitops.ports.verdict import BouncerConfig, Usage
from argos_gitops.providers.crowdsec.bouncer import usage as usage_module
from argos_gitops.providers.crowdsec.bouncer.stream import DecisionStream
from argos_gitops.providers.crowdsec.bouncer.usage import REPORT_SECONDS, UsageReporter
from argos_gitops.web.counts import encode_counts
from tests.components.crowdsec import RealCrowdSec
from tests.providers.crowdsec.answering import EDGE, Answering
from tests.providers.crowdsec.stand_in import Reply, StandInLapi

_STREAM = ("GET", "/v1/decisions/stream")


def _row(number: int, value: str, **more: str) -> Mapping[str, Any]:
    return {"id": number, "origin": "cscli", "type": "ban", "value": value, "duration": "4h", **more}


def _until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_bouncer_tells_lapi_what_it_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests and refusals since the last report, and the decisions that it knows."""
    monkeypatch.setattr(usage_module, "REPORT_SECONDS", 0.2)
    rows = [_row(1, "203.0.113.7"), _row(2, "2001:db8::/32", origin="argos-country-NG", type="captcha")]
    options = {"fail_mode": "open", "poll_interval": "0.05", "away_after": "60"}
    with StandInLapi() as lapi:
        lapi.lies[_STREAM] = lambda asked: Reply(content={"new": rows, "deleted": None})
        config = BouncerConfig("crowdsec", {"lapi_url": lapi.url, **options}, SecretValue("bouncer-key"))
        bouncer = Answering(config)
        _until(lambda: bouncer.bouncer.decisions == 2)
        answered = {
            Counted(EDGE, "ban", "cscli", "ipv4"): 2,
            Counted(EDGE, "captcha", "argos-country-NG", "ipv6"): 1,
            Counted(EDGE, "allow", "", "ipv4"): 1,
        }
        bouncer.feed.usage.take(encode_counts(answered))
        _until(lambda: len(_items(lapi, "processed")) == 2)
        bouncer.close()
        [component] = lapi.usage[-1]["remediation_components"]
    assert set(lapi.usage[-1]) == {"log_processors", "remediation_components"}
    assert set(component) == {
        *("type", "version", "name", "feature_flags", "os", "utc_startup_timestamp", "metrics")
    }
    assert set(component["os"]) == {"name", "version"}
    [metrics] = component["metrics"]
    assert set(metrics["meta"]) == {"window_size_seconds", "utc_now_timestamp"}
    assert _items(lapi, "processed") == {("ipv4",): 3, ("ipv6",): 1}
    assert _items(lapi, "dropped") == {
        ("cscli", "ban", "ipv4"): 2,
        ("argos-country-NG", "captcha", "ipv6"): 1,
    }
    active = [item for item in metrics["items"] if item["name"] == "active_decisions"]
    assert [(item["value"], item["unit"]) for item in active] == [(1, "ip"), (1, "ip")]


def _items(lapi: StandInLapi, name: str) -> dict[tuple[str, ...], int]:
    """The sum of all reports by labels."""
    found: dict[tuple[str, ...], int] = {}
    for report in list(lapi.usage):
        for item in report["remediation_components"][0]["metrics"][0]["items"]:
            if item["name"] == name:
                labels = tuple(item["labels"].values())
                found[labels] = found.get(labels, 0) + item["value"]
    return found


def test_a_report_that_lapi_did_not_take_is_told_in_health() -> None:
    """Beside verdicts that are right: the bouncer itself does not fail."""
    options = {"fail_mode": "open", "poll_interval": "0.05", "away_after": "60", "report_seconds": "0.2"}
    report = ("POST", "/v1/usage-metrics")
    with StandInLapi() as lapi:
        lapi.lies[_STREAM] = lambda asked: Reply(content={"new": [], "deleted": None})
        lapi.lies[report] = lambda asked: Reply(500, {"message": "no room left"})
        config = BouncerConfig("crowdsec", {"lapi_url": lapi.url, **options}, SecretValue("bouncer-key"))
        bouncer = Answering(config)
        _until(lambda: "no room left" in bouncer.bouncer.health().error)
        assert bouncer.bouncer.health().state == "ok"
        del lapi.lies[report]
        _until(lambda: not bouncer.bouncer.health().error)
        bouncer.close()


class _Source:
    def __init__(self) -> None:
        self.count = 0

    def usage(self) -> Usage:
        return Usage(processed={"ipv4": self.count})


def test_what_could_not_be_told_is_told_with_the_next_report() -> None:
    now, source = [0.0], _Source()
    sent: list[Mapping[str, Any]] = []
    failing = [True]

    def send(report: Mapping[str, Any]) -> bool:
        if failing[0]:
            raise TransientError("away")
        sent.append(report)
        return True

    reporter = UsageReporter(source, send, lambda: now[0])
    for count, fails in ((3, True), (5, False), (5, False), (9, False)):
        source.count, failing[0] = count, fails
        now[0] += REPORT_SECONDS
        reporter.report_if_due()
        reporter.report_if_due()
        assert reporter.error == ("away" if fails else "")
    metrics = [each["remediation_components"][0]["metrics"][0] for each in sent]
    assert [[item["value"] for item in each["items"]] for each in metrics] == [[5], [], [4]]
    assert [each["meta"]["window_size_seconds"] for each in metrics] == [1800, 900, 900]


@pytest.mark.parametrize("status", [404, 405])
def test_a_lapi_without_usage_metrics_is_not_asked_again(status: int) -> None:
    now = [0.0]
    with StandInLapi() as lapi:
        lapi.lies["POST", "/v1/usage-metrics"] = lambda asked: Reply(status, body=b"404 page not found")
        stream = DecisionStream(lapi.url, SecretValue("bouncer-key"))
        reporter = UsageReporter(_Source(), stream.tell_usage, lambda: now[0])
        for _ in range(3):
            now[0] += REPORT_SECONDS
            reporter.report_if_due()
        stream.close()
        assert (lapi.count("POST", "/v1/usage-metrics"), reporter.error) == (1, "")


def test_crowdsec_1_4_6_knows_no_usage_metrics(crowdsec: RealCrowdSec) -> None:
    stream = DecisionStream(crowdsec.lapi_url, SecretValue(crowdsec.bouncer_key))
    assert stream.tell_usage({"log_processors": [], "remediation_components": []}) is False
    stream.close()
