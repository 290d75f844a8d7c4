"""Whatever fails, everything that speaks of it says the same, and what it says is what a visitor sees."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from argos_gitops.cli import cli
from argos_gitops.cli.errors import exit_code_of_state
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.ports import free_port
from tests.components.receiver import Receiver
from tests.components.upstream import Upstream
from tests.real.agents import AgentProcess, agent_document, agent_on, until
from tests.real.estate import PASSWORD, Estate, ban, document, edge, host

pytestmark = pytest.mark.slow

ENDS = {
    "ConfigurationAccepted": "ConfigurationRejected",
    "TargetRecovered": "TargetUnreachable",
    "ResourceRecovered": "ResourceUnhealthy",
}
HELD_BACK = {"Pending", "Blocked", "Suspended"}
"""Reasons that other events tell of, as nothing is known to fail."""
FIRST_WORDS = ("state", "resources")
TEXTS = ("one", "two")
HOSTS = ("fixed", "left", "right")
SERVED = ("left", "right")
"""Hosts with an upstream of their own; the other one answers by itself."""


@dataclass(frozen=True)
class Circumstances:
    """What git says, and what is broken. `text` is what the Host without an upstream answers."""

    hosts: frozenset[str]
    text: str
    suspended: frozenset[str]
    valid: bool
    caddy: bool
    lapi: bool
    upstreams: frozenset[str]
    writable: bool
    """Whether the server takes the status branch."""


circumstances = st.builds(
    Circumstances,
    hosts=st.sets(st.sampled_from(HOSTS), min_size=2).map(frozenset),
    text=st.sampled_from(TEXTS),
    suspended=st.sampled_from([frozenset(), frozenset(), frozenset({"left"}), frozenset({"fixed"})]),
    valid=st.sampled_from([True, True, True, False]),
    caddy=st.sampled_from([True, True, True, False]),
    lapi=st.sampled_from([True, True, True, False]),
    upstreams=st.sets(st.sampled_from(SERVED)).map(frozenset),
    writable=st.sampled_from([True, True, True, False]),
)


@dataclass(frozen=True)
class Voice:
    """How one place says that things stand: the state in a word, the counts, and Ready by resource."""

    state: str
    counts: str
    ready: Mapping[str, tuple[str, str]]


@dataclass
class World:
    """An edge with its agent, and the hands that break it."""

    estate: Estate
    agent: AgentProcess
    caddy: RealCaddy
    crowdsec: RealCrowdSec
    receiver: Receiver
    ports: Mapping[str, int]
    upstreams: ExitStack
    in_force: frozenset[str] = frozenset()
    """The Hosts of the newest revision that is valid."""
    writable: bool = True
    heard: int = 0
    """How many events people have heard of."""
    gone: dict[str, int] = field(default_factory=dict)
    """How many of them were about an earlier Host of that name."""

    def become(self, wanted: Circumstances) -> None:
        self.upstreams.close()
        for name in wanted.upstreams:
            self.upstreams.enter_context(Upstream(name, self.ports[name]))
        for part, up in ((self.caddy, wanted.caddy), (self.crowdsec, wanted.lapi)):
            if up and not part.pid is not None:
                part.start()
            elif part.pid is not None and not up:
                part.kill()
        self.estate.write("hosts.yaml", *(self._host(name, wanted) for name in sorted(wanted.hosts)))
        if wanted.valid:
            self.in_force = wanted.hosts
        self._protect(not wanted.writable)
        self.estate.write("broken.yaml", *([] if wanted.valid else [{"kind": "Nonsense"}]))
        self.estate.push()

    def _protect(self, protected: bool) -> None:
        hook = self.estate.repository / "hooks" / "update"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ncase $1 in refs/heads/argos/*) exit {int(protected)};; esac\n")
        hook.chmod(0o755)
        self.writable = not protected

    def is_untold(self) -> bool:
        """Whether `status` says that the status branch is not up to date."""
        return "status branch" in json.loads(self.run("status", "--output", "json")[1])["untold"]

    def _host(self, name: str, wanted: Circumstances) -> dict[str, Any]:
        annotations = {"suspend": "true"} if name in wanted.suspended else {}
        spec = host(name, wanted.text)["spec"]
        if name in SERVED:
            spec.pop("response")
            spec["service"] = name
        return document("Host", name, spec, **annotations)

    def run(self, *arguments: str) -> tuple[int, str]:
        done = CliRunner().invoke(cli, arguments, env=self.estate.environ(), standalone_mode=False)
        assert done.exception is None, (arguments, done.output, done.exception)
        return int(done.return_value), done.output

    def visit(self, name: str) -> str:
        """What a visitor of a Host gets: its text, or how that failed."""
        try:
            answer = self.caddy.get(f"{name}.example.com")
        except httpx.HTTPError:
            return "nothing"
        return answer.text.strip() if answer.status_code == 200 else str(answer.status_code)

    def of_store(self) -> Voice:
        """`status`, which says in text what it says in JSON."""
        said = json.loads(self.run("status", "--output", "json")[1])
        lines = self.run("status")[1].splitlines()
        words = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines if line.startswith(FIRST_WORDS)}
        assert words["state"] == said["state"]
        return Voice(said["state"], words["resources"], _ready(said["conditions"]))

    def of_branch(self) -> Voice:
        """The page that reviewers see, and the page of each resource beside it."""
        page = dict(re.findall(r"^\| (\w+) \| (.+?) \|$", self.estate.status_file("README.md"), re.MULTILINE))
        listed = self.estate.git(
            "ls-tree", "-r", "--name-only", "argos/status/test", "resources/", at=self.estate.repository
        )
        ready: dict[str, tuple[str, str]] = {}
        for name in listed.split():
            subject = name.removeprefix("resources/").removesuffix(".yaml")
            found = YAML(typ="safe").load(self.estate.status_file(name)).get("conditions", ())
            ready |= _ready([{"subject": subject, **each} for each in found])
        return Voice(page["State"].split("**")[1], page["Resources"], ready)

    def standing(self) -> dict[str, set[str]]:
        """The alarms that people were told of and that have not ended, by event.

        An alarm about a Host ends without a word when the Host leaves git.
        """
        found: dict[str, set[str]] = {event: set() for event in ENDS.values()}
        events = [
            each for message in [*self.receiver.received] for each in json.loads(message.body)["events"]
        ]
        for number, each in enumerate(events):
            if each["name"] in found and number >= self.gone.get(each["subject"], 0):
                found[each["name"]].add(each["subject"])
            elif each["name"] in ENDS:
                found[ENDS[each["name"]]].discard(each["subject"])
        self.heard = len(events)
        return found


def _ready(conditions: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, str]]:
    return {
        each["subject"]: (each["status"], each["reason"]) for each in conditions if each["type"] == "Ready"
    }


def _alarms(voice: Voice) -> dict[str, set[str]]:
    """What people must have heard of, where things stand like this."""
    failing = {
        subject
        for subject, (status, reason) in voice.ready.items()
        if status == "False" and reason not in HELD_BACK
    }
    edges = {subject for subject in failing if subject.startswith("Edge/")}
    return {
        "ConfigurationRejected": {""} if voice.state == "InvalidConfiguration" else set(),
        "TargetUnreachable": edges,
        "ResourceUnhealthy": failing - edges,
    }


def _told(world: World, voice: Voice) -> bool:
    """Whether people have heard of what fails, and of nothing else but what nobody can tell the end of."""
    unproven = {subject for subject, (status, _) in voice.ready.items() if status != "True"} | {""}
    unproven |= set(map("Host/{}".format, HOSTS)) - set(voice.ready)
    alarms = _alarms(voice)
    return all(
        alarms[event] <= standing <= alarms[event] | unproven for event, standing in world.standing().items()
    )


def check(world: World) -> None:
    """All voices agree, and none says of a Host what its visitors do not see.

    What has left git is counted while it stands, but has no page of its own on the status branch.
    """
    left = {f"Host/{name}" for name in HOSTS if name not in world.in_force}
    code, said = world.run("sync")
    voice = world.of_store()
    expected = exit_code_of_state(voice.state)
    # That the branch could not be written is a failure of its own, heard of, and over, a moment later.
    assert code in (expected, expected or 1), (said, voice)
    assert f"resources           {voice.counts}" in said.splitlines()
    failing = [status for status, _ in voice.ready.values()].count("False")
    assert (f"{failing} not ready" in voice.counts) == (failing > 0)
    if world.writable:
        in_git = {subject: found for subject, found in voice.ready.items() if subject not in left}
        until(lambda: world.of_branch() == replace(voice, ready=in_git), f"the status branch says {voice}")
    until(lambda: world.is_untold() != world.writable, "status says whether the status branch is up to date")
    until(lambda: _told(world, voice), f"people have heard of what {voice} says")
    until(
        lambda: (world.agent.health()["status"] == "ok") == (voice.state == "Synced" and world.writable),
        f"health says what {voice} says",
    )
    for subject, (status, reason) in voice.ready.items():
        kind, name = subject.split("/")
        if kind == "Host" and status != "Unknown":
            assert (status == "True") == (world.visit(name) in (name, *TEXTS)), (subject, voice)
        if subject in left or voice.state == "InvalidConfiguration":
            continue  # `explain` speaks of what git has
        explained = re.search(r"^  Ready +(\w+) \((\w+)\)", world.run("explain", subject)[1], re.MULTILINE)
        assert explained is not None, subject
        assert explained.groups() == (status, reason)
    _check_audit(world, voice)
    world.gone |= dict.fromkeys(left, world.heard)


def _check_audit(world: World, voice: Voice) -> None:
    """What is ready was made, and nobody took it away since, by the last word of the audit log."""
    audited = json.loads(world.run("audit", "--output", "json")[1])
    last = {
        each["subject"]: (each["action"], each["outcome"]) for each in reversed(audited) if each["target"]
    }
    for subject, (status, _) in voice.ready.items():
        if status == "True":
            assert last[subject] in (("create", "done"), ("update", "done")), subject


@settings(
    max_examples=6,
    derandomize=True,
    phases=[Phase.generate],  # a failure is a wait that ends, so that looking for a smaller one takes hours
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(circumstances, min_size=3, max_size=3))
def test_everything_that_speaks_says_what_a_visitor_sees(world: World, steps: list[Circumstances]) -> None:
    """Sites, bans, their systems and what stands behind them, in any combination."""
    for wanted in steps:
        world.become(wanted)
        check(world)


@pytest.fixture
def world(tmp_path: Path, caddy: RealCaddy, crowdsec: RealCrowdSec) -> Iterator[World]:
    with Receiver() as receiver:
        estate = Estate(tmp_path, {PASSWORD: crowdsec.machine_password})
        hook = {"webhook": {"url": receiver.url}, "rateLimitPerMinute": 600}
        ports = {name: free_port() for name in SERVED}
        estate.write(
            "edge.yaml",
            agent_document(),
            edge(caddy, crowdsec),
            ban("banned", "203.0.113.7"),
            document("NotificationChannel", "ops", hook),
            document("NotificationRule", "all", {"channels": ["ops"], "throttle": "0s"}),
            *(
                document("Service", name, {"targets": [{"address": f"127.0.0.1:{port}"}]})
                for name, port in ports.items()
            ),
        )
        estate.push()
        with agent_on(estate) as agent, ExitStack() as running:
            agent.ready()
            yield World(estate, agent, caddy, crowdsec, receiver, ports, running)
