"""Several writers, outages, kills and damage: what survives."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from argos_gitops.model.errors import ReportError
from argos_gitops.status import StatusBranch, open_branch
from argos_gitops.status.tree import parse_status
from argos_gitops.status.writer import BUSY_ATTEMPTS, LOOK_AFTER
from tests.components.git import Origin
from tests.status.branches import REF, Writer, commits, plans
from tests.status.passes import (
    a_pass,
    change,
    sha_of,
)


def test_fm10_two_agents_of_one_instance_lose_no_report(origin: Origin, writer: Writer) -> None:
    """Each has a mirror of its own, and both report ten passes as fast as they can."""
    errors: list[ReportError] = []

    def run(agent: str) -> None:
        reporter = writer(agent)
        for minute in range(10):
            try:
                reporter.report(a_pass(1, [change(agent)], minutes=minute, names=[agent]))
            except ReportError as error:
                errors.append(error)

    threads = [threading.Thread(target=run, args=(agent,)) for agent in ("x", "y")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(plans(origin)) == commits(origin) == 20
    pages = "".join(origin.file(REF, path) for path in plans(origin))
    assert (pages.count("~ Thing/x"), pages.count("~ Thing/y")) == (10, 10)


def test_fm10_two_processes_on_one_mirror_lose_no_report(origin: Origin, writer: Writer) -> None:
    one, other = writer("same"), writer("same")
    for minute in range(6):
        reporter = one if minute % 2 else other
        reporter.report(a_pass(1, [change("a", after=str(minute))], minutes=minute))
    assert len(plans(origin)) == commits(origin) == 6


def test_fm10_two_instances_have_two_branches(origin: Origin, writer: Writer) -> None:
    writer("one", "home").report(a_pass(1))
    writer("two", "office").report(a_pass(1))
    assert origin.tip(REF)
    assert origin.tip("refs/heads/argos/status/office")


def test_fm10_what_others_put_on_the_branch_stays(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1))
    theirs = origin.commit({"NOTES.md": b"by hand"}, branch="argos/status/home")
    agent.report(a_pass(2, minutes=1))
    assert origin.file(REF, "NOTES.md") == "by hand"
    assert theirs in origin.log(REF)


KILLED = """
import sys
from pathlib import Path
from argos_gitops.status import StatusBranch, open_branch
from tests.status.passes import a_pass, change
agent = StatusBranch("home", lambda name: open_branch(sys.argv[1], name, Path(sys.argv[2])))
for minute in range(1000):
    agent.report(a_pass(1, [change("a", after=str(minute))], minutes=minute))
    print(minute, flush=True)
"""


@pytest.mark.parametrize("milliseconds", [0, 3, 9, 20, 45])
def test_fm15_a_writer_killed_anywhere_is_in_nobodys_way(
    origin: Origin, writer: Writer, tmp_path: Path, milliseconds: int
) -> None:
    command = [sys.executable, "-c", KILLED, origin.url, str(tmp_path / "one")]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as agent:
        assert agent.stdout is not None
        agent.stdout.readline()
        time.sleep(milliseconds / 1000)
        agent.kill()
    before = commits(origin)
    writer().report(a_pass(2, [change("a")], minutes=2000))
    assert commits(origin) > before
    assert "0000002" in origin.file(REF, "README.md")
    origin.git("fsck", "--strict")


def test_an_outage_loses_no_plan(origin: Origin, writer: Writer) -> None:
    """Two passes cannot be pushed, and meanwhile another agent writes: all three plans come through."""
    agent = writer()
    agent.report(a_pass(1, [change("a")]))
    away = origin.folder.rename(origin.folder.with_name("away.git"))
    for minute in (1, 2):
        with pytest.raises(ReportError):
            agent.report(a_pass(1, [change("a", after=f"mine{minute}")], minutes=minute))
    away.rename(origin.folder)
    writer("other").report(a_pass(1, [change("a", after="theirs")], minutes=3))
    agent.report(a_pass(1, minutes=4))
    assert len(plans(origin)) == 4
    status = parse_status(origin.file(REF, "status.yaml").encode())
    assert isinstance(status["plans"], list)
    assert len(status["plans"]) == 4


def test_an_outage_is_made_up_for_by_the_next_pass(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1))
    away = origin.folder.rename(origin.folder.with_name("away.git"))
    with pytest.raises(ReportError):
        agent.report(a_pass(2, minutes=1))
    away.rename(origin.folder)
    agent.report(a_pass(2, minutes=2))
    assert parse_status(origin.file(REF, "status.yaml").encode())["revision"] == {
        "sha": sha_of(2),
        "ref": "main",
        "subject": "move grafana",
    }


def test_a_branch_that_somebody_removed_is_noticed_after_a_while(origin: Origin, writer: Writer) -> None:
    agent = writer()
    agent.report(a_pass(1))
    origin.git("update-ref", "-d", REF)
    agent.report(a_pass(1, minutes=1))
    assert origin.tip(REF) is None
    agent.report(a_pass(1, minutes=LOOK_AFTER.total_seconds() / 60))
    assert commits(origin) == 1


def test_a_status_page_edited_by_hand_is_put_right(origin: Origin, writer: Writer) -> None:
    writer().report(a_pass(1))
    for content in (b"", b"plans: 7\n", b"{", b"\xff", b"- a\n"):
        origin.commit({"status.yaml": content}, branch="argos/status/home")
        writer().report(a_pass(1))
        assert parse_status(origin.file(REF, "status.yaml").encode())["instance"] == "home"


@pytest.mark.parametrize("damage", ["objects", "refs"])
def test_a_damaged_mirror_costs_no_report(
    origin: Origin, writer: Writer, tmp_path: Path, damage: str
) -> None:
    agent = writer()
    agent.report(a_pass(1))
    (mirror,) = [path for path in (tmp_path / "one" / "mirrors").iterdir() if path.is_dir()]
    for file in (mirror / damage).rglob("*"):
        if file.is_file():
            file.unlink()
    agent.report(a_pass(2, minutes=1))
    assert commits(origin) == 2


def test_a_sha_256_repository_gets_one_commit_for_each_pass_with_news(tmp_path: Path) -> None:
    """Ids of the wrong format would make every page look changed in each pass."""
    origin = Origin(tmp_path / "origins" / "new.git", "sha256")
    origin.commit({"config.yaml": b"x"})
    mirrored = StatusBranch("home", lambda name: open_branch(origin.url, name, tmp_path / "cache"))
    origin.git("clone", "--quiet", origin.url, str(tmp_path / "checkout"))
    local = StatusBranch(
        "home", lambda name: open_branch(str(tmp_path / "checkout"), name, tmp_path / "cache")
    )
    for writer in (mirrored, local):
        for minute in range(0, 60, 20):
            writer.report(a_pass(1, minutes=minute))
        writer.report(a_pass(2, minutes=60))
    assert commits(origin) == 2
    checkout = Origin.__new__(Origin)
    checkout.folder = tmp_path / "checkout"
    assert commits(checkout) == 2
    assert len(origin.git("show", "--name-only", "--format=", REF).split()) == 2


@pytest.mark.parametrize("obstacle", ["a name", "a hook", "a lock"])
def test_a_refusal_is_told_at_once_and_not_as_a_race(origin: Origin, writer: Writer, obstacle: str) -> None:
    """Eight retries cost 15 to 24 seconds of each apply."""
    pauses: list[float] = []
    if obstacle == "a name":
        origin.commit({"x": b"1"}, branch="argos")
    elif obstacle == "a hook":
        hook = origin.folder / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 1\n")
        hook.chmod(0o755)
    else:
        lock = origin.folder / f"{REF}.lock"
        lock.parent.mkdir(parents=True)
        lock.touch()
    agent = writer(pause=pauses.append)
    with pytest.raises(ReportError) as caught:
        agent.report(a_pass(1))
    reasons = {"a name": "BranchNameTaken", "a hook": "PushRefused", "a lock": "RefBusy"}
    assert caught.value.reason == reasons[obstacle]
    assert "others were faster" not in str(caught.value)
    assert sum(pauses) < 2
    assert len(pauses) == (BUSY_ATTEMPTS - 1 if obstacle == "a lock" else 0)
