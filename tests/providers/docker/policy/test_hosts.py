"""What runs on hosts under policies: told beyond the files, for a Stack or for the host, never twice."""

from typing import Any

from argos_gitops.model.condition import Truth
from argos_gitops.model.plan import Failure, SystemKey, SystemPlan
from argos_gitops.model.resource import AnyResource, EagerResources, Resource, ResourceKey
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.policy.hosts import HostPolicies
from argos_gitops.reconcile.conditions import SystemReport, conditions_of
from tests.fakes import START, SteppingClock
from tests.providers.docker.compose.stacks import Surroundings
from tests.providers.docker.hosts import HOST
from tests.providers.docker.policy.conftest import policy
from tests.providers.docker.policy.test_files import WEB
from tests.providers.docker.reported.reporting import archnest, ours

WIKI = ResourceKey("Stack", "wiki")
CAREFUL = {
    "user": "1000",
    "readOnlyRootfs": True,
    "limits": {"cpus": 1, "memoryBytes": 1 << 30, "pids": 0},
    "logOptions": {"max-size": "1m"},
}


def careful(**changed: Any) -> dict[str, Any]:
    security = {**CAREFUL, **changed.pop("security", {})}
    return ours(**{"image": "nginx:1", "health": "healthy", "security": security, **changed})


def notices(
    around: Surroundings, *containers: dict[str, Any], text: str = WEB, policies: tuple[AnyResource, ...] = ()
) -> list[Failure]:
    stack: Resource[Any] = around.stack({"compose.yaml": text})
    resources = EagerResources([stack, *(policies or (policy(),))], "test")
    judged = HostPolicies(HOST, ComposeRenderer(around.context()), SteppingClock())
    return [*judged.notices(resources, containers)]


GOOD = WEB.replace("nginx", "nginx:1").replace("API_KEY=in-plain-text", "A=b")


def test_all_is_well(around: Surroundings) -> None:
    assert notices(around, careful(), text=GOOD) == []


def test_no_policy_asks_for_nothing(around: Surroundings) -> None:
    judged = HostPolicies(HOST, ComposeRenderer(around.context()), SteppingClock())
    assert judged.notices(EagerResources([], "test"), [ours()]) == ()


def test_a_container_that_is_not_as_its_file_says(around: Surroundings) -> None:
    (notice,) = notices(around, careful(security={"privileged": True}), text=GOOD)
    assert (notice.reason, notice.condition, notice.subject) == ("PolicyViolation", "PolicyCompliant", WIKI)
    assert notice.message == (
        "container wiki-web-1 on DockerHost/nas is privileged (privileged of ContainerPolicy/standard)"
    )


def test_what_the_file_says_already_is_told_once_at_its_line(around: Surroundings) -> None:
    found = notices(around, careful(image="nginx"))
    assert [each.message.partition(" of ")[0] for each in found] == ["service web", "service web"]
    assert all(each.location is not None for each in found)


def test_a_container_in_no_stack_is_the_hosts(around: Surroundings) -> None:
    loose = {"id": "x", "name": "mine", "image": "nginx:1", "state": "running", "restartPolicy": "no"}
    (notice,) = notices(around, loose, text=GOOD)
    assert notice.subject is None
    assert notice.message.startswith("container mine on DockerHost/nas has the restart policy no")


def test_what_an_unmodified_agent_does_not_tell_is_never_found(around: Surroundings) -> None:
    """Files tell all the same."""
    assert notices(around, archnest(image="nginx:1", health="healthy"), text=GOOD) == []


def test_an_image_that_is_built_comes_from_no_registry(around: Surroundings) -> None:
    text = GOOD.replace("image: nginx:1", "image: app\n    build: .")
    assert notices(around, careful(image="app"), text=text) == []


def test_they_become_a_condition_of_the_stack_and_leave_it_ready(around: Surroundings) -> None:
    found = notices(around, careful(security={"privileged": True}))
    plan = SystemPlan(SystemKey(HOST, "docker"), notices=tuple(found))
    report = SystemReport(plan, owners=[WIKI], observed=True)
    conditions = {(c.subject, c.type): c for c in conditions_of([report], START)[HOST]}
    compliant = conditions[WIKI, "PolicyCompliant"]
    assert (compliant.status, compliant.reason) == (Truth.FALSE, "PolicyViolation")
    assert compliant.message.count(";") == 2
    assert conditions[WIKI, "Ready"].status is Truth.TRUE
    assert (HOST, "Degraded") not in conditions
