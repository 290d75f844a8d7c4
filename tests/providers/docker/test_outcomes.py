"""What became of Stacks that are brought up side by side: each is told, whatever happened to the others."""

import pytest

from argos_gitops.model.change import Outcome, Result
from argos_gitops.model.errors import TransientError
from tests.components.docker import RealDockerd
from tests.providers.docker.host import Host

_GOOD = "services: {web: {image: stand-in/web:1}}\n"
_NOT_PULLED = "services: {web: {image: '127.0.0.1:1/app:1'}}\n"
_DONE = "services: {web: {image: stand-in/sleep:1, command: ['true']}}\n"
_NEVER_HEALTHY = """
services:
  web: {image: stand-in/sleep:1, healthcheck: {test: [CMD, "false"], interval: 1s, retries: 1000}}
"""


@pytest.fixture
def other(dockerd: RealDockerd) -> str:
    """The project of a second Stack, gone after the test."""
    return dockerd.new_name()


def test_an_image_that_cannot_be_pulled_stays_with_its_stack(
    host: Host, project: str, other: str, dockerd: RealDockerd
) -> None:
    """The good Stack beside it is done; the bad one failed in a way that says nothing of the revision."""
    host.want(host.stack(_NOT_PULLED, name="a", project=project), host.stack(_GOOD, name="b", project=other))
    bad, good = host.apply()
    assert (bad.result, bad.reason, bad.passing) == (Result.FAILED, "ImageNotPulled", True)
    assert good.result is Result.DONE
    dockerd.clean(project=other)


def test_what_ended_well_is_told_although_another_one_raises(
    host: Host, project: str, other: str, dockerd: RealDockerd
) -> None:
    """One Stack is still waited for when something newer comes; the one that was ready is done."""
    calls = 0

    def outdated() -> bool:
        nonlocal calls
        ended = dockerd.run(
            "ps", "--all", "--quiet", "--filter", "status=exited", "--filter", f"name={other}-"
        )
        calls += bool(ended)
        return calls > 3

    host.outdated = outdated
    host.want(
        host.stack(_NEVER_HEALTHY, name="a", project=project), host.stack(_DONE, name="b", project=other)
    )
    live, _, found = host.look()
    told: list[Outcome] = []
    with pytest.raises(TransientError) as caught:
        told.extend(host.provider.apply(live, found.changes))
    outcomes = {each.change.owner.name: each for each in told}
    assert caught.value.reason == "Superseded"
    assert outcomes["b"].result is Result.DONE
    assert (outcomes["a"].result, outcomes["a"].reason) == (Result.FAILED, "Superseded")
    dockerd.clean(project=other)
