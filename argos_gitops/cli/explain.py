"""`explain`: all that is known about one resource."""

from collections.abc import Iterator

import click

from argos_gitops.app.application import Application
from argos_gitops.cli.errors import Exit
from argos_gitops.cli.find import find_resource
from argos_gitops.cli.options import REV, with_application
from argos_gitops.cli.output import show
from argos_gitops.manifests.references import references_of
from argos_gitops.model.change import Change
from argos_gitops.model.condition import Truth
from argos_gitops.model.resource import AnyResource, ResourceKey, ResourceSet
from argos_gitops.planning.render.lines import Line, Segment, Style, ago, line, pad, shorten, visible
from argos_gitops.reconcile.trip import Outlook


@click.command("explain")
@click.argument("resource", metavar="KIND/NAME")
@with_application
@REV
def command(application: Application, resource: str, rev: str | None) -> int:
    """Tell all that is known about KIND/NAME: where it comes from, what it uses and is used by, what
    was applied when, what is pending, and how it is."""
    outlook = application.look(rev, whole=True)
    found = find_resource(outlook.resources, resource)
    show(
        [
            line(Segment(str(found.key), Style.STRONG), f"  {visible(str(found.location))}"),
            *_relations(outlook.resources, found),
            *_applied(application, outlook, found.key),
            *_pending(outlook, found.key),
            *_told(outlook, found.key),
            *_conditions(application, found.key),
        ]
    )
    return Exit.OK


def _fact(label: str, *text: Segment | str) -> Line:
    return line("  ", Segment(pad(label, 14), Style.DIM), *text)


def _relations(resources: ResourceSet, found: AnyResource) -> Iterator[Line]:
    if found.derived_from is not None:
        yield _fact("follows from", found.derived_from)
    for key in sorted(references_of(found)):
        yield _fact("uses", str(key))
    users = sorted(other.key for other in resources if found.key in references_of(other))
    for key in users[:20]:
        yield _fact("used by", str(key))
    if len(users) > 20:
        yield _fact("", f"… and {len(users) - 20:,} more")
    for key in sorted(
        other.key for other in resources if str(found.key) in (other.derived_from or "").split(", ")
    ):
        yield _fact("leads to", str(key))
    if found.suspended:
        yield _fact("suspended", "by its annotation; nothing is done to it")
    if found.protected:
        yield _fact("prune", "disabled by its annotation; its objects outlive it")


def _applied(application: Application, outlook: Outlook, key: ResourceKey) -> Iterator[Line]:
    for look in outlook.looks:
        for entry in (look.inventory or {}).values():
            if entry.owner == key:
                when = ago(entry.applied_at, application.now())
                label = "was as wanted" if look.plan.observed_only else "applied"
                yield _fact(
                    label, f"{entry.object_id} on {look.system.key}, {when}, from {entry.revision[:7]}"
                )


def _pending(outlook: Outlook, key: ResourceKey) -> Iterator[Line]:
    for look in outlook.looks:
        if look.plan.failure is not None:
            yield _fact("unknown", Segment(f"{look.system.key}: {look.plan.failure.message}", Style.BAD))
        for change in look.plan.changes:
            if change.owner == key:
                yield _fact("pending", f"{change.action} on {look.system.key}, because of {change.cause}")
                yield from _fields(change)
        for held in look.plan.held:
            if held.change.owner == key:
                label = "differs" if held.only_told else "held back"
                yield _fact(
                    label, visible(f"{held.change.action} of {held.change.object_id}: {held.message}")
                )
                yield from _fields(held.change)


def _fields(change: Change) -> Iterator[Line]:
    for each in change.fields:
        before, after = shorten(each.before or "(none)"), shorten(each.after or "(gone)")
        yield _fact("", f"{visible(each.name)}: {before} → {after}")
    if change.note:
        yield _fact("", visible(change.note))


def _told(outlook: Outlook, key: ResourceKey) -> Iterator[Line]:
    """All that a target which only reports tells, and what it does not tell."""
    for look in outlook.looks:
        if look.live is None or not look.plan.observed_only:
            continue
        for managed in (look.objects or {}).values():
            found = look.live.objects.get(managed.id)
            if managed.owner == key and found is not None:
                yield _fact("reported", visible(managed.id))
                for label, text in look.system.provider.fields(found.content).items():
                    yield _fact("", f"{visible(label)}: {shorten(text)}")


def _conditions(application: Application, key: ResourceKey) -> Iterator[Line]:
    for condition in application.statuses.conditions():
        if condition.subject == key:
            good = condition.status is Truth.TRUE and condition.type == "Ready"
            since = f", {ago(condition.since, application.now())}" if condition.since else ""
            text = f"{condition.status} ({condition.reason}){since}"
            yield _fact(condition.type, Segment(text, Style.GOOD if good else Style.WARN))
            if condition.message:
                yield _fact("", visible(condition.message))
