"""Which jobs Schedules ask for, and which Schedules make no sense."""

from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import ValidationError

from argos_gitops.model.resource import AnyResource, EagerResources, ResourceSet
from argos_gitops.ports.job import Effect
from argos_gitops.ports.progress import Progress
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.schedules import ScheduleSpec
from argos_gitops.providers.docker.settings import DockerSettings, PushAgent
from argos_gitops.providers.docker.upkeep.jobs import jobs_of, only_hosts_that_can_be_written
from argos_gitops.secrets.identities import Identities
from argos_gitops.secrets.local import LocalSecrets
from argos_gitops.secrets.vault import Vault
from tests.fakes import SteppingClock, resource
from tests.providers.docker.compose.stacks import Surroundings, ToldProgress
from tests.providers.docker.host import DockerHostSpec, docker_host


def _schedule(**spec: Any) -> AnyResource:
    return resource("Schedule", "nightly", ScheduleSpec.model_validate({"cron": "0 3 * * *", **spec}))


def _reporting(name: str) -> AnyResource:
    return resource("DockerHost", name, DockerHostSpec(docker=DockerSettings(agent=PushAgent())))


def _set(*resources: AnyResource) -> ResourceSet:
    return EagerResources(resources, "f")


@pytest.fixture
def context(tmp_path: Any) -> ProviderContext:
    progress: Progress = ToldProgress()
    secrets = LocalSecrets({}, Vault(Identities(lambda: None, {})))
    return ProviderContext(secrets, SteppingClock(), progress, tmp_path)


def _jobs(context: ProviderContext, *resources: AnyResource) -> Sequence[tuple[str, Effect]]:
    return [(job.name, job.effect) for job in jobs_of(_set(*resources), context)]


def test_one_job_for_each_host_that_can_be_written_to(context: ProviderContext) -> None:
    """Where a host only reports there is nothing to do; image updates are one job for all."""
    hosts = [docker_host("/a", "a"), docker_host("/b", "b"), _reporting("c")]
    cleaning = _schedule(cleanUp={"mode": "apply"}, missed="run", timeZone="Europe/Berlin")
    assert _jobs(context, *hosts, cleaning) == [
        ("Schedule/nightly DockerHost/a", Effect.WRITES),
        ("Schedule/nightly DockerHost/b", Effect.WRITES),
    ]
    (first, _) = jobs_of(_set(*hosts, cleaning), context)
    assert (first.cron, first.time_zone, first.catch_up) == ("0 3 * * *", "Europe/Berlin", True)
    one = _schedule(cleanUp={}, select={"hosts": ["b"]})
    assert _jobs(context, *hosts, one) == [("Schedule/nightly DockerHost/b", Effect.READS)]
    updates = _schedule(imageUpdates={})
    assert _jobs(context, *hosts, updates) == [("Schedule/nightly", Effect.PROPOSES)]


def test_stacks_lead_to_their_hosts(around: Surroundings) -> None:
    """A restart of one Stack concerns its host alone."""
    stack: Any = around.stack({"compose.yaml": "services: {}"})
    restart = _schedule(restart={}, select={"stacks": ["wiki"]})
    hosts = [docker_host("/a", "nas"), docker_host("/b", "b")]
    assert _jobs(around.context(), *hosts, stack, restart) == [
        ("Schedule/nightly DockerHost/nas", Effect.WRITES)
    ]


def test_a_host_that_only_reports_cannot_be_selected() -> None:
    """By its name that is a mistake; among all it is just left out."""
    named = _schedule(cleanUp={}, select={"hosts": ["c"]})
    (problem,) = only_hosts_that_can_be_written(_set(_reporting("c"), named))
    assert problem.code == "HostOnlyReports"
    assert "DockerHost/c only reports" in problem.message
    assert list(only_hosts_that_can_be_written(_set(_reporting("c"), _schedule(cleanUp={})))) == []


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, "exactly one of imageUpdates, cleanUp and restart"),
        ({"cleanUp": {}, "imageUpdates": {}}, "exactly one of"),
        ({"restart": {}}, "selects hosts or stacks"),
        ({"cleanUp": {}, "cron": "0 25 * * *"}, "expected a cron expression"),
        ({"cleanUp": {}, "timeZone": "Nowhere/Land"}, "expected the name of a time zone"),
        ({"imageUpdates": {"rules": [{"semver": "about 2"}]}}, "expected a range of versions"),
        ({"imageUpdates": {"rules": [{"newest": "("}]}}, "is no regular expression"),
        ({"imageUpdates": {"rules": [{"semver": "*", "digest": True}]}}, "one of semver, newest and digest"),
        ({"imageUpdates": {"registries": [{"registry": "ghcr.io", "username": "a"}]}}, "belong together"),
    ],
)
def test_what_makes_no_sense_is_refused(spec: dict[str, Any], why: str) -> None:
    """With a message that says what was expected."""
    with pytest.raises(ValidationError, match=why):
        _schedule(**spec)
