"""Stacks and Networks become the services and networks that a host should hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from argos_gitops.model.errors import ArgosError
from argos_gitops.model.objects import Content, ManagedObject
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import Resource, ResourceKey, ResourceSet
from argos_gitops.providers.docker.belongings import NETWORK_PREFIX, networks_asked, volume_differences
from argos_gitops.providers.docker.book import Book, name_of
from argos_gitops.providers.docker.claims import claims_of_service
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.compose.runner import ComposeRunner, Hashes
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.networks import content_of, host_name, network_id
from argos_gitops.providers.docker.observe import (
    PREFIX,
    DockerLive,
    Project,
    Wanted,
    service_content,
    service_id,
)
from argos_gitops.providers.docker.services import facts_of_service, replicas_of_service

Stack = Resource[StackSpec]


@dataclass(frozen=True)
class Compiled:
    """One Stack as it was compiled. `objects` are by service; `rendered` is asked for places alone."""

    made_of: tuple[str, ...]
    objects: Mapping[str, ManagedObject]
    rendered: Rendered


@dataclass
class Compiler:
    """Compiles for one host; what did not change is not rendered again.

    `failures` are of the last compile: what keeps a Stack from being worked out, by its key.
    """

    host: str
    renderer: ComposeRenderer
    runner: ComposeRunner
    book: Book
    failures: dict[ResourceKey, Failure] = field(default_factory=dict)
    _known: dict[ResourceKey, Compiled] = field(default_factory=dict)

    def stacks(self, resources: ResourceSet) -> Sequence[Stack]:
        return [each for each in resources.of(StackSpec).values() if each.spec.host == self.host]

    def networks(self, resources: ResourceSet) -> Sequence[Resource[NetworkSpec]]:
        return [each for each in resources.of(NetworkSpec).values() if each.spec.host == self.host]

    def inputs(self, resources: ResourceSet) -> Iterator[str]:
        """What the Stacks are made of besides their text, such as the values of secrets; no value shows."""
        for stack in self.stacks(resources):
            hashes = self._hashes(stack)
            yield hashes.reason if isinstance(hashes, Failure) else hashes.inputs

    def wanted(self, resources: ResourceSet) -> Wanted:
        """Also tells `failures`, and forgets the Stacks that are gone."""
        self.failures = {}
        stacks = self.stacks(resources)
        self._known = {each.key: self._known[each.key] for each in stacks if each.key in self._known}
        return Wanted(
            projects={project_of(stack): self._project(stack) for stack in stacks},
            networks={
                network_id(host_name(each)): content_of(each.spec) for each in self.networks(resources)
            },
        )

    def objects(self, resources: ResourceSet, wanted: Wanted, live: DockerLive) -> dict[str, ManagedObject]:
        found = {each.id: each for each in self._networks(resources, wanted)}
        for stack in self.stacks(resources):
            for managed in self._services(stack, wanted.projects[project_of(stack)], live):
                found[managed.id] = managed
        return found

    def _networks(self, resources: ResourceSet, wanted: Wanted) -> Iterator[ManagedObject]:
        for network in self.networks(resources):
            object_id = network_id(host_name(network))
            yield ManagedObject(
                object_id,
                network.key,
                wanted.networks[object_id],
                location=network.location,
                protected=network.protected,
            )

    def _project(self, stack: Stack) -> Project:
        compiled = self._compiled(stack)
        removes = stack.spec.orphans == "remove"
        if isinstance(compiled, Failure):
            self.failures[stack.key] = compiled
            return Project(stack.key, unknown=True)
        contents = {name: managed.content for name, managed in compiled.objects.items()}
        claims = {name: claims_of_service(compiled.rendered.services[name]) for name in contents}
        return Project(stack.key, contents, networks_asked(compiled.rendered.model), claims, removes)

    def _services(self, stack: Stack, project: Project, live: DockerLive) -> Iterator[ManagedObject]:
        """What stands in another way than it should has its place in the Compose file."""
        compiled = self._known.get(stack.key)
        if project.unknown or compiled is None:
            yield from _as_they_stand(stack, live)
            return
        for name, managed in compiled.objects.items():
            found = live.objects.get(managed.id)
            if found is None and not managed.content["replicas"]:
                continue  # none are wanted, and there are none
            if found is not None and found.content is managed.content:
                yield managed
            else:
                yield replace(managed, location=compiled.rendered.place("services", name))
        yield from self._project_networks(stack, project, compiled, live)

    def _project_networks(
        self, stack: Stack, project: Project, compiled: Compiled, live: DockerLive
    ) -> Iterator[ManagedObject]:
        """Those that are there; Compose makes the others when it starts what is in them."""
        keys = {
            each.get("name", key): key
            for key, each in (compiled.rendered.model.get("networks") or {}).items()
        }
        for name, asked in project.networks.items():
            if NETWORK_PREFIX + name in live.objects:
                managed = _managed(stack, NETWORK_PREFIX + name, asked)
                yield replace(managed, location=compiled.rendered.place("networks", keys.get(name, name)))

    def model_of(self, owner: ResourceKey) -> Mapping[str, Any] | None:
        """As it was rendered for the last compile."""
        known = self._known.get(owner)
        return known.rendered.model if known is not None else None

    def volumes(self, live: DockerLive) -> Iterator[Failure]:
        """Stacks whose volumes differ: only another volume could be right, and data is never removed."""
        for key, compiled in sorted(self._known.items()):
            found = list(volume_differences(compiled.rendered.model, live.seen.volumes))
            if found:
                message = (
                    f"{'; '.join(found)}; a volume cannot be changed, and argos-gitops removes none: save "
                    "its data and remove it by hand (docker volume rm), name another one, or change git back"
                )
                yield Failure("VolumeDiffers", message, key, location=compiled.rendered.place("volumes"))

    def _compiled(self, stack: Stack) -> Compiled | Failure:
        hashes = self._hashes(stack)
        if isinstance(hashes, Failure):
            return hashes
        made_of = (stack.digest, str(stack.location), hashes.inputs)
        known = self._known.get(stack.key)
        if known is None or known.made_of != made_of:
            try:
                known = self._compile(stack, hashes, made_of)
            except ArgosError as error:
                return Failure(error.reason, str(error), stack.key, unplanned=True)
            self._known[stack.key] = known
        return known

    def _compile(self, stack: Stack, hashes: Hashes, made_of: tuple[str, ...]) -> Compiled:
        rendered, project = self.renderer.render(stack), project_of(stack)
        objects, pages = {}, {}
        for name, config_hash in sorted(hashes.by_service.items()):
            service = rendered.services[name]
            facts = facts_of_service(rendered.model, name)
            pages[name_of(project, name, config_hash)] = self.book.page(facts, service)
            content = service_content(f"{project}/{name}", config_hash, facts, replicas_of_service(service))
            objects[name] = _managed(stack, service_id(project, name), content)
        self.book.write(pages)
        return Compiled(made_of, objects, rendered)

    def _hashes(self, stack: Stack) -> Hashes | Failure:
        try:
            return self.runner.hashes(stack)
        except ArgosError as error:
            return Failure(error.reason, str(error), stack.key, unplanned=True)


def _managed(stack: Stack, object_id: str, content: Content) -> ManagedObject:
    return ManagedObject(object_id, stack.key, content, location=stack.location, protected=stack.protected)


def _as_they_stand(stack: Stack, live: DockerLive) -> Iterator[ManagedObject]:
    """A Stack that cannot be worked out is neither changed nor removed."""
    within = f"{PREFIX}{project_of(stack)}/"
    for object_id, found in live.objects.items():
        if object_id.startswith(within):
            yield _managed(stack, object_id, found.content)


def orphans_of(wanted: Wanted, live: DockerLive) -> Mapping[str, Sequence[str]]:
    """By project, the services that run in it and that no file of its Stack names, where they stay."""
    found: dict[str, list[str]] = {}
    for project, service in live.seen.services:
        declared = wanted.projects.get(project)
        if declared is None or declared.unknown or declared.removes_orphans:
            continue
        if service not in declared.services:
            found.setdefault(project, []).append(service)
    return found
