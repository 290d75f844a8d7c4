"""The job that looks for newer images: a real registry is asked, real Compose proves what is written."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from argos_gitops.model.resource import EagerResources
from argos_gitops.model.source import Revision
from argos_gitops.ports.job import JobReport, Occasion
from argos_gitops.ports.proposal import Proposal
from argos_gitops.providers.docker.schedules import ScheduleSpec
from argos_gitops.providers.docker.upkeep.jobs import jobs_of
from tests.components.registry import RealRegistry
from tests.fakes import START, resource
from tests.providers.docker.compose.stacks import FOLDER, Surroundings
from tests.providers.docker.host import docker_host
from tests.providers.docker.images.loopback import serving
from tests.providers.docker.images.pushing import Pusher


class Estate:
    """A registry with one image in several versions, and Stacks that are made of it."""

    def __init__(self, registry: RealRegistry, around: Surroundings) -> None:
        self.around = around
        self.app = f"{registry.address}/acme/app"
        with Pusher(registry.address) as pusher:
            pusher.image("acme/app", "1.0.0", created="2024-01-01T00:00:00Z")
            pusher.image("acme/app", "1.1.0", created="2025-06-01T00:00:00Z")
            self.newest = pusher.image("acme/app", "2.0.0", created="2025-12-31T00:00:00Z")
        self.stacks: list[Any] = []
        self.held = ""
        self.revision = Revision("a" * 40, "t", "main")

    def add(self, compose: str, name: str = "wiki", **spec: Any) -> None:
        files = {"compose.yaml": compose.replace("APP", self.app)}
        self.stacks.append(self.around.stack(files, name=name, **spec))

    def run(self, select: dict[str, Any] | None = None, **updates: Any) -> JobReport:
        spec = {"cron": "0 3 * * *", "imageUpdates": updates, "select": select or {}}
        schedule = resource("Schedule", "nightly", ScheduleSpec.model_validate(spec))
        given = [docker_host("/x"), schedule, *self.stacks]
        (job,) = jobs_of(EagerResources(given, "f"), self.around.context())
        return job.run(Occasion(START, self.revision, lambda _: self.held, lambda: None))


@pytest.fixture
def estate(registry: RealRegistry, around: Surroundings) -> Estate:
    return Estate(registry, around)


def _proposals(report: JobReport) -> list[Proposal]:
    assert report.proposed is not None
    return list(report.proposed.proposals)


def test_a_newer_image_is_proposed_with_a_page_for_people(estate: Estate) -> None:
    """One proposal for the Stack: the file, a title, a table, and what it means."""
    estate.add("services:\n  web:\n    image: APP:1.0.0  # ours\n")
    report = estate.run()
    assert (report.ok, report.reason, report.message) == (True, "Proposed", "1 newer image found")
    (proposal,) = _proposals(report)
    assert proposal.files == {
        f"{FOLDER}/compose.yaml": f"services:\n  web:\n    image: {estate.app}:1.1.0  # ours\n".encode()
    }
    assert proposal.title == f"Update {estate.app} to 1.1.0 in Stack/wiki"
    assert f"| `{estate.app}` | Stack/wiki `web` | `1.0.0` | `1.1.0` |" in proposal.body
    assert (proposal.key, proposal.topic, proposal.revision) == ("stack-wiki", "updates/nightly", "a" * 40)
    assert "1.1.0" in proposal.meaning
    assert list(report.details) == [f"Stack/wiki web: {estate.app}:1.0.0 → {estate.app}:1.1.0"]


def test_what_is_newest_already_is_up_to_date(estate: Estate) -> None:
    """Nothing is proposed, and whatever was is withdrawn."""
    estate.add("services: {web: {image: 'APP:1.1.0'}, own: {image: 'APP:0.1', build: .}}\n")
    report = estate.run()
    assert (report.reason, _proposals(report)) == ("UpToDate", [])
    assert report.proposed is not None
    assert report.proposed.undecided == frozenset()


@pytest.mark.parametrize(
    ("rule", "version"),
    [
        ({"semver": ">=1 <3"}, "2.0.0"),
        ({"semver": ">=1 <3", "minimumAge": "30d"}, "1.1.0"),
        ({"semver": ">=1 <3", "ignore": [r"2\..*"]}, "1.1.0"),
        ({"newest": r"\d+\.\d+\.\d+"}, "2.0.0"),
        ({"newest": r"\d+\.\d+\.\d+", "pinDigest": True}, "2.0.0@DIGEST"),
        ({"images": ["other"]}, "1.0.0"),
    ],
)
def test_rules_say_which(estate: Estate, rule: dict[str, Any], version: str) -> None:
    """Range, pattern, age, what to ignore, and whether the digest is pinned."""
    before = f"services: {{web: {{image: '{estate.app}:1.0.0'}}}}\n"
    estate.add(before)
    found = _proposals(estate.run(rules=[rule]))
    files = found[0].files if found else {f"{FOLDER}/compose.yaml": before.encode()}
    assert files[f"{FOLDER}/compose.yaml"].decode() == before.replace(
        "1.0.0", version.replace("DIGEST", estate.newest)
    )


def test_a_digest_is_pinned_and_follows_its_tag(estate: Estate) -> None:
    estate.add("services: {web: {image: 'APP:2.0.0'}}\n")
    (proposal,) = _proposals(estate.run(rules=[{"digest": True}]))
    content = proposal.files[f"{FOLDER}/compose.yaml"].decode()
    assert content == f"services: {{web: {{image: '{estate.app}:2.0.0@{estate.newest}'}}}}\n"
    estate.stacks.clear()
    estate.add(content)
    assert estate.run(rules=[{"digest": True}]).reason == "UpToDate"


def test_each_stack_has_a_proposal_of_its_own(estate: Estate) -> None:
    """But those that share a folder share one, as it is the same file."""
    for name, folder in (("one", "stacks/one"), ("two", "stacks/two"), ("twin", "stacks/two")):
        estate.add("services: {web: {image: 'APP:1.0.0'}}\n", name, path=folder)
    found = _proposals(estate.run())
    assert [(each.key, sorted(each.files)) for each in found] == [
        ("stack-one", ["stacks/one/compose.yaml"]),
        ("stack-twin", ["stacks/two/compose.yaml"]),
    ]
    assert _proposals(estate.run(select={"stacks": ["one"]}))[0].key == "stack-one"


def test_straight_to_the_branch_it_is_one_commit(estate: Estate) -> None:
    """And Stacks whose host may not be written to wait."""
    for name in ("one", "two"):
        estate.add("services: {web: {image: 'APP:1.0.0'}}\n", name, path=f"stacks/{name}")
    report = estate.run(mode="apply")
    (proposal,) = _proposals(report)
    assert report.proposed is not None
    assert report.proposed.direct
    assert sorted(proposal.files) == ["stacks/one/compose.yaml", "stacks/two/compose.yaml"]
    assert proposal.title.endswith("in Stack/one and 1 more")
    estate.held = "DockerHost/nas is closed"
    held = estate.run(mode="apply")
    assert _proposals(held) == []
    assert "Stack/one waits: DockerHost/nas is closed" in held.details


@pytest.mark.parametrize("commit", [True, False])
def test_without_commits_it_is_told_alone(estate: Estate, commit: bool) -> None:
    """Somebody chose `report`, or the repository is a folder without git."""
    estate.add("services: {web: {image: 'APP:1.0.0'}}\n")
    estate.revision = replace(estate.revision, is_commit=commit)
    report = estate.run(mode="report" if commit else "propose")
    assert (report.reason, report.proposed) == ("UpdatesFound", None)


def test_what_cannot_be_edited_is_told(estate: Estate) -> None:
    estate.add("services: {web: {image: 'APP:${TAG}'}}\n", environment={"TAG": "1.0.0"})
    report = estate.run()
    assert (report.reason, _proposals(report)) == ("UpdatesFound", [])
    assert any(
        "cannot be edited: $TAG comes from the Stack's `environment`" in each for each in report.details
    )


@pytest.fixture
def busy() -> Iterator[str]:
    """A registry that wants to be left alone."""
    with serving(lambda *_: (429, {"Retry-After": "60"}, b"")) as address:
        yield address


def test_a_registry_that_is_busy_costs_no_proposal(estate: Estate, busy: str) -> None:
    """The Stack stays as it is until everything is known again; others go on."""
    estate.add(f"services: {{a: {{image: 'APP:1.0.0'}}, b: {{image: '{busy}/b:1.0'}}}}\n")
    estate.add("services: {web: {image: 'APP:1.0.0'}}\n", "other", path="stacks/other")
    report = estate.run()
    assert (report.ok, report.reason) == (False, "RateLimited")
    assert [each.key for each in _proposals(report)] == ["stack-other"]
    assert report.proposed is not None
    assert report.proposed.undecided == {"stack-wiki"}


def test_an_image_that_is_not_there_keeps_no_other(estate: Estate) -> None:
    """It is told each time, and the rest is proposed all the same."""
    estate.add("services: {a: {image: 'APP:1.0.0'}, b: {image: 'APPx:1.0'}}\n")
    report = estate.run()
    assert (report.ok, report.reason) == (False, "ImageNotFound")
    assert [each.key for each in _proposals(report)] == ["stack-wiki"]


def test_fm13_no_password_of_a_registry_is_told(
    make_registry: Callable[..., RealRegistry], around: Surroundings
) -> None:
    """Neither where it is missing nor where it is refused."""
    (around.folder / "htpasswd").write_text(
        "argos:$2y$04$CseKzoPEa8POw38HCmn3H.xedQKXKuIdGEyERK21c3uBHS.GdV0w2\n"
    )
    realm = {"htpasswd": {"realm": "ours", "path": str(around.folder / "htpasswd")}}
    address = make_registry(more={"auth": realm}).address
    around.environment["REGISTRY_PASSWORD"] = "canary-that-is-wrong"
    stack = around.stack({"compose.yaml": f"services: {{a: {{image: '{address}/app:1.0'}}}}\n"})
    access = {"registry": address, "username": "argos", "password": {"env": "REGISTRY_PASSWORD"}}
    spec = {"cron": "0 3 * * *", "imageUpdates": {"registries": [access]}}
    schedule = resource("Schedule", "nightly", ScheduleSpec.model_validate(spec))
    given: list[Any] = [docker_host("/x"), schedule, stack]
    (job,) = jobs_of(EagerResources(given, "f"), around.context())
    occasion = Occasion(START, Revision("a" * 40, "t", "main"), lambda _: "", lambda: None)
    report = job.run(occasion)
    assert report.reason == "RegistryUnauthorized"
    assert "canary" not in repr(report)
    del around.environment["REGISTRY_PASSWORD"]
    assert job.run(occasion).reason == "SecretMissing"
