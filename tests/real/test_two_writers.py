"""Two repositories with one Edge: the second writer is told of the first, and neither undoes the other."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.real.estate import PASSWORD, Estate, ban, edge, host


def estate_of(folder: Path, systems: Mapping[str, Any], *resources: Mapping[str, Any]) -> Estate:
    folder.mkdir()
    estate = Estate(folder, {PASSWORD: "unused"})
    estate.write("edge.yaml", systems)
    estate.write("rest.yaml", *resources)
    estate.push()
    return estate


def test_the_second_writer_is_refused_until_it_takes_over(tmp_path: Path, caddy: RealCaddy) -> None:
    first = estate_of(tmp_path / "first", edge(caddy), host("a", "first"))
    assert first.apply().code == 0
    second = estate_of(tmp_path / "second", edge(caddy), host("b", "second"))
    before = caddy.config()
    for command in (["plan"], ["apply", "--auto-approve"], ["doctor"]):
        done = second.run(*command)
        assert done.code != 0, done.out
        assert f"the instance test from {first.repository}" in done.out, done.out
    assert "ClaimedByAnother" in second.run("status").out
    assert caddy.config() == before
    folder = first.run("apply", "--auto-approve", "--repo", str(first.work))
    assert (folder.code != 0, str(first.repository) in folder.out) == (True, True), folder.out
    assert first.apply().code == 0

    told = re.search(r'argos.dev/takeOver: "([0-9a-f]{12})"', second.run("plan").out)
    assert told is not None
    taken = edge(caddy)
    taken["metadata"]["annotations"] = {"argos.dev/takeOver": told[1]}
    second.write("edge.yaml", taken)
    second.push()
    done = second.apply()
    assert done.code == 0, done.out
    assert caddy.get("b.example.com").text == "second"
    back = first.apply()
    assert f"the instance test from {second.repository}" in back.out, back.out
    (first.work / "edge.yaml").unlink()
    (first.work / "rest.yaml").unlink()
    first.push()
    left = first.apply()
    assert caddy.get("b.example.com").text == "second", left.out


def test_crowdsec_of_an_edge_goes_with_its_caddy(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec
) -> None:
    both = edge(caddy, crowdsec)
    first = estate_of(tmp_path / "first", both, host("a", "first"), ban("x", "203.0.113.7"))
    second = estate_of(tmp_path / "second", both, host("a", "second"))
    for each in (first, second):
        each.environment[PASSWORD] = crowdsec.machine_password
    assert first.apply().code == 0
    refused = second.apply()
    assert refused.code != 0
    assert "ClaimedByAnother" in second.run("status").out
    assert "nothing to change" in first.run("plan").out, "the ban stands"
