"""The provider: one Docker host, looked at, planned for and written to."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import timedelta

from argos_gitops.model.adoption import Adoption, Unsayable
from argos_gitops.model.change import Change, Outcome
from argos_gitops.model.condition import Condition
from argos_gitops.model.errors import ProviderError, StalePlanError, TerminalError
from argos_gitops.model.objects import Content, ObjectSet, digest_of
from argos_gitops.model.plan import Failure
from argos_gitops.model.resource import ResourceKey
from argos_gitops.ports.provider import (
    DesiredState,
    LiveState,
    Network,
    Provider,
    ProviderContext,
    Target,
    Watch,
)
from argos_gitops.providers.docker.apply import Declared, Writer
from argos_gitops.providers.docker.attribution import notes_of
from argos_gitops.providers.docker.belongings import NETWORK_PREFIX, fields_of_project_network
from argos_gitops.providers.docker.book import Book, Page, name_of
from argos_gitops.providers.docker.claims import beside, left_behind
from argos_gitops.providers.docker.compile import Compiler, Stack, orphans_of
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer
from argos_gitops.providers.docker.compose.runner import ComposeRunner
from argos_gitops.providers.docker.containers import Container, containers_of
from argos_gitops.providers.docker.deep import INTERVAL, DeepLook
from argos_gitops.providers.docker.engine.connection import EngineConnection
from argos_gitops.providers.docker.fields import compared, fields_of_service
from argos_gitops.providers.docker.loops import LoopWatch
from argos_gitops.providers.docker.networks import fields_of_network
from argos_gitops.providers.docker.observe import PREFIX, DockerLive, Seen, Wanted, named_by
from argos_gitops.providers.docker.policy.hosts import HostPolicies
from argos_gitops.providers.docker.services import Facts, facts_of_container, facts_of_listed
from argos_gitops.providers.docker.settings import Connection, DockerSettings
from argos_gitops.providers.docker.shared import NetworkWriter
from argos_gitops.providers.docker.stacks import StackWriter
from argos_gitops.providers.docker.standing import Standing, ailments_of

_MOST_CHARACTERS = 200
"""Of a log line."""

_LIST, _DEEP = "docker", "containers"
_WATCHES = (Watch(_LIST, timedelta(seconds=15)), Watch(_DEEP, INTERVAL))


def docker_provider(target: Target, context: ProviderContext) -> Provider:
    """The provider of one DockerHost with a connection."""
    settings = target.section("docker", DockerSettings)
    if settings is None or settings.connection is None:
        raise TerminalError(f"{target.key} has no docker section with a connection", reason="NoSection")
    return DockerProvider(target, settings, settings.connection, context)


class DockerProvider:
    """Implements ports.provider.Provider for a DockerHost with a connection."""

    def __init__(
        self, target: Target, settings: DockerSettings, connection: Connection, context: ProviderContext
    ) -> None:
        self._host = target.key.name
        self._context = context
        self._engine = EngineConnection(str(target.key), connection, context.credentials, context.timeout)
        folder = context.cache_dir / "docker" / self._host
        self.runner = ComposeRunner(self._host, context, self._engine, local=connection.unix is not None)
        kept_in = None if context.preview else folder / "services.json"
        self._book = Book(kept_in, context.state_dir)
        renderer = ComposeRenderer(context)
        self._compiler = Compiler(self._host, renderer, self.runner, self._book)
        self._policies = HostPolicies(target.key, renderer, context.clock)
        self._deep = DeepLook(lambda: self._engine.client, context.clock, folder / "deep.json")
        self._loops = LoopWatch(lambda: self._engine.client)
        self._standing = Standing(self._words)
        self._wanted = Wanted()
        self._declared = Declared()
        self._named: frozenset[str] | None = None
        self._desired: DesiredState | None = None
        self._told: dict[str, Mapping[str, str]] = {}
        self._last: DockerLive | None = None

    def observe(self) -> DockerLive:
        self._last = None
        self._last = self._look()
        return self._last

    def fingerprint(self, desired: DesiredState) -> str:
        stacks = self._compiler.stacks(desired.resources)
        self._named = frozenset(project_of(stack) for stack in stacks)
        return digest_of([*self._compiler.inputs(desired.resources)])

    def compile(self, desired: DesiredState, live: LiveState) -> ObjectSet:
        seen = _ours(live)
        self._desired = desired
        self._wanted = wanted = self._compiler.wanted(desired.resources)
        self._named = frozenset(wanted.projects)
        self._declared = Declared(
            {each.key: each for each in self._compiler.stacks(desired.resources)},
            {each.key: each for each in self._compiler.networks(desired.resources)},
            desired.back,
        )
        objects = self._compiler.objects(desired.resources, wanted, seen)
        self._told = dict(self._differences(objects, seen))
        return objects

    def notices(self, desired: DesiredState) -> Sequence[Failure]:
        """Stacks that cannot be worked out, broken policies, sick and looping services, orphans that stay."""
        live = self._last
        judged = () if live is None else live.seen.depths.judged()
        found = (*self._compiler.failures.values(), *self._policies.notices(desired.resources, judged))
        if live is None:
            return found
        return (
            *found,
            *self._compiler.volumes(live),
            *self._standing.notices(self._wanted, live),
            *_kept_orphans(self._wanted, live),
        )

    def fields(self, content: Content) -> Mapping[str, str]:
        told = self._told.get(digest_of(content))
        if told is not None:
            return told
        return fields_of_service(content) if "service" in content else fields_of_network(content)

    def attribute(self, live: LiveState, changes: Sequence[Change]) -> Mapping[str, str]:
        return dict(notes_of(self._engine.client, _ours(live), changes))

    def adopt(self, change: Change, desired: DesiredState) -> Adoption | Unsayable:
        if change.object_id.startswith(PREFIX):
            return Unsayable("what a container is like cannot be put into the words of a Compose file")
        return Unsayable("a network that somebody changed was made anew, and may hold others' choices")

    def hazards(self, changes: Sequence[Change], protected: Sequence[Network]) -> Sequence[str]:
        """None: containers ban nobody."""
        return ()

    def apply(self, live: LiveState, changes: Sequence[Change]) -> Iterator[Outcome]:
        seen = _ours(live)
        if not changes:
            return
        if self._look().fingerprint != seen.fingerprint:
            raise StalePlanError(
                f"DockerHost/{self._host} moved since it was looked at: containers or networks are others now"
            )
        yield from self._writer(seen).write(seen, changes)
        self._last = None

    def verify(
        self, desired: DesiredState, changes: Sequence[Change], recheck: Collection[ResourceKey] = ()
    ) -> Iterator[Condition]:
        """Looks again, unless somebody has since the last write."""
        owners = {change.owner for change in changes} | set(recheck)
        if not owners:
            return iter(())
        live = self._last or self.observe()
        present = {*self._declared.stacks, *self._declared.networks}
        return self._standing.conditions(self._wanted, live, owners & present)

    def watches(self) -> Sequence[Watch]:
        return _WATCHES

    def moved(self, watch: str) -> bool:
        if self._last is None:
            return True
        return self._look(deep=watch == _DEEP).fingerprint != self._last.fingerprint

    def close(self) -> None:
        self._engine.close()

    def _look(self, *, deep: bool = False) -> DockerLive:
        client = self._engine.client
        listed = client.containers()
        services = containers_of(listed)
        every = [container for group in services.values() for container in group]
        seen = Seen(
            services,
            client.networks(),
            self._deep.of((each.id for each in every), again=deep),
            self._loops.look(every),
            client.volumes_listed(),
            listed,
        )
        return DockerLive(self._host, seen, lambda: self._wanted, self._facts, lambda: self._named)

    def _facts(self, container: Container) -> Facts:
        """Of a container that is not as it should be: as we rendered it once, or as it looks."""
        written = self._book.read(name_of(container.project, container.service, container.config_hash))
        if written is not None:
            return written.facts
        if container.project not in self._wanted.projects:
            return facts_of_listed(container.listed)
        document = self._engine.client.container(container.id)
        if document is None:
            return facts_of_listed(container.listed)
        return facts_of_container(document, self._engine.client.image(document["Image"]))

    def _differences(self, objects: ObjectSet, live: DockerLive) -> Iterator[tuple[str, Mapping[str, str]]]:
        """Both sides of each update, by the digests of their contents; and what new ones stand beside."""
        for object_id, managed in objects.items():
            found = live.objects.get(object_id)
            model = self._compiler.model_of(managed.owner) if object_id.startswith(PREFIX) else None
            if found is None and model is not None and not self._context.preview:
                others = dict(beside(*named_by(object_id), model, live.seen.listed))
                if others:
                    yield managed.digest, {**others, **fields_of_service(managed.content)}
            if found is None or found.content == managed.content:
                continue
            if object_id.startswith(NETWORK_PREFIX):
                yield digest_of(found.content), fields_of_project_network(found.content)
                inside = live.inside(object_id.removeprefix(NETWORK_PREFIX))
                taken = ", ".join(each.name for each in inside) or "none"
                cost = f"the network, and the containers in it: {taken}"
                yield managed.digest, {**fields_of_project_network(managed.content), "made anew": cost}
            if not object_id.startswith(PREFIX):
                continue
            pages = (self._page(object_id, each["hash"]) for each in (found.content, managed.content))
            was, will = compared(found.content, managed.content, *pages)
            project, service = named_by(object_id)
            group = live.group(project, service)
            if model is not None and group:
                will |= dict(left_behind(service, model, group[0].listed))
            yield digest_of(found.content), was
            yield managed.digest, will

    def _page(self, object_id: str, config_hash: str) -> Page | None:
        return self._book.read(name_of(*named_by(object_id), config_hash))

    def _writer(self, live: DockerLive) -> Writer:
        client, desired = self._engine.client, self._desired
        networks = NetworkWriter(client, self._declared.has_project)
        stacks = StackWriter(
            client,
            self.runner,
            self._context.progress,
            self._words,
            outdated=desired.outdated if desired is not None else lambda: False,
            networks=networks,
        )
        return Writer(self._declared, stacks, networks, lambda stack: self._unready(stack, live))

    def _unready(self, stack: Stack, live: DockerLive) -> str:
        """Why a Stack that is not changed does not do well; empty when it does."""
        name = project_of(stack)
        project = self._wanted.projects[name]
        if project.unknown:
            return self._compiler.failures[stack.key].message
        return next((f"{each.service}: {each.message}" for each in ailments_of(name, project, live)), "")

    def _words(self, container: Container) -> str:
        """The last lines of a container's service, masked; empty where nothing can be read.

        Nobody can mask secrets that he does not know: a preview repeats nothing that a container said.
        """
        if self._context.preview:
            return ""
        stack = next((s for s in self._declared.stacks.values() if project_of(s) == container.project), None)
        try:
            lines = () if stack is None else self.runner.logs(stack, container.service)
        except ProviderError:
            return ""
        return "\n".join(line[:_MOST_CHARACTERS] for line in lines if line)


def _kept_orphans(wanted: Wanted, live: DockerLive) -> Iterator[Failure]:
    """Told of the host, as they keep no Stack from being ready."""
    found = orphans_of(wanted, live)
    if found:
        told = "; ".join(f"{wanted.projects[name].owner}: {', '.join(of)}" for name, of in found.items())
        yield Failure(
            "OrphanedContainers",
            f"containers run of services that are gone from their Compose files ({told}); "
            "orphans: remove takes them away",
        )


def _ours(live: LiveState) -> DockerLive:
    if not isinstance(live, DockerLive):
        raise TypeError(f"{type(live).__name__} was not observed by this provider")
    return live
