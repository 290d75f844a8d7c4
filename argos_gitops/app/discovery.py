"""Finds the providers, and composes target kinds out of the sections that they bring."""

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from pydantic import Field, create_model

from argos_gitops import providers
from argos_gitops.manifests.dependencies import dependencies_can_be_met
from argos_gitops.manifests.registry import KindRegistry
from argos_gitops.model.agent import AgentSpec
from argos_gitops.model.notification import NotificationChannelSpec, NotificationRuleSpec
from argos_gitops.model.spec import SpecModel
from argos_gitops.ports.provider import ProviderSpec

_TARGETS = {"Edge": "One Caddy with its CrowdSec: a target.", "DockerHost": "One Docker engine: a target."}


@cache
def provider_specs() -> tuple[ProviderSpec, ...]:
    """Each folder of `providers` exposes one `PROVIDER`; in name order."""
    names = sorted(module.name for module in iter_modules(providers.__path__) if module.ispkg)
    return tuple(provider_spec(name) for name in names)


def provider_spec(name: str) -> ProviderSpec:
    """One of them; no other is imported."""
    spec: ProviderSpec = import_module(f"{providers.__name__}.{name}").PROVIDER
    return spec


@cache
def kind_registry() -> KindRegistry:
    """All kinds and rules that the installed providers bring, and our own."""
    specs = provider_specs()
    general: list[type[SpecModel]] = [AgentSpec, NotificationChannelSpec, NotificationRuleSpec]
    models = general + _target_models(specs) + [model for spec in specs for model in spec.kinds]
    checks = (dependencies_can_be_met, *(check for spec in specs for check in spec.checks))
    return KindRegistry({model.kind: model for model in sorted(models, key=lambda model: model.kind)}, checks)


def _target_models(specs: Sequence[ProviderSpec]) -> list[type[SpecModel]]:
    return [_target_model(kind, specs) for kind in sorted({spec.target_kind for spec in specs})]


def _target_model(kind: str, specs: Sequence[ProviderSpec]) -> type[SpecModel]:
    sections: dict[str, Any] = {
        spec.name: (spec.settings | None, Field(None, description=_first_line(spec.settings)))
        for spec in specs
        if spec.target_kind == kind
    }
    doc = _TARGETS.get(kind, f"A target that {' and '.join(sections)} can write to.")
    model = create_model(f"{kind}Spec", __base__=SpecModel, __doc__=doc, **sections)
    model.kind = kind
    return model


def _first_line(model: type[SpecModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]
