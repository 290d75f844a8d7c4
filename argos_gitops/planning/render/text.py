"""A plan for people at a terminal."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from argos_gitops.model.plan import Plan
from argos_gitops.planning.guard import APPROVAL_DIGITS
from argos_gitops.planning.render.entries import entries, held_back, only_told
from argos_gitops.planning.render.lines import Line, Segment, Style, ago, line, shorten, visible
from argos_gitops.planning.render.summary import summarize, verdict

MAX_SENTENCES = 20
"""Sentences of one sort (notices, failures, …); more are counted, not listed."""


def render(plan: Plan, now: datetime) -> list[Line]:
    """Header, changes, what waits or is amiss, and one closing line. Times are told in the zone of `now`."""
    return [
        header(plan, now),
        (),
        *entries(plan, now),
        *_listed("Not as desired, and nothing is ever written there", only_told(plan, now)),
        *_listed("Held back", held_back(plan, now)),
        *_section("Worth knowing", Style.WARN, notices(plan)),
        *_section("Not observed, and left alone until it answers", Style.BAD, _failures(plan)),
        *_section("Blocked", Style.BAD, plan.blocked),
        *_way_out(plan),
        closing(plan),
    ]


def header(plan: Plan, now: datetime) -> Line:
    """What is planned from where: revision, what was applied before, and the targets."""
    parts = [_revision(plan), _applied(plan, now), _targets(plan)]
    return line(" · ".join(part for part in parts if part))


def closing(plan: Plan) -> Line:
    """The plan in one sentence."""
    style = Style.BAD if plan.blocked or plan.unplanned else Style.WARN if plan.unreachable else Style.GOOD
    return line(
        Segment(f"Plan {plan.short}: ", Style.STRONG),
        f"{summarize(plan).sentence()}. ",
        Segment(verdict(plan), style),
    )


def approval(plan: Plan) -> str:
    """The command that approves exactly this plan."""
    return f"argos-gitops apply --approve {plan.digest[:APPROVAL_DIGITS]}"


def notices(plan: Plan) -> Iterator[str]:
    """What is amiss but stops nothing: first on the systems, then at places in the repository."""
    found = [(system, notice) for system in plan.systems for notice in system.notices]
    for system, notice in found:
        if notice.location is None:
            yield f"{system.system}: {notice.reason}: {notice.message}"
    for _, notice in found:
        if notice.location is not None:
            yield f"{notice.location}: {notice.reason}: {notice.message}"


def _revision(plan: Plan) -> str:
    revision = plan.revision
    subject = f' "{shorten(revision.subject)}"' if revision.subject else ""
    ref = f" ({shorten(revision.ref)})" if revision.ref else ""
    return f"{'Revision' if revision.is_commit else 'Directory'} {visible(revision.short)}{subject}{ref}"


def _applied(plan: Plan, now: datetime) -> str:
    if plan.applied_revision is None:
        return "nothing applied yet"
    which = "" if plan.applied_revision == plan.revision.sha else f" {visible(plan.applied_revision[:7])}"
    when = f" {ago(plan.applied_at, now)}" if plan.applied_at else ""
    return f"applied{which}{when}"


def _targets(plan: Plan) -> str:
    targets = sorted({str(system.system.target) for system in plan.systems})
    return visible(", ".join(targets)) if len(targets) <= 3 else f"{len(targets)} targets"


def _listed(title: str, found: Iterable[Line]) -> Iterator[Line]:
    lines = [*found]
    if lines:
        yield line(Segment(title, Style.WARN))
        yield from lines
        yield ()


def _failures(plan: Plan) -> Iterator[str]:
    for system in plan.unreachable:
        if system.failure is not None:
            yield f"{system.system}: {system.failure.reason}: {system.failure.message}"


def _section(title: str, style: Style, sentences: Iterable[str]) -> Iterator[Line]:
    found = [*sentences]
    if not found:
        return
    yield line(Segment(title, style))
    for sentence in found[:MAX_SENTENCES]:
        yield line("  ", visible(sentence))
    if len(found) > MAX_SENTENCES:
        yield line("  ", Segment(f"… and {len(found) - MAX_SENTENCES:,} more (see -o json)", Style.DIM))
    yield ()


def _way_out(plan: Plan) -> Iterator[Line]:
    if plan.blocked:
        yield line("To apply this plan all the same: ", Segment(approval(plan), Style.STRONG))
        yield ()
