"""Which kinds exist, and which rules hold between resources."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from argos_gitops.model.problem import Problem
from argos_gitops.model.resource import ResourceSet
from argos_gitops.model.spec import SpecModel


@dataclass(frozen=True)
class KindRegistry:
    """Kinds by name and the checks over a whole revision, gathered from the providers by `app`."""

    kinds: Mapping[str, type[SpecModel]]
    checks: tuple[Callable[[ResourceSet], Iterable[Problem]], ...] = ()
