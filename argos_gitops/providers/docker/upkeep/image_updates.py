"""The job that looks for newer images, and says which files would have to name them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from posixpath import join

from argos_gitops.model.errors import ArgosError, TransientError
from argos_gitops.model.resource import Resource, ResourceKey, ResourceSet
from argos_gitops.ports.job import JobReport, Occasion, Proposals
from argos_gitops.ports.proposal import Proposal
from argos_gitops.ports.provider import ProviderContext
from argos_gitops.providers.docker.compose.errors import ComposeError
from argos_gitops.providers.docker.compose.rendering import ComposeRenderer, Rendered
from argos_gitops.providers.docker.images.catalogue import Catalogue, rule_for
from argos_gitops.providers.docker.images.proposal import body_of, meaning_of, title_of
from argos_gitops.providers.docker.images.references import InvalidReference, parse_reference
from argos_gitops.providers.docker.images.updates import FolderUpdates, Stack, Update, Written
from argos_gitops.providers.docker.schedules import ImageUpdates, ScheduleSpec
from argos_gitops.providers.docker.upkeep.selecting import host_key, services_of, stacks_of


@dataclass
class _Found:
    """What was found out so far. `unknown` are Stacks of which not everything could be; those that
    `wait` may tell more the next time."""

    updates: list[Update] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    errors: list[ArgosError] = field(default_factory=list)
    unknown: set[ResourceKey] = field(default_factory=set)
    wait: set[ResourceKey] = field(default_factory=set)


class ImageUpdating:
    """One run of it."""

    def __init__(
        self, schedule: Resource[ScheduleSpec], resources: ResourceSet, context: ProviderContext
    ) -> None:
        self._schedule = schedule
        self._wanted = schedule.spec.image_updates or ImageUpdates()
        self._resources = resources
        self._context = context
        self._found = _Found()

    def run(self, occasion: Occasion) -> JobReport:
        """Raises TransientError when it has to stop, SettingsError for a secret that is missing."""
        rendered = {stack.name: (stack, found) for stack, found in self._rendered(occasion)}
        with Catalogue(self._wanted.registries, self._context.secrets, occasion.now) as catalogue:
            for stack, found in rendered.values():
                self._look(stack, found, catalogue, occasion)
        groups = list(self._written(rendered))
        return self._report(groups, occasion)

    def _rendered(self, occasion: Occasion) -> Iterator[tuple[Stack, Rendered]]:
        renderer = ComposeRenderer(self._context)
        for stack in stacks_of(self._resources, self._schedule.spec.select):
            if not occasion.ours(host_key(stack)) or occasion.suspended(stack.key):
                self._found.wait.add(stack.key)
                continue
            why = occasion.held(host_key(stack)) if self._wanted.mode == "apply" else ""
            if why:
                self._found.wait.add(stack.key)
                self._found.notes.append(f"{stack.key} waits: {why}")
                continue
            try:
                yield stack, renderer.render(stack)
            except ComposeError as error:
                self._failed(stack, error, f"{stack.key}: {error.problems[0]}")

    def _look(self, stack: Stack, rendered: Rendered, catalogue: Catalogue, occasion: Occasion) -> None:
        for name in services_of(rendered.services, self._schedule.spec.select):
            service = rendered.services[name]
            image = service.get("image")
            if not image or "build" in service:
                continue
            occasion.go_on()
            try:
                old = parse_reference(image)
                rule = rule_for(old, self._wanted.rules)
                new = catalogue.newer(old, rule) if rule is not None else None
            except InvalidReference as error:
                self._found.notes.append(f"{stack.key} {name}: {error}")
                continue
            except ArgosError as error:
                self._failed(stack, error, f"{stack.key} {name}: {error}")
                continue
            if new is not None:
                self._found.updates.append(Update(stack.key, name, old, new))

    def _failed(self, stack: Stack, error: ArgosError, note: str) -> None:
        self._found.errors.append(error)
        self._found.unknown.add(stack.key)
        if isinstance(error, TransientError):
            self._found.wait.add(stack.key)
        self._found.notes.append(note)

    def _written(self, rendered: Mapping[str, tuple[Stack, Rendered]]) -> Iterator[tuple[str, Written]]:
        """What can be written, folder by folder: Stacks that share one share a proposal."""
        folders: dict[str, dict[str, tuple[Stack, Rendered]]] = {}
        for name, (stack, found) in rendered.items():
            folders.setdefault(stack.spec.path.path, {})[name] = (stack, found)
        for folder, stacks in folders.items():
            keys = {stack.key for stack, _ in stacks.values()}
            updates = [update for update in self._found.updates if update.stack in keys]
            if updates:
                written = FolderUpdates(stacks, self._context).written(updates)
                self._found.notes += [
                    f"{update}: cannot be edited: {why}" for update, why in written.unclear.items()
                ]
                yield folder, written

    def _report(self, groups: Sequence[tuple[str, Written]], occasion: Occasion) -> JobReport:
        written = [(folder, each) for folder, each in groups if each.updates]
        updates = [update for _, each in written for update in each.updates]
        proposes = self._wanted.mode != "report" and occasion.revision.is_commit
        details = [*(str(update) for update in self._found.updates), *self._found.notes]
        error = self._found.errors[0] if self._found.errors else None
        return JobReport(
            reason=error.reason if error is not None else self._reason(updates, proposes=proposes),
            message=self._message(updates, proposes=proposes),
            ok=error is None,
            details=details,
            proposed=self._proposed(written, occasion) if proposes else None,
        )

    def _reason(self, updates: Sequence[Update], *, proposes: bool) -> str:
        if not self._found.updates:
            return "UpToDate"
        if not (updates and proposes):
            return "UpdatesFound"
        return "Committed" if self._wanted.mode == "apply" else "Proposed"

    def _message(self, updates: Sequence[Update], *, proposes: bool) -> str:
        found = len(self._found.updates)
        parts = [f"{found} newer image{'' if found == 1 else 's'} found"]
        if found and not proposes and self._wanted.mode != "report":
            parts.append("told alone, as a folder without git takes no commits")
        if found > len(updates):
            parts.append(f"{found - len(updates)} cannot be edited")
        if self._found.errors:
            parts.append(f"{len(self._found.errors)} could not be looked for: {self._found.errors[0]}")
        return "; ".join(parts)

    def _proposed(self, written: Sequence[tuple[str, Written]], occasion: Occasion) -> Proposals:
        topic = f"updates/{self._schedule.name}"
        if self._wanted.mode == "apply":
            return Proposals(topic, self._one_for_all(written, occasion), direct=True)
        proposals = [self._proposal([each], occasion) for each in written if self._certain(each[1].updates)]
        kept = frozenset(_key(key) for key in self._found.unknown | self._found.wait)
        return Proposals(topic, proposals, undecided=kept)

    def _certain(self, updates: Sequence[Update]) -> bool:
        """A proposal that would shrink because a registry was away stays as it is."""
        return not {update.stack for update in updates} & self._found.wait

    def _one_for_all(self, written: Sequence[tuple[str, Written]], occasion: Occasion) -> list[Proposal]:
        return [self._proposal(written, occasion)] if written else []

    def _proposal(self, written: Sequence[tuple[str, Written]], occasion: Occasion) -> Proposal:
        updates = [update for _, each in written for update in each.updates]
        unclear = [f"{update}: {why}" for _, each in written for update, why in each.unclear.items()]
        topic = f"updates/{self._schedule.name}"
        return Proposal(
            key=_key(min(update.stack for update in updates)),
            revision=occasion.revision.sha,
            title=title_of(updates),
            body=body_of(self._schedule.key, updates, unclear),
            files={join(folder, path): data for folder, each in written for path, data in each.files.items()},
            topic=topic,
            meaning=meaning_of(updates),
        )


def _key(stack: ResourceKey) -> str:
    return f"stack-{stack.name}"
