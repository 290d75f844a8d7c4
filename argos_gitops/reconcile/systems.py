"""Systems: each target with each provider that has a section of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from argos_gitops.model.plan import SystemKey
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.ports.provider import KeepsAlive, LiveState, Provider, ProviderContext, ProviderSpec, Target


@dataclass(frozen=True, slots=True)
class System:
    """A provider bound to a target. `departed`: the target's resource has left the repository.

    `observed_only`: nothing is ever written there.
    """

    key: SystemKey
    target: Target
    provider: Provider
    departed: bool = False
    begun: dict[SystemKey, "Future[LiveState]"] = field(default_factory=dict)
    observed_only: bool = False

    def observe(self) -> LiveState:
        """What was begun ahead of this pass, once; then a look of its own each time."""
        ahead = self.begun.pop(self.key, None)
        return self.provider.observe() if ahead is None else ahead.result()

    @property
    def suspended(self) -> bool:
        return self.target.resource.suspended


class Systems:
    """Keeps providers over passes, so that their connections and memos serve the next one."""

    def __init__(
        self, specs: Sequence[ProviderSpec], context: Callable[[ProviderSpec], ProviderContext]
    ) -> None:
        self._specs = specs
        self._context = context
        self._bound: dict[SystemKey, tuple[str, Provider]] = {}
        self._begun: dict[SystemKey, Future[LiveState]] = {}

    def observe_ahead(self) -> None:
        """Begins to look at the systems of the pass before, while git is still waited for.

        What is seen may be older by the time of a fetch; writing onto it is compare-and-swap anyway.
        """
        self._begun = {}
        if self._bound:
            pool = ThreadPoolExecutor(len(self._bound), thread_name_prefix="observe")
            for key, (_, provider) in self._bound.items():
                self._begun[key] = pool.submit(provider.observe)
            pool.shutdown(wait=False)

    def targets(self, resources: ResourceSet) -> set[ResourceKey]:
        """Those that any provider has a section of."""
        return {
            target.key
            for target in _targets(self._specs, resources)
            if any(True for _ in self._specs_of(target))
        }

    def of(
        self,
        resources: ResourceSet,
        remembered: Mapping[SystemKey, AnyResource],
        only: ResourceKey | None = None,
    ) -> tuple[System, ...]:
        """The systems of all targets, or of one, the departed ones among them, in the order of their keys."""
        systems = {
            SystemKey(target.key, spec.name): self._bind(spec, target, departed=False)
            for target in _targets(self._specs, resources)
            if only in (None, target.key)
            for spec in self._specs_of(target)
        }
        for key, resource in remembered.items():
            for spec in self._specs_of(Target(resource)) if only in (None, key.target) else ():
                if spec.name == key.provider and key not in systems:
                    systems[key] = self._bind(spec, Target(resource), departed=True)
        self._forget(set(self._bound if only is None else self.bound(only)) - set(systems))
        if only is None:
            self._begun = {}
        return tuple(systems[key] for key in sorted(systems))

    def bound(self, target: ResourceKey) -> list[SystemKey]:
        """The systems of a target that a pass has been over."""
        return [key for key in list(self._bound) if key.target == target]

    def keepers_alive(self, target: ResourceKey) -> list[tuple[SystemKey, KeepsAlive]]:
        """The providers of a target that have to speak up between passes."""
        return [
            (key, provider)
            for key, (_, provider) in list(self._bound.items())
            if key.target == target and isinstance(provider, KeepsAlive)
        ]

    def release(self, target: ResourceKey) -> None:
        """Closes what is open to one target."""
        self._forget(set(self.bound(target)))

    def close(self) -> None:
        self._forget(set(self._bound))

    def _specs_of(self, target: Target) -> Iterable[ProviderSpec]:
        for spec in self._specs:
            if spec.target_kind == target.key.kind and target.section(spec.name, spec.settings) is not None:
                yield spec

    def _bind(self, spec: ProviderSpec, target: Target, *, departed: bool) -> System:
        key = SystemKey(target.key, spec.name)
        digest, provider = self._bound.get(key, ("", None))
        if provider is None or digest != target.resource.digest:
            if provider is not None:
                self._begun.pop(key, None)
                provider.close()
            provider = spec.factory(target, self._context(spec))
            self._bound[key] = (target.resource.digest, provider)
        observed_only = spec.observed_only is not None and spec.observed_only(target)
        return System(key, target, provider, departed, self._begun, observed_only)

    def _forget(self, keys: set[SystemKey]) -> None:
        for key in keys:
            self._bound.pop(key)[1].close()


def _targets(specs: Sequence[ProviderSpec], resources: ResourceSet) -> Iterable[Target]:
    for kind in sorted({spec.target_kind for spec in specs}):
        for resource in resources.of_kind(kind).values():
            yield Target(resource)
