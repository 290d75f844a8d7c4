"""What a proposal to update images says to whoever reviews it. Pure; the same for the same updates."""

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.markdown import code, escape
from argos_gitops.providers.docker.images.references import DOCKER_HUB, ImageReference
from argos_gitops.providers.docker.images.updates import Update

_DIGEST_SHOWN = len("sha256:") + 12
_MOST_NOTES = 20


def title_of(updates: Sequence[Update]) -> str:
    """One line: `Update nginx to 1.28.0 in Stack/web`."""
    where = _listed(sorted({str(update.stack) for update in updates}))
    changes = sorted({(update.new.short, _version(update.new)) for update in updates})
    if len(changes) == 1:
        return f"Update {changes[0][0]} to {changes[0][1]} in {where}"
    return f"Update {len(changes)} images of {where}"


def body_of(schedule: ResourceKey, updates: Sequence[Update], notes: Sequence[str] = ()) -> str:
    """Markdown: which image goes from what to what, and what merging and closing mean."""
    return "\n".join(_lines(schedule, updates, notes)) + "\n"


def meaning_of(updates: Sequence[Update]) -> str:
    """What tells this proposal from another one, whatever else happens to the files."""
    return "\n".join(sorted(str(update) for update in updates))


def _lines(schedule: ResourceKey, updates: Sequence[Update], notes: Sequence[str]) -> Iterator[str]:
    yield f"{code(str(schedule))} found newer images.\n"
    yield "| image | service | from | to |\n|---|---|---|---|"
    for update in sorted(updates, key=str):
        service = f"{escape(str(update.stack))} {code(update.service)}"
        old, new = code(_version(update.old)), _linked(update.new)
        yield f"| {code(update.new.short)} | {service} | {old} | {new} |"
    yield (
        "\nMerging this brings the services to these images; a Stack that does not become healthy goes back "
        "by itself. Closing it declines just these versions."
    )
    if notes:
        yield "\nWhat could not be written, for somebody to look at:\n"
        yield from (f"- {escape(note)}" for note in notes[:_MOST_NOTES])


def _version(image: ImageReference) -> str:
    digest = f"@{image.digest[:_DIGEST_SHOWN]}" if image.digest else ""
    return f"{image.tag or ''}{digest}" or image.tag_or_latest


def _linked(image: ImageReference) -> str:
    page = _page(image)
    return f"[{code(_version(image))}]({page})" if page else code(_version(image))


def _page(image: ImageReference) -> str:
    """Where people read about a tag; empty for registries that have no such page."""
    repository, tag = quote(image.repository), quote(image.tag_or_latest, safe="")
    if image.registry == DOCKER_HUB:
        official = image.repository.startswith("library/")
        place = f"_/{repository.removeprefix('library/')}" if official else f"r/{repository}"
        return f"https://hub.docker.com/{place}/tags?name={tag}"
    if image.registry == "ghcr.io":
        return f"https://ghcr.io/{repository}:{tag}"
    if image.registry == "quay.io":
        return f"https://quay.io/repository/{repository}?tab=tags&tag={tag}"
    return ""


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
