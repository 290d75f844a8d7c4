"""Writing changes to one Docker host: networks, Stacks in the order of their dependencies, then removals.

Each step may be made again, and whoever is stopped between two of them leaves nothing that the next pass does
not see. A Stack that fails stops those that depend on it, and no other. What was done side by side is told
whole, also where the engine was lost on the way.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from argos_gitops.model.change import Action, Change, Outcome, Result
from argos_gitops.model.errors import TransientError
from argos_gitops.model.resource import Resource, ResourceKey
from argos_gitops.providers.docker.claims import claims_of_container, shared_claims
from argos_gitops.providers.docker.compile import Stack
from argos_gitops.providers.docker.compose.directory import project_of
from argos_gitops.providers.docker.containers import Container
from argos_gitops.providers.docker.kinds import NetworkSpec, StackSpec
from argos_gitops.providers.docker.networks import PREFIX as NETWORK
from argos_gitops.providers.docker.observe import PREFIX as SERVICE
from argos_gitops.providers.docker.observe import DockerLive, named_by
from argos_gitops.providers.docker.outcomes import contained, failed
from argos_gitops.providers.docker.shared import NetworkWriter
from argos_gitops.providers.docker.stacks import StackWriter

_SIDE_BY_SIDE = 4

Ready = Callable[[Stack], str]
"""Why a Stack that nothing is changed of does not do well; empty when it does."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The Stacks and Networks of the revision that is applied, by key; `back` are not as it has them."""

    stacks: Mapping[ResourceKey, Stack] = field(default_factory=dict)
    networks: Mapping[ResourceKey, Resource[NetworkSpec]] = field(default_factory=dict)
    back: frozenset[ResourceKey] = frozenset()

    def has_project(self, project: str) -> bool:
        return any(project_of(stack) == project for stack in self.stacks.values())


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes the changes of one plan. `ready` judges Stacks that others wait for."""

    declared: Declared
    stacks: StackWriter
    networks: NetworkWriter
    ready: Ready

    def write(self, live: DockerLive, changes: Sequence[Change]) -> Iterator[Outcome]:
        """An Outcome for each change; raises the TransientError at which it stopped."""
        writes = [change for change in changes if change.action is not Action.DELETE]
        deletes = [change for change in changes if change.action is Action.DELETE]
        for change in writes:
            if change.object_id.startswith(NETWORK):
                yield self.networks.write(self.declared.networks[change.owner], change)
        gone = [each for each in deletes if not _is_network(each)]
        replaced = self._replaced(live, _by_stack(writes), gone)
        results: dict[ResourceKey, list[Outcome]] = {}
        yield from self._bring(live, _by_stack(writes), results, replaced)
        kept = dict(_kept(replaced, results))
        for change in gone:
            if change.object_id in kept:
                yield Outcome(change, Result.SKIPPED, "ReplacementFailed", kept[change.object_id])
        yield from self._take_away(live, [each for each in gone if each.object_id not in kept])
        for change in deletes:
            if _is_network(change):
                yield self.networks.remove(change)

    def _replaced(
        self, live: DockerLive, waiting: Mapping[ResourceKey, Sequence[Change]], deletes: Sequence[Change]
    ) -> Mapping[ResourceKey, Mapping[str, Sequence[Container]]]:
        """By Stack, the services that are removed in this plan and that hold what it asks for."""
        found: dict[ResourceKey, dict[str, Sequence[Container]]] = {}
        for key, changes in waiting.items():
            project = live.project(project_of(self.declared.stacks[key]))
            names = {named_by(each.object_id)[1] for each in changes if each.object_id.startswith(SERVICE)}
            claims = {
                claim for name in names if project is not None for claim in project.claims.get(name, ())
            }
            for change in deletes:
                group = live.group(*named_by(change.object_id))
                if any(shared_claims(claims, claims_of_container(each.listed)) for each in group):
                    found.setdefault(key, {})[change.object_id] = group
        return found

    def _bring(
        self,
        live: DockerLive,
        waiting: dict[ResourceKey, list[Change]],
        results: dict[ResourceKey, list[Outcome]],
        replaced: Mapping[ResourceKey, Mapping[str, Sequence[Container]]],
    ) -> Iterator[Outcome]:
        """Whoever waits for nobody any more goes together with others of whom that is true."""
        while waiting:
            turn = [key for key in waiting if not self._wait_for(key) & waiting.keys()]
            turn = turn or list(waiting)  # no loop gets through validation
            ready = {
                key: changes for key in turn if not self._blocked(key, results) for changes in [waiting[key]]
            }
            for key in turn:
                if key not in ready:
                    why = self._blocked(key, results)
                    results[key] = [
                        Outcome(change, Result.SKIPPED, "DependencyNotReady", why) for change in waiting[key]
                    ]
                    yield from results[key]
            lost: TransientError | None = None
            for key, became in self._together(live, ready, replaced):
                if isinstance(became, TransientError):
                    lost = lost or became
                    became = failed(ready[key], became)
                results[key] = became
                yield from became
            if lost is not None:
                raise lost
            for key in turn:
                del waiting[key]

    def _together(
        self,
        live: DockerLive,
        ready: Mapping[ResourceKey, list[Change]],
        replaced: Mapping[ResourceKey, Mapping[str, Sequence[Container]]],
    ) -> Sequence[tuple[ResourceKey, list[Outcome] | TransientError]]:
        """What became of each, once all have ended: an error of one is no reason to forget the others."""
        with ThreadPoolExecutor(_SIDE_BY_SIDE, "stack") as threads:
            running = {
                key: threads.submit(
                    self.stacks.bring,
                    self.declared.stacks[key],
                    changes,
                    live,
                    [each for group in replaced.get(key, {}).values() for each in group],
                )
                for key, changes in ready.items()
            }
            return [(key, _result(future)) for key, future in running.items()]

    def _wait_for(self, key: ResourceKey) -> set[ResourceKey]:
        return {each for each in self.declared.stacks[key].depends_on if each.kind == StackSpec.kind}

    def _blocked(self, key: ResourceKey, results: Mapping[ResourceKey, Sequence[Outcome]]) -> str:
        """Why a Stack must wait for a later pass; empty when all that it depends on does well."""
        for wanted in sorted(self._wait_for(key)):
            outcomes = results.get(wanted)
            stack = self.declared.stacks.get(wanted)
            if wanted in self.declared.back:
                why = "it failed as this revision has it, and went back"
            elif outcomes is None:
                why = "it is on another host" if stack is None else self.ready(stack)
            else:
                why = next((each.message for each in outcomes if each.result is not Result.DONE), "")
            if why:
                return f"{key} waits for {wanted}: {why.splitlines()[0]}"
        return ""

    def _take_away(self, live: DockerLive, deletes: Sequence[Change]) -> Iterator[Outcome]:
        """Whoever depends on others goes before them; then the networks of projects that are empty."""
        for change in sorted(deletes, key=lambda each: _dependents_first(each, live), reverse=True):
            yield self._remove_service(live, change)
        for project in sorted({named_by(change.object_id)[0] for change in deletes}):
            if not self.declared.has_project(project):
                self.networks.sweep(project)
                self.stacks.runner.forget(project)

    def _remove_service(self, live: DockerLive, change: Change) -> Outcome:
        def removed() -> list[Outcome]:
            for container in live.group(*named_by(change.object_id)):
                self.stacks.client.stop(container.id)
                self.stacks.client.remove(container.id)
            return [Outcome(change, Result.DONE)]

        return contained(self.stacks.client, [change], removed)[0]


def _result(future: Future[list[Outcome]]) -> list[Outcome] | TransientError:
    try:
        return future.result()
    except TransientError as error:
        return error


def _kept(
    replaced: Mapping[ResourceKey, Mapping[str, Sequence[Container]]],
    results: Mapping[ResourceKey, Sequence[Outcome]],
) -> Iterator[tuple[str, str]]:
    """The services that stay, as what should stand in their place does not; and why."""
    for key, services in replaced.items():
        if any(each.result is not Result.DONE for each in results.get(key, ())):
            for object_id in services:
                yield object_id, f"it runs on, as {key}, which should take its place, did not succeed"


def _is_network(change: Change) -> bool:
    return change.object_id.startswith(NETWORK)


def _by_stack(changes: Sequence[Change]) -> dict[ResourceKey, list[Change]]:
    found: dict[ResourceKey, list[Change]] = {}
    for change in changes:
        if not _is_network(change):
            found.setdefault(change.owner, []).append(change)
    return found


def _dependents_first(change: Change, live: DockerLive) -> tuple[int, str]:
    """How far a service is from those that depend on nobody."""
    project, service = named_by(change.object_id)
    return _depth(project, service, live, frozenset()), change.object_id


def _depth(project: str, service: str, live: DockerLive, seen: frozenset[str]) -> int:
    group: Sequence[Container] = live.group(project, service)
    below = {each for container in group for each in container.depends_on} - seen
    return 1 + max((_depth(project, each, live, seen | {service}) for each in below), default=0)
