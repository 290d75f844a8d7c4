"""Cleaning up a real engine: what was shown goes, and nothing else does."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from argos_gitops.app.clock import SystemClock
from argos_gitops.model.errors import TransientError
from argos_gitops.model.resource import EagerResources
from argos_gitops.model.source import Revision
from argos_gitops.ports.job import Job, JobReport, Occasion
from argos_gitops.providers.docker.schedules import ScheduleSpec
from argos_gitops.providers.docker.upkeep.jobs import jobs_of
from tests.components.docker import RealDockerd
from tests.fakes import resource
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.host import docker_host, network

_KEEP = "argos.dev/keep=true"


def an_occasion(go_on: Callable[[], None] = lambda: None) -> Occasion:
    """Ten minutes from now, so that what a test made is old enough."""
    now = SystemClock().now() + timedelta(minutes=10)
    return Occasion(now, Revision("a" * 40, "t", "main"), lambda _: "", go_on)


class Cleaned:
    """A host with one Stack and one Network, and the Schedule that cleans it up."""

    def __init__(self, dockerd: RealDockerd, around: Surroundings) -> None:
        self.dockerd, self.around = dockerd, around
        self.project = dockerd.new_name()
        self.network = dockerd.new_name("net")

    def job(self, **clean_up: object) -> Job:
        spec = {"cron": "0 3 * * *", "cleanUp": {"mode": "apply", "minimumAge": "0s", **clean_up}}
        service = f"{{image: '{self.dockerd.web}', volumes: ['ours:/data']}}"
        compose = f"services: {{web: {service}}}\nvolumes: {{ours: {{name: {self.project}-v}}}}\n"
        given = [
            docker_host(self.dockerd.socket),
            self.around.stack({"compose.yaml": compose}, name=self.project),
            network(self.network),
            resource("Schedule", "nightly", ScheduleSpec.model_validate(spec)),
        ]
        (job,) = jobs_of(EagerResources(given, "f"), self.around.context())  # type: ignore[arg-type]
        return job

    def run(self, **clean_up: object) -> JobReport:
        return self.job(**clean_up).run(an_occasion())

    def make(self, *labels: str, running: bool = False, **options: str) -> str:
        """A container, stopped unless said otherwise; its name."""
        name = self.dockerd.new_name("box")
        marks = [word for label in labels for word in ("--label", label)]
        more = [word for option, value in options.items() for word in (f"--{option}", value)]
        self.dockerd.run("run", "--detach", "--name", name, *marks, *more, self.dockerd.sleep)
        if not running:
            self.dockerd.run("kill", name)
        return name

    def start(self, name: str) -> None:
        self.dockerd.run("start", name)

    def there(self, *kind: str) -> set[str]:
        listing = {"container": ["ps", "-a", "--format", "{{.Names}}"]}
        words = listing.get(kind[0], [*kind, "ls", "--format", "{{.Name}}"])
        return set(self.dockerd.run(*words).split())


@pytest.fixture
def host(make_dockerd: Callable[[], RealDockerd], around: Surroundings) -> Cleaned:
    """With an engine of its own, as what other tests need would be cleaned up as well."""
    return Cleaned(make_dockerd(), around)


def test_only_what_nobody_needs_goes(host: Cleaned) -> None:
    """Nothing that runs, is kept or is ours, and no volume but the one that was named; what was shown."""
    dockerd, ours = host.dockerd, f"com.docker.compose.project={host.project}"
    spare, kept, used = (dockerd.new_name("net") for _ in range(3))
    for name, labels in ((spare, []), (kept, ["--label", _KEEP]), (used, []), (host.network, [])):
        dockerd.run("network", "create", "--subnet", dockerd.new_subnet(), *labels, name)
    scratch, other, of_stack = dockerd.new_name("vol"), dockerd.new_name("vol"), f"{host.project}-v"
    for volume in (scratch, other, of_stack):
        dockerd.run("volume", "create", volume)
    gone = host.make()
    stay = [host.make(_KEEP), host.make(ours), host.make(running=True), host.make(running=True, network=used)]
    wanted = {"stoppedContainers": "1m", "networks": True, "volumes": [scratch, of_stack]}

    shown = host.run(mode="report", **wanted)
    assert shown.reason == "WouldFree"
    assert shown.deeds == ()
    assert host.there("container") == {gone, *stay}
    report = host.run(**wanted)

    assert (report.reason, report.details) == ("Freed", shown.details)
    assert host.there("container") == {*stay}
    assert host.there("network") == {"host", "none", kept, used, host.network}
    assert host.there("volume") == {other, of_stack}
    assert [deed.object_id for deed in report.deeds] == [
        f"container/{gone}",
        f"network/{spare}",
        f"volume/{scratch}",
    ]
    assert host.run(**wanted).reason == "NothingToFree"


def test_images_without_a_container_go_but_for_those_of_stacks(host: Cleaned) -> None:
    """An image with two names goes with both; one that a stopped container was made from stays."""
    dockerd, stopped = host.dockerd, "app/stopped:1"
    for name in ("app/old:1", "app/old:2", stopped):
        dockerd.add_image(name, what=name)
    dockerd.run("create", stopped)
    dangling = host.run(mode="report")
    assert dangling.reason == "NothingToFree"
    report = host.run(images="unused")
    images = set(dockerd.run("images", "--format", "{{.Repository}}:{{.Tag}}").split())
    assert images == {dockerd.web, stopped}
    assert report.reason == "Freed"
    assert any(detail.startswith("image app/old:") for detail in report.details)


def test_a_run_that_has_to_stop_tells_what_it_did(host: Cleaned) -> None:
    """And the rest is there the next time."""
    first, second = sorted([host.make(), host.make()])
    left = [1]

    def go_on() -> None:
        if not left:
            raise TransientError("stopped", reason="Interrupted")
        left.pop()

    report = host.job(stoppedContainers="1m").run(an_occasion(go_on))
    assert (report.ok, report.reason) == (False, "Interrupted")
    assert [deed.object_id for deed in report.deeds] == [f"container/{first}"]
    assert host.there("container") == {second}


def test_what_is_in_use_after_all_stays(host: Cleaned) -> None:
    """Somebody started it between the look and the removal: the engine refuses, and we do not insist."""
    name = host.make()
    report = host.job(stoppedContainers="1m").run(an_occasion(lambda: host.start(name)))
    assert (report.ok, report.reason) == (True, "Freed")
    assert report.details == [f"container {name} stays: it is in use after all"]
    assert [deed.outcome for deed in report.deeds] == ["skipped"]
    assert host.there("container") == {name}
