"""Failure modes on real git, Caddy and CrowdSec, through the command line as people use it."""

import shutil
import subprocess
from pathlib import Path

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.real.estate import PASSWORD, Estate, ban, country, document, edge, host


def _running(tmp_path: Path, caddy: RealCaddy, hosts: int = 3) -> Estate:
    """An edge with some hosts, applied."""
    estate = Estate(tmp_path)
    estate.write("edge.yaml", edge(caddy))
    for number in range(hosts):
        estate.write(f"hosts/h{number}.yaml", host(f"h{number}", f"text {number}"))
    estate.push("first")
    first = estate.apply()
    assert first.code == 0, first.out + first.err
    return estate


def test_fm01_a_git_outage_writes_nothing(tmp_path: Path, caddy: RealCaddy) -> None:
    """The repository is gone: exit 1, one sentence, Caddy as it was, the last good revision kept."""
    estate = _running(tmp_path, caddy)
    before, known = caddy.config(), estate.run("status").out
    estate.repository.rename(tmp_path / "elsewhere.git")
    failed = estate.apply()
    assert (failed.code, failed.out) == (1, "")
    assert "SourceMissing" in failed.err
    assert "Traceback" not in failed.err
    assert caddy.config() == before
    status = estate.run("status").out
    assert _applied(status) == _applied(known)
    assert "SourceMissing" in status
    (tmp_path / "elsewhere.git").rename(estate.repository)
    assert estate.apply().code == 0


def _applied(status: str) -> str:
    """The revision that `status` calls applied."""
    return next(line.split()[1] for line in status.splitlines() if line.startswith("applied"))


def test_fm01_a_repository_that_lost_half_its_objects(tmp_path: Path, caddy: RealCaddy) -> None:
    """A truncated object store is an outage, not a smaller configuration."""
    estate = _running(tmp_path, caddy)
    before = caddy.config()
    estate.write("hosts/h9.yaml", host("h9", "text"))
    estate.push()
    objects = sorted((estate.repository / "objects").glob("??/*"))
    for path in objects[::2]:
        path.unlink()
    failed = estate.apply()
    assert failed.code == 1, failed.out
    assert caddy.config() == before


def test_fm02_an_empty_or_renamed_root_needs_an_approval(tmp_path: Path, caddy: RealCaddy) -> None:
    """The deletes are listed, apply refuses with exit 4, and the digest of that plan lets it through."""
    estate = _running(tmp_path, caddy)
    shutil.rmtree(estate.work / "hosts")
    (estate.work / "edge.yaml").unlink()
    estate.push("empty")
    plan = estate.run("plan")
    assert plan.code == 4, plan.out
    assert all(f"Host/h{number}" in plan.out for number in range(3))
    refused = estate.apply()
    assert refused.code == 4
    assert caddy.get("h1.example.com").text == "text 1"
    digest = next(line.split()[-1] for line in plan.out.splitlines() if line.startswith("To apply"))
    approved = estate.run("apply", "--approve", digest)
    assert approved.code == 0, approved.out + approved.err
    assert "h1.example.com" not in str(caddy.config())


def test_fm03_removing_all_of_a_few_is_blocked(tmp_path: Path, caddy: RealCaddy) -> None:
    """Small numbers are no blind spot: 3 of 3 hosts, although the edge stays."""
    estate = _running(tmp_path, caddy)
    shutil.rmtree(estate.work / "hosts")
    estate.push("no hosts")
    assert estate.apply().code == 4
    assert caddy.get("h1.example.com").text == "text 1"


def test_fm04_a_wrong_pin_writes_nothing(tmp_path: Path, caddy: RealCaddy) -> None:
    """Whatever else is said on the command line, a pin that does not match ends the pass."""
    estate = _running(tmp_path, caddy)
    estate.write("hosts/h0.yaml", host("h0", "new"))
    estate.push()
    before = caddy.config()
    for pin in ("deadbeef", "deadbeef" * 4, "0"):
        for more in ([], ["--auto-approve"]):
            assert estate.run("apply", *more, "--approve", pin).code not in (0, 2)
    assert caddy.config() == before


def test_fm06_another_build_changes_nothing(tmp_path: Path, caddy: RealCaddy) -> None:
    """A lost cache and a lost memo, as after an upgrade: nothing to do, and nothing is written."""
    estate = _running(tmp_path, caddy)
    shutil.rmtree(tmp_path / "cache")
    plan = estate.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out


def test_fm16_a_stale_plan_file_is_refused(tmp_path: Path, caddy: RealCaddy) -> None:
    """Exit 6 when the revision moved, and when the live state did; the same plan is applied."""
    estate = _running(tmp_path, caddy)
    estate.write("hosts/h0.yaml", host("h0", "second"))
    estate.push()
    saved = str(tmp_path / "plan.json")
    assert estate.run("plan", "--out", saved).code == 0
    estate.write("hosts/h1.yaml", host("h1", "third"))
    estate.push()
    stale = estate.run("apply", saved)
    assert stale.code == 6, stale.err
    assert "revision moved" in stale.err
    assert estate.run("plan", "--out", saved).code == 0
    foreign = {"match": [{"host": ["stray.example.com"]}], "handle": [{"handler": "static_response"}]}
    config = caddy.config()
    next(iter(config["apps"]["http"]["servers"].values()))["routes"].append(foreign)
    caddy.load({name: part for name, part in config.items() if name != "admin"})
    stale = estate.run("apply", saved)
    assert stale.code == 6, stale.err
    assert "live state" in stale.err
    assert estate.run("plan", "--out", saved).code == 0
    assert estate.run("apply", saved).code == 0
    assert caddy.get("h1.example.com").text == "third"


def test_fm18_one_bad_file_applies_nothing_and_a_restart_is_repaired(
    tmp_path: Path, caddy: RealCaddy
) -> None:
    """A revision is applied whole or not at all; a Caddy that lost its configuration gets it back."""
    estate = _running(tmp_path, caddy)
    estate.write("hosts/h0.yaml", host("h0", "new"))
    estate.write("hosts/bad.yaml", host("bad", "text", domains="not a list"))
    estate.push("bad")
    invalid = estate.apply()
    assert invalid.code == 3
    assert "hosts/bad.yaml:" in invalid.err
    assert caddy.get("h0.example.com").text == "text 0"
    assert "InvalidConfiguration" in estate.status_file("README.md")
    (estate.work / "hosts" / "bad.yaml").unlink()
    estate.push("good again")
    caddy.restart()
    plan = estate.run("plan")
    assert "drift" in plan.out
    repaired = estate.apply()
    assert repaired.code == 0, repaired.out + repaired.err
    assert caddy.get("h0.example.com").text == "new"


def test_fm19_a_rewritten_branch_is_followed_in_one_pass(tmp_path: Path, caddy: RealCaddy) -> None:
    estate = _running(tmp_path, caddy)
    estate.write("hosts/h0.yaml", host("h0", "rewritten"))
    estate.git("add", "-A")
    estate.git("commit", "-q", "--amend", "-m", "rewritten")
    estate.git("push", "-q", "--force", "origin", "main")
    assert estate.apply().code == 0
    assert caddy.get("h0.example.com").text == "rewritten"
    estate.environment["ARGOS_REFUSE_REWRITE"] = "true"
    estate.git("commit", "-q", "--amend", "--allow-empty", "-m", "again")
    estate.git("push", "-q", "--force", "origin", "main")
    refused = estate.apply()
    assert refused.code == 1
    assert "NonFastForward" in refused.err


def test_fm20_pointers_and_links_are_never_configuration(tmp_path: Path, caddy: RealCaddy) -> None:
    """An LFS pointer and a link out of the tree are errors that name the file."""
    estate = _running(tmp_path, caddy)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    (estate.work / "hosts" / "big.yaml").write_text(pointer)
    (estate.work / "hosts" / "link.yaml").symlink_to("/etc/passwd")
    estate.push()
    invalid = estate.apply()
    assert invalid.code == 3
    assert "hosts/big.yaml" in invalid.err
    assert "hosts/link.yaml" in invalid.err
    assert "root:" not in invalid.err


def test_a_dead_lapi_stops_no_host(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec) -> None:
    """Caddy is applied, exit 5 tells that a target was not reached, and the next pass completes it."""
    estate = Estate(tmp_path, {PASSWORD: crowdsec.machine_password})
    estate.write("edge.yaml", edge(caddy, crowdsec), host("one", "text"), ban("b", "100.64.0.1"))
    estate.push()
    crowdsec.kill()
    partial = estate.apply()
    assert partial.code == 5, partial.out + partial.err
    assert caddy.get("one.example.com").text == "text"
    assert "Unreachable" in estate.run("status").out
    crowdsec.start()
    complete = estate.apply()
    assert complete.code == 0, complete.out + complete.err
    assert [row["value"] for row in crowdsec.decisions("argos-decision-b")] == ["100.64.0.1"]


def test_a_country_without_a_database_says_so_and_the_rest_goes_on(
    tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec
) -> None:
    estate = Estate(tmp_path, {PASSWORD: crowdsec.machine_password})
    estate.write(
        "edge.yaml", edge(caddy, crowdsec), host("one", "text"), country("NG"), ban("b", "100.64.0.1")
    )
    estate.push()
    done = estate.apply()
    assert done.code == 1, done.out + done.err
    assert "GeoDatabaseMissing" in done.out
    assert len(crowdsec.decisions()) == 1
    assert "CountryBan/ng" in estate.run("status").out


def test_two_agents_at_once(tmp_path: Path, caddy: RealCaddy) -> None:
    """A lock that is held is waited for; both end well, one of them with nothing to do."""
    estate = _running(tmp_path, caddy)
    estate.write("hosts/h0.yaml", host("h0", "both"))
    estate.push()
    agents = [
        subprocess.Popen(
            estate.command("apply", "--auto-approve"),
            cwd=tmp_path,
            env=estate.environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [agent.communicate(timeout=120)[0] for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], outputs
    assert caddy.get("h0.example.com").text == "both"


def test_a_suspended_edge_is_left_alone(tmp_path: Path, caddy: RealCaddy) -> None:
    estate = _running(tmp_path, caddy)
    suspended = edge(caddy)
    suspended["metadata"]["annotations"] = {"argos.dev/suspend": "true"}
    estate.write("edge.yaml", suspended)
    estate.write("hosts/h0.yaml", host("h0", "new"))
    estate.push()
    done = estate.apply()
    assert done.code == 0, done.out
    assert "suspended" in done.out
    assert caddy.get("h0.example.com").text == "text 0"


def test_a_resource_that_is_missing_is_explained(tmp_path: Path, caddy: RealCaddy) -> None:
    """A Host that names no Service that exists: path, line, code and what was meant."""
    estate = Estate(tmp_path)
    wanted = host("one", "text", service="ap")
    del wanted["spec"]["response"]
    service = document("Service", "app", {"targets": [{"address": "127.0.0.1:1"}]})
    estate.write("all.yaml", edge(caddy), wanted, service)
    estate.push()
    invalid = estate.run("validate")
    assert invalid.code == 3
    assert "did you mean" in invalid.err
    assert "all.yaml:" in invalid.err
