"""How reconcilers fail, for Stacks: each row on a real engine, through the program that people run."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from tests.components.docker import RealDockerd
from tests.real.agents import agent_document, agent_on, estate_at, until
from tests.real.docker_hosts import (
    container_ids,
    docker_host,
    running,
    service,
    stack,
    with_compose,
    write_compose,
)
from tests.real.estate import Estate, document

_FLAPPING = {"repairs": 2, "within": "10m", "longestPause": "1h"}


@pytest.fixture
def estate(tmp_path: Path, dockerd: RealDockerd, compose: Path, project: str) -> Estate:
    """A host with one Stack, `site`, that is pushed and well."""
    estate = with_compose(estate_at(tmp_path / "estate"), compose)
    drift = {"intervals": {"docker": "1s", "containers": "1s"}, "flapping": _FLAPPING}
    estate.write("agent.yaml", agent_document(drift=drift))
    estate.write("box.yaml", docker_host(dockerd))
    estate.write("site.yaml", stack(project))
    write_compose(estate, web=service(dockerd.web, restart="unless-stopped"))
    estate.push("a site")
    return estate


def _state(estate: Estate, name: str = "site") -> dict[str, Any]:
    """The Ready condition of a Stack, as `status` tells it."""
    told = json.loads(estate.run("status", "-o", "json").out)
    found = [c for c in told["conditions"] if c["subject"] == f"Stack/{name}" and c["type"] == "Ready"]
    return dict(found[0]) if found else {}


def _digest(estate: Estate) -> str:
    found: str = json.loads(estate.run("plan", "-o", "json").out)["digest"]
    return found


def test_fm06_nothing_is_done_to_an_unchanged_stack(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """Neither by later passes, nor by a newly installed program that knows nothing of the earlier ones."""
    assert estate.apply().code == 0
    before = container_ids(dockerd, project)
    assert estate.apply().code == 0
    estate.environment |= {
        "XDG_STATE_HOME": str(estate.folder / "other-state"),
        "XDG_CACHE_HOME": str(estate.folder / "other-cache"),
    }
    # Where relative mounts lie on the host is a part of what containers are made of: none are used here.
    assert estate.run("plan", "--detailed-exitcode").code == 0
    assert estate.apply().code == 0
    assert container_ids(dockerd, project) == before


def test_fm07_somebody_who_stops_a_service_again_and_again_is_not_fought(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """Two repairs, then the agent waits and says so; git ends the wait."""
    web = f"{project}-web-1"
    with agent_on(estate) as agent:
        agent.ready()

        def killed_until_flapping() -> bool:
            if running(dockerd, project) and _state(estate).get("status") == "True":
                dockerd.run("kill", web)
            return "Flapping" in estate.run("status", "-o", "json").out

        until(killed_until_flapping, "it flaps", 120)
        if running(dockerd, project):
            dockerd.run("kill", web)
        write_compose(estate, web=service(dockerd.web, restart="always"))
        estate.push("git moves")
        agent.hang_up()
        until(lambda: running(dockerd, project), "the new revision runs")


def test_fm08_a_good_commit_ends_the_wait_for_a_bad_one(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """The bad one may take an hour to become healthy; the good one starts as soon as it is pushed."""
    estate.write("site.yaml", stack(project, health={"timeout": "1h"}))
    never = {"test": ["CMD", "false"], "interval": "1h", "start_period": "1h"}
    write_compose(estate, web=service(dockerd.sleep, healthcheck=never))
    estate.push("bad")
    with agent_on(estate) as agent:
        until(lambda: running(dockerd, project) == {"web": dockerd.sleep}, "the bad one was started")
        write_compose(estate, web=service(dockerd.web))
        good = estate.push("good")
        agent.hang_up()
        until(lambda: running(dockerd, project) == {"web": dockerd.web}, "the good one was started")
        until(lambda: _state(estate).get("status") == "True", "it is well")
        until(lambda: good in estate.run("status", "-o", "json").out, "and told to be")


def test_fm13_a_secret_shows_nowhere(
    estate: Estate, dockerd: RealDockerd, project: str, compose: Path
) -> None:
    """Neither the old value nor the new one: in plans, logs, on the status branch, or in an argument."""
    values = ("cAnArY-one-51ab", "cAnArY-two-77cd")
    estate.write("site.yaml", stack(project, environment={"TOKEN": {"env": "SITE_TOKEN"}}))
    talking = ["sh", "-c", 'echo "token is $$TOKEN"; exit 3']
    told, seen = "", _Arguments()
    with seen.watched():
        for number, value in enumerate(values):
            estate.environment["SITE_TOKEN"] = value
            environment = {"TOKEN": "${TOKEN}", "ROUND": str(number)}
            write_compose(estate, web=service(dockerd.sleep, command=talking, environment=environment))
            estate.push(f"round {number}")
            for command in (["plan"], ["plan", "-o", "json"], ["plan", "-o", "markdown"]):
                ended = estate.run(*command)
                told += ended.out + ended.err
            ended = estate.apply()
            told += ended.out + ended.err
            for command in (["status", "-o", "json"], ["drift"], ["history"], ["render", "Stack/site"]):
                ended = estate.run(*command)
                told += ended.out + ended.err
    told += estate.git("log", "-p", "argos/status/test", at=estate.repository)
    assert "token is" in told
    kept = [path for name in ("state", "cache") for path in (estate.folder / name).rglob("*")]
    for value in values:
        assert value not in told
        assert value not in seen.told
        assert not [path for path in kept if path.is_file() and value.encode() in path.read_bytes()]


def test_fm14_an_agent_that_is_killed_goes_on(estate: Estate, dockerd: RealDockerd, project: str) -> None:
    """Kill -9 while Compose starts containers: the next process finishes, without anything by hand."""
    with agent_on(estate, "first") as agent:
        until(lambda: container_ids(dockerd, project), "containers are made")
        agent.kill()
    with agent_on(estate, "second") as agent:
        agent.ready()
        until(lambda: _state(estate).get("status") == "True", "it is well", 120)
        assert estate.run("plan", "--detailed-exitcode").code == 0
        assert len(container_ids(dockerd, project)) == 1


def test_fm16_a_plan_that_was_kept_is_stale_once_the_host_moved(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """Exit code 6, and nothing is written."""
    assert estate.apply().code == 0
    write_compose(estate, web=service(dockerd.web, restart="always"))
    estate.push("another policy")
    kept = estate.folder / "plan.bin"
    assert estate.run("plan", "--out", str(kept)).code == 0
    dockerd.run("rm", "--force", f"{project}-web-1")
    assert estate.apply(str(kept)).code == 6
    assert running(dockerd, project) == {}


def test_fm22_what_is_suspended_is_told_and_left_alone(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """The effective state shows, and coming back repairs what happened meanwhile."""
    assert estate.apply().code == 0
    assert estate.run("suspend", "DockerHost/box", "--reason", "moving").code == 0
    dockerd.run("kill", f"{project}-web-1")
    assert estate.apply().code == 2  # changes are pending
    assert running(dockerd, project) == {}
    assert "suspended" in estate.run("status").out.lower()
    assert estate.run("resume", "DockerHost/box").code == 0
    assert estate.apply().code == 0
    assert running(dockerd, project) == {"web": dockerd.web}
    estate.write("site.yaml", {**stack(project), **_annotated(project, suspend="true")})
    write_compose(estate, web=service(dockerd.web, restart="always"))
    estate.push("suspended in git")
    before = container_ids(dockerd, project)
    assert estate.apply().code == 0
    assert container_ids(dockerd, project) == before
    assert _state(estate)["reason"] == "Suspended"


def test_a_protected_stack_outlives_its_resource(estate: Estate, dockerd: RealDockerd, project: str) -> None:
    """`argos.dev/prune: disabled` stood on it when it was applied; another one beside it may go."""
    estate.write("site.yaml", {**stack(project), **_annotated(project, prune="disabled")})
    estate.write("none.yaml", document("Network", "unused", {"host": "box", "name": f"{project}-unused"}))
    estate.push("protected")
    assert estate.apply().code == 0
    before = container_ids(dockerd, project)
    (estate.work / "site.yaml").unlink()
    (estate.work / "stacks" / "site" / "compose.yaml").unlink()
    estate.push("gone")
    assert estate.apply().code == 0
    assert container_ids(dockerd, project) == before
    dockerd.run("network", "rm", f"{project}-unused")


def test_the_last_stack_goes_with_an_approval_alone(
    estate: Estate, dockerd: RealDockerd, project: str
) -> None:
    """An emptied host is what nobody means; whoever does names the plan."""
    assert estate.apply().code == 0
    (estate.work / "site.yaml").unlink()
    (estate.work / "stacks" / "site" / "compose.yaml").unlink()
    estate.push("gone")
    assert estate.apply().code == 4
    assert running(dockerd, project) == {"web": dockerd.web}
    assert estate.run("apply", "--approve", _digest(estate)).code == 0
    assert container_ids(dockerd, project) == set()


def _annotated(project: str, **annotations: str) -> dict[str, Any]:
    found = document("Stack", "site", stack(project)["spec"], **annotations)
    return {"metadata": found["metadata"]}


class _Arguments:
    """The command lines of everything that runs on this machine, looked at again and again."""

    def __init__(self) -> None:
        self.told = ""
        self._over = threading.Event()

    @contextmanager
    def watched(self) -> Iterator[None]:
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._over.set()
            watching.join()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            for process in Path("/proc").glob("[0-9]*"):
                with suppress(FileNotFoundError, ProcessLookupError):  # ended while we looked
                    arguments = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    self.told += arguments.decode(errors="replace") + "\n"
