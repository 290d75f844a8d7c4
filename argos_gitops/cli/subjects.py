"""What `suspend` and `resume` are about: resources and targets that are known, or the whole agent."""

from collections.abc import Iterable

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.find import parse_key, suggestion
from argos_gitops.model.errors import ManifestError
from argos_gitops.model.resource import ResourceKey, ResourceSet
from argos_gitops.ports.control import AGENT

FOLLOWED = "A running agent follows within seconds, at its next look; `argos-gitops status` shows what holds."


def named(subject: str) -> str:
    return "The agent" if subject == AGENT else subject


def find_subjects(application: Application, texts: Iterable[str]) -> list[str]:
    """The subjects as they are kept; UsageError with a suggestion for what nobody knows."""
    return [_find(application, text) for text in texts]


def _find(application: Application, text: str) -> str:
    """By our own store if it can tell, as git may be what is broken; else by the repository."""
    known = _in_store(application)
    if text in known:
        return text
    resources = _in_repository(application)
    key = parse_key(resources, text)
    if resources.get(key) is not None or str(key) in known:
        return str(key)
    raise click.UsageError(f"nothing here is called {key}{suggestion(resources, key, known)}")


def _in_store(application: Application) -> set[str]:
    found: set[ResourceKey] = {condition.subject for condition in application.statuses.conditions()}
    found |= {key.target for key in application.inventory.systems()}
    suspended = {suspension.subject for suspension in application.controls.suspensions()} - {AGENT}
    return {*map(str, found), *suspended}


def _in_repository(application: Application) -> ResourceSet:
    loaded = application.load(application.source.fetch())
    if loaded.problems:
        raise ManifestError(loaded.problems)
    return loaded.resources
