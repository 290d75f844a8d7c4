"""Provider docker: networks and Compose projects on Docker hosts; see README.md in this folder.

Belongs here: the `docker:` section of a DockerHost, the kinds of what runs there, the push agent that
reports from hosts, and whatever speaks to a Docker engine, to `docker compose` or to a registry.
Does not: routes of an Edge (only the Hosts and Services that labels ask for), planning, storing reports.
"""

from argos_gitops.model.resource import AnyResource, ResourceSet
from argos_gitops.ports.provider import Expansion, Provider, ProviderContext, ProviderSpec, Target
from argos_gitops.providers.docker.checks import CHECKS
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.policy.kinds import ContainerPolicySpec
from argos_gitops.providers.docker.schedules import ScheduleSpec
from argos_gitops.providers.docker.settings import DockerSettings
from argos_gitops.providers.docker.upkeep.jobs import jobs_of, only_hosts_that_can_be_written


def _factory(target: Target, context: ProviderContext) -> Provider:
    """Imports the client only now, so that validating never loads an HTTP library."""
    if _only_reports(target):
        from argos_gitops.providers.docker.reported.provider import ReportedProvider

        return ReportedProvider(target, context)
    from argos_gitops.providers.docker.provider import docker_provider

    return docker_provider(target, context)


def _expand(resources: ResourceSet, context: ProviderContext) -> Expansion:
    """Imports what renders Stacks only where there are some."""
    from argos_gitops.providers.docker.expanding import expanded

    return expanded(resources, context)


def _only_reports(target: Target) -> bool:
    settings = target.section("docker", DockerSettings)
    return settings is not None and settings.connection is None


def _goes_back(resource: AnyResource) -> bool:
    return isinstance(resource.spec, StackSpec) and resource.spec.rollback == "automatic"


PROVIDER = ProviderSpec(
    name="docker",
    target_kind="DockerHost",
    settings=DockerSettings,
    kinds=(StackSpec, NetworkSpec, ContainerPolicySpec, ScheduleSpec),
    factory=_factory,
    expand=_expand,
    returning=_goes_back,
    observed_only=_only_reports,
    checks=(*CHECKS, only_hosts_that_can_be_written),
    jobs=jobs_of,
)
