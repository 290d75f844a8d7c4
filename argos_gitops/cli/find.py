"""Finding the resource that a person names."""

from collections.abc import Iterable
from difflib import get_close_matches

import click

from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet


def find_resource(resources: ResourceSet, text: str) -> AnyResource:
    """The resource called KIND/NAME, kinds in any case; UsageError with a suggestion when there is none."""
    key = parse_key(resources, text)
    found = resources.get(key)
    if found is None:
        raise click.UsageError(f"there is no {key} in this revision{suggestion(resources, key)}")
    return found


def parse_key(resources: ResourceSet, text: str) -> ResourceKey:
    """KIND/NAME with the kind's proper spelling."""
    try:
        key = ResourceKey.parse(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    kinds = {kind.lower(): kind for kind in resources.kinds()}
    return ResourceKey(kinds.get(key.kind.lower(), key.kind), key.name)


def suggestion(resources: ResourceSet, key: ResourceKey, more: Iterable[str] = ()) -> str:
    """What may have been meant, as the end of a sentence; `more` are names beside those of the resources."""
    names = [str(ResourceKey(kind, name)) for kind in resources.kinds() for name in resources.of_kind(kind)]
    names = sorted({*names, *more})
    close = get_close_matches(str(key), names, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(close)}?" if close else ""
