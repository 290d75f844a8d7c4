"""Whether the edge really does what the repository says: asked from outside, as a visitor would."""

from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_network
from typing import Any

import httpx

from demo.stage import Stage


class DemoFailedError(Exception):
    """The edge does not do what it should; the text says what was seen instead."""


def hosts_that_answer(stage: Stage) -> Iterator[str]:
    """One line for each domain of the repository; raises DemoFailedError at the first wrong answer."""
    for host in stage.repository.specs("Host"):
        for domain in host["domains"]:
            asked = domain.replace("*", "any")
            tls = host["tls"]["mode"] != "off"
            path = "/what-no-rule-is-for" if host.get("rules") else "/"
            answer = stage.caddy.get(asked, path, tls=tls)
            seen = _what_answered(host, answer)
            url = f"{'https' if tls else 'http'}://{asked}"
            yield f"{url:<34} {answer.status_code} {seen}"


def _what_answered(host: dict[str, Any], answer: httpx.Response) -> str:
    if "redirect" in host:
        wanted = host["redirect"]["to"]
        location = answer.headers.get("Location", "")
        _expect(answer.is_redirect and location.startswith(wanted), wanted, location)
        return f"to {location}"
    if "response" in host:
        _expect(answer.text == host["response"]["body"], host["response"]["body"], answer.text)
        return repr(answer.text.strip())
    _expect(answer.status_code == httpx.codes.OK, "200", str(answer.status_code))
    return f"from {answer.text.strip()}"


def _expect(right: bool, wanted: str, seen: str) -> None:
    if not right:
        raise DemoFailedError(f"expected {wanted!r}, got {seen!r}")


def bans_that_stand(stage: Stage) -> Iterator[str]:
    """One line for each origin of ours in LAPI; raises DemoFailedError where something is missing."""
    assert stage.crowdsec is not None
    decisions = [row for row in stage.crowdsec.decisions() if row["origin"].startswith("argos-")]
    values = {row["value"] for row in decisions}
    for ban in stage.repository.specs("Decision"):
        _expect(ban["value"] in values, ban["value"], "no such decision in LAPI")
    _expect_allowed(stage, values)
    for origin, count in sorted(Counter(row["origin"] for row in decisions).items()):
        yield f"{origin:<32} {count} {'decision' if count == 1 else 'decisions'}"


def _expect_allowed(stage: Stage, values: set[str]) -> None:
    banned = [ip_network(value, strict=False) for value in values]
    for allowlist in stage.repository.specs("Allowlist"):
        for entry in allowlist["entries"]:
            allowed = ip_network(entry["value"], strict=False)
            covering = [
                str(ban) for ban in banned if ban.version == allowed.version and ban.overlaps(allowed)
            ]
            _expect(not covering, f"{allowed} to be free", ", ".join(covering))
