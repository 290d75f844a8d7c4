"""What people ask of the agent on the command line is followed, and said: suspended, pinned, overridden."""

from pathlib import Path

import pytest

from tests.components.caddy import RealCaddy
from tests.real.estate import Estate, document, edge, host

CLOSED = {"kind": "deny", "schedule": "* * * * *", "duration": "1h", "reason": "freeze"}


@pytest.fixture
def estate(tmp_path: Path, caddy: RealCaddy) -> Estate:
    """One served host, applied."""
    estate = Estate(tmp_path)
    estate.write("edge.yaml", edge(caddy))
    estate.write("app.yaml", host("app", "old"))
    estate.push("first")
    assert estate.run("apply", "--auto-approve").code == 0
    return estate


def change(estate: Estate) -> str:
    estate.write("app.yaml", host("app", "new"))
    return estate.push("move app")


def served(caddy: RealCaddy) -> str:
    return caddy.get("app.example.com").text


def test_what_is_suspended_waits_and_is_told_until_it_is_resumed(estate: Estate, caddy: RealCaddy) -> None:
    told = estate.run("suspend", "edge/main", "--reason", "moving house").out
    assert told.startswith("Edge/main is suspended, until")
    change(estate)
    waiting = estate.run("apply", "--auto-approve")
    assert waiting.code == 2  # changes are pending
    assert "Waiting: nothing was written." in waiting.out
    assert "Edge/main is suspended (by user/" in waiting.out
    assert served(caddy) == "old"
    status = estate.run("status").out
    assert "suspended   Edge/main" in status
    assert "moving house" in status
    assert estate.run("resume", "Edge/main").out.startswith("Edge/main is no longer suspended.")
    assert estate.run("apply", "--auto-approve").code == 0
    assert served(caddy) == "new"
    told = estate.run("audit").out
    assert "suspend" in told
    assert "resume" in told


def test_a_closed_window_holds_changes_until_an_emergency(estate: Estate, caddy: RealCaddy) -> None:
    estate.write("agent.yaml", document("Agent", "agent", {"windows": [CLOSED]}))
    change(estate)
    planned = estate.run("plan")
    assert "Held back" in planned.out
    assert "Edge/main is closed for good (deny window '* * * * *' UTC: freeze)" in planned.out
    assert "Waiting: nothing was written." in estate.run("apply", "--auto-approve").out
    refused = estate.run("apply", "--auto-approve", "--override-windows", "10m")
    assert (refused.code, "--reason" in refused.err) == (1, True)
    done = estate.run("apply", "--auto-approve", "--override-windows", "10m", "--reason", "outage")
    assert "Closed windows do not count until" in done.err
    assert served(caddy) == "new"
    assert "overridden" in estate.run("status").out
    estate.run("resume", "--override-windows", "0s", "--reason", "over")
    assert "overridden" not in estate.run("status").out
    assert "outage" in estate.run("audit", "--action", "override").out


def test_a_rollback_pins_a_known_revision_until_resumed(estate: Estate) -> None:
    first = estate.git("rev-parse", "HEAD").strip()
    change(estate)
    assert estate.run("rollback", "f" * 40, "--reason", "x").code == 1
    assert estate.run("rollback", first, "--reason", "bad move").out.startswith(
        f'The agent is held at {first[:7]} "first".'
    )
    refused = estate.run("apply", "--auto-approve")
    assert (refused.code, first[:12] in refused.err) == (1, True)
    assert f"pinned      {first[:12]}" in estate.run("status").out
    assert estate.run("resume", "--agent").out.startswith("Git is followed again")
    assert estate.run("apply", "--auto-approve").code == 0


def test_nobody_knows_what_is_misspelt(estate: Estate) -> None:
    refused = estate.run("suspend", "Edge/mian", "--reason", "x")
    assert refused.code == 1
    assert "nothing here is called Edge/mian; did you mean Edge/main?" in refused.err
    assert estate.run("suspend", "--reason", "x").code == 1
    assert estate.run("resume", "Host/ap").code == 1
