"""Everything that a command and the agent write is for their account alone, whatever the umask."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components.caddy import RealCaddy
from tests.real.agents import agent_document, agent_on, estate_at, until
from tests.real.estate import edge, host


@pytest.fixture(params=[0o000, 0o022], ids=["000", "022"])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def _open_to_others(*roots: Path) -> list[str]:
    found = [each for root in roots for each in (root, *root.rglob("*"))]
    return [str(each) for each in found if not each.is_symlink() and each.stat().st_mode & 0o077]


def test_state_and_caches_are_for_us_alone(umask: int, tmp_path: Path, caddy: RealCaddy) -> None:
    """After an apply, a plan with --out and a run of the agent; also what was open before."""
    estate = estate_at(tmp_path / "estate")
    estate.write("edge.yaml", edge(caddy))
    estate.write("agent.yaml", agent_document())
    estate.write("hosts.yaml", host("app", "one"))
    estate.push("first")
    plan = estate.folder / "plan.json"
    plan.write_text("left by an older version")
    plan.chmod(0o644)
    assert estate.run("plan", "--out", str(plan)).code == 0
    assert estate.run("apply", "--auto-approve").code == 0
    roots = (estate.folder / "state" / "argos-gitops", estate.folder / "cache" / "argos-gitops")
    assert _open_to_others(plan, *roots) == []
    with agent_on(estate) as agent:
        agent.ready()
        estate.write("hosts.yaml", host("app", "two"))
        estate.push("second")
        agent.deliver()
        until(lambda: caddy.get("app.example.com").text == "two", "the new text is served")
        assert _open_to_others(*roots) == []
    for root in roots:
        for each in (root, *root.rglob("*")):
            if not each.is_symlink():
                each.chmod(0o777 if each.is_dir() else 0o666)
    assert estate.run("status").code == 0
    assert _open_to_others(*(root for root in roots)) == []
