"""Secrets that SOPS encrypted in the repository: planned, applied, rotated, rolled back."""

import json
from pathlib import Path
from typing import Any

import pytest

from argos_gitops.app.application import open_application
from argos_gitops.cli.progress import Silence
from argos_gitops.reconcile.parts import Approval
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.sops import RealSops
from tests.real.estate import Estate, Finished, ban, edge, host

OLD, NEW = "canary-sops-old-41d7", "canary-sops-new-{x}-c2"


class SopsEstate(Estate):
    """An estate whose secrets stand in `secrets/edge.yaml`."""

    def seal(self, sops: RealSops, **secrets: str) -> None:
        path = self.work / "secrets" / "edge.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(sops.encrypt("edge.yaml", json.dumps(secrets)))


@pytest.fixture
def estate(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops) -> SopsEstate:
    estate = SopsEstate(tmp_path, {"ARGOS_AGE_KEY": f"# mine\n{sops.key}"})
    main: dict[str, Any] = edge(caddy, crowdsec)
    main["spec"]["crowdsec"]["machine"]["password"] = {"sops": "secrets/edge.yaml#lapi"}
    estate.write("edge.yaml", main)
    headers = {"response": {"set": {"X-Upstream-Key": {"sops": "secrets/edge.yaml#key"}}}}
    estate.write("hosts.yaml", host("one", "text", headers=headers))
    estate.write("bans.yaml", ban("one", "100.64.0.1"))
    estate.seal(sops, lapi=crowdsec.machine_password, key=OLD)
    estate.push()
    return estate


def served(caddy: RealCaddy) -> str:
    return caddy.get("one.example.com").headers["X-Upstream-Key"]


def hidden(*finished: Finished) -> None:
    for each in finished:
        assert "canary" not in each.out + each.err


def test_a_rotated_secret_is_a_masked_change_and_goes_back_with_its_revision(
    estate: SopsEstate, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """The value in force is always that of the revision in force."""
    first = estate.apply()
    assert (first.code, served(caddy)) == (0, OLD), first.err
    before = estate.git("rev-parse", "HEAD").strip()
    idle = estate.run("plan", "--detailed-exitcode")
    assert idle.code == 0, idle.out
    estate.seal(sops, lapi=crowdsec.machine_password, key=NEW)
    estate.push("rotate")
    plan = estate.run("plan")
    assert "secret rotated" in plan.out
    rendered = estate.run("render", "Host/one")
    assert "********" in rendered.out
    second = estate.apply()
    assert (second.code, served(caddy)) == (0, NEW), second.err
    back = estate.run("apply", "--auto-approve", "--rev", before)
    assert (back.code, served(caddy)) == (0, OLD), back.err
    hidden(first, idle, plan, rendered, second, back)


def test_a_process_that_lives_on_takes_the_new_value_and_the_new_password(
    estate: SopsEstate, caddy: RealCaddy, crowdsec: RealCrowdSec, sops: RealSops, tmp_path: Path
) -> None:
    """What it remembers of the revision before does not stand in the way; an idle pass decrypts nothing."""
    with open_application({}, estate.environ(), tmp_path, Silence()) as application:
        application.apply(lambda _: Approval(proceed=True))
        assert served(caddy) == OLD
        estate.seal(sops, lapi="wrong-canary", key=NEW)
        estate.push("rotate")
        wrong = application.apply(lambda _: Approval(proceed=True))
        assert served(caddy) == NEW
        assert any(each.reason == "LoginRefused" for each in wrong.conditions)
        estate.seal(sops, lapi=crowdsec.machine_password, key=NEW)
        estate.push("the right password")
        right = application.apply(lambda _: Approval(proceed=True))
        assert not any(each.reason == "LoginRefused" for each in right.conditions)
        assert application.apply(lambda _: Approval(proceed=True)).result == "NoChange"


def test_encrypting_anew_without_a_new_value_changes_nothing(
    estate: SopsEstate, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """As `sops updatekeys` and `sops rotate` do it."""
    estate.apply()
    estate.seal(sops, lapi=crowdsec.machine_password, key=OLD)
    estate.push("updatekeys")
    plan = estate.run("plan", "--detailed-exitcode")
    assert plan.code == 0, plan.out


def test_a_password_that_moved_with_its_system_is_found(
    estate: SopsEstate, crowdsec: RealCrowdSec, sops: RealSops
) -> None:
    """LAPI has a new one, then git has it: nobody restarts anything."""
    estate.apply()
    estate.seal(sops, lapi="wrong-canary", key=OLD)
    estate.push("a wrong password")
    wrong = estate.apply()
    assert "LoginRefused" in estate.run("status", "-o", "json").out
    estate.seal(sops, lapi=crowdsec.machine_password, key=OLD)
    estate.push("the right one")
    right = estate.apply()
    assert right.code == 0, right.err
    hidden(wrong, right)


def test_without_the_key_a_revision_is_valid_and_cannot_be_applied(
    estate: SopsEstate, sops: RealSops
) -> None:
    """As in a pull request's CI; the other system of the Edge is told apart from the one that lacks it."""
    del estate.environment["ARGOS_AGE_KEY"]
    assert estate.run("validate").code == 0
    refused = estate.apply()
    assert refused.code != 0
    assert "there is no age key" in refused.out + refused.err
    assert sops.recipient in refused.out + refused.err


def test_sops_environment_variables_serve_too(estate: SopsEstate, sops: RealSops, tmp_path: Path) -> None:
    del estate.environment["ARGOS_AGE_KEY"]
    (tmp_path / "keys.txt").write_text(f"# created\n{sops.key}\n")
    estate.environment["SOPS_AGE_KEY_FILE"] = str(tmp_path / "keys.txt")
    assert estate.apply().code == 0


def test_tampering_in_the_repository_stops_before_anything_is_written(
    estate: SopsEstate, caddy: RealCaddy
) -> None:
    path = estate.work / "secrets" / "edge.yaml"
    lines = path.read_text().splitlines(keepends=True)
    lines[0], lines[1] = (
        lines[0].partition(":")[0] + ":" + lines[1].partition(":")[2],
        lines[1].partition(":")[0] + ":" + lines[0].partition(":")[2],
    )
    path.write_text("".join(lines))
    estate.push("swap two values")
    config = caddy.config()
    refused = estate.apply()
    assert refused.code != 0
    assert "was changed, or moved here from another place" in refused.out + refused.err
    assert caddy.config() == config
    hidden(refused)
