"""Keeps the status branch: one commit for each pass that has something new to say."""

import random
import re
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from argos_gitops.model.agent import StatusBranchSpec, agent_of
from argos_gitops.model.errors import GitError, ReportError
from argos_gitops.model.source import Revision
from argos_gitops.planning.render.summary import summarize
from argos_gitops.ports.report import UNTOLD, PassResult
from argos_gitops.status import pages, times
from argos_gitops.status.memory import Memory, PlanNote
from argos_gitops.status.overview import overview
from argos_gitops.status.plainyaml import dump
from argos_gitops.status.resources import Document, ResourceDocuments, path_of
from argos_gitops.status.tree import (
    DRIFT,
    PLANS,
    README,
    STATUS,
    Difference,
    Tree,
    difference,
    free_path,
    outdated_plans,
    read_tree,
)
from argos_gitops.supervision.backoff import doubled
from argos_gitops.vcs.branch import Base, Branch
from argos_gitops.vcs.commits import Draft, with_trailers
from argos_gitops.vcs.remote import PUSH_REFUSED, PUSH_REJECTED, REF_BUSY
from argos_gitops.vcs.repository import NAME_TAKEN, SIGNING_FAILED

ATTEMPTS = 8
"""How often somebody else may be faster before a report is given up."""

BUSY_ATTEMPTS = 4
"""How often the server may say that it cannot lock the branch, which nobody moved."""

LOOK_AFTER = timedelta(minutes=10)
"""After so long without a commit of ours, look whether the branch still is what we believe."""

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=30)
_IN_BETWEEN = frozenset({PUSH_REJECTED, "RefMoved", REF_BUSY})
_REFUSALS = frozenset({NAME_TAKEN, PUSH_REFUSED, SIGNING_FAILED})
_BRANCH_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._+-]*(/[A-Za-z0-9_][A-Za-z0-9._+-]*)*")


class StatusBranch:
    """A Reporter. `branch` opens the branch of a name, or gives None where there is no git to write to.

    A pass that only found another one at work, or that somebody declined, says nothing about the
    world and is not told.
    """

    def __init__(
        self,
        instance: str,
        branch: Callable[[str], Branch | None],
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._instance = instance
        self._open = branch
        self._pause = pause
        self._spec: StatusBranchSpec | None = None
        self._desks: dict[str, _Desk] = {}

    def report(self, result: PassResult) -> None:
        """Raises ReportError when the branch could not be brought up to date; the next report tries again."""
        if result.result in UNTOLD:
            return
        spec = self._spec_for(result)
        if not spec.enabled:
            return
        desk = self._desk(spec, result.revision)
        if desk is not None:
            desk.deliver(result, spec.keep_plans, only_if_there=self._spec is None)

    def check(self, spec: StatusBranchSpec, revision: Revision) -> str:
        """The branch that the next pass writes, and may write as far as that can be known; writes nothing.

        Raises ReportError where something keeps it from being written.
        """
        desk = self._desk(spec, revision) if spec.enabled else None
        if desk is None:
            return "not kept" if not spec.enabled else "not kept: a folder without git has none"
        desk.check(revision.sha)
        return f"{spec.branch_of(self._instance)} can be written"

    def _spec_for(self, result: PassResult) -> StatusBranchSpec:
        """What the Agent resource says; while a revision is rejected, what the last good one said."""
        if result.resources is not None:
            self._spec = agent_of(result.resources).status
        return self._spec or StatusBranchSpec()

    def _desk(self, spec: StatusBranchSpec, revision: Revision | None) -> "_Desk | None":
        name = spec.branch_of(self._instance)
        if not _BRANCH_NAME.fullmatch(name) or ".." in name or name.endswith(".lock"):
            raise ReportError(f"the status branch {name!r} is no name for a branch; see Agent status.branch")
        if revision is not None and revision.ref == name:
            raise ReportError(f"the status branch {name!r} is the one that is read; see Agent status.branch")
        if name not in self._desks:
            branch = self._open(name)
            if branch is None:
                return None
            self._desks[name] = _Desk(self._instance, branch, self._pause)
        return self._desks[name]


class _Desk:
    """The writing of one branch, with what is remembered between two reports."""

    def __init__(self, instance: str, branch: Branch, pause: Callable[[float], None]) -> None:
        self._instance = instance
        self._branch = branch
        self._pause = pause
        self._documents = ResourceDocuments()
        self._seen: tuple[str | None, Tree] | None = None
        self._told: object = None
        self._looked_at: datetime | None = None

    def deliver(self, result: PassResult, keep_plans: int, *, only_if_there: bool) -> None:
        told = _essence(result)
        due = self._looked_at is None or result.at - self._looked_at >= LOOK_AFTER
        if told == self._told and not due:
            return
        self._told = None
        busy = 0
        for attempt in range(ATTEMPTS):
            if attempt:
                pause = doubled(_FIRST_PAUSE, attempt, _LONGEST_PAUSE).total_seconds()
                self._pause(random.uniform(0.2, 1.0) * pause)  # noqa: S311 - spreads writers
            obstacle = self._try(result, keep_plans, refresh=due or attempt > 0, only_if_there=only_if_there)
            if obstacle is None:
                self._told, self._looked_at = told, result.at
                return
            busy += obstacle.reason == REF_BUSY
            if busy == BUSY_ATTEMPTS:
                raise self._unwritten(obstacle) from obstacle
        raise ReportError(
            f"{self._branch.ref}: others were faster {ATTEMPTS} times; the next pass tries again",
            reason="StatusBranchContended",
        )

    def check(self, commit: str) -> None:
        """Raises ReportError where the branch could not be written now, as far as that shows before it is."""
        try:
            self._branch.check(commit)
        except GitError as error:
            raise self._unwritten(error) from error

    def _unwritten(self, error: GitError) -> ReportError:
        return ReportError(f"{self._branch.ref} could not be written: {error}", reason=error.reason)

    def _try(
        self, result: PassResult, keep_plans: int, *, refresh: bool, only_if_there: bool
    ) -> GitError | None:
        """None when the branch says it now, else why not yet; ReportError when trying again cannot help."""
        try:
            base = self._branch.refresh() if refresh else self._branch.base()
            if base.tip is None and only_if_there:
                return None
            self._bring_up_to_date(base, result, keep_plans)
        except GitError as error:
            if error.reason in _REFUSALS:
                raise self._unwritten(error) from error
            if error.reason in _IN_BETWEEN or self._branch.recover():
                return error
            raise self._unwritten(error) from error
        return None

    def _bring_up_to_date(self, base: Base, result: PassResult, keep_plans: int) -> None:
        form = self._branch.repository.object_format
        tree = self._tree(base.tip)
        rescued = self._rescued(base, tree)
        memory = tree.memory.merged(rescued.memory).after(result)
        wanted: dict[str, Document] = {}
        note = _plan_note(result, memory, tree.blobs.keys() | rescued.blobs.keys())
        if note is not None:
            memory = memory.with_plan(note)
            wanted[note.path] = Document.of(pages.plan_page(result), form)
        data = overview(self._instance, result, memory)
        wanted[STATUS] = Document.of(dump(data), form)
        wanted[README] = Document.of(pages.readme(data, memory), form)
        wanted[DRIFT] = Document.of(pages.drift(memory), form)
        kept: set[str] | None = None
        if result.resources is not None and result.plan is not None:
            wanted |= self._documents.of(result, result.resources, form)
            kept = {path_of(key) for key in result.elsewhere if result.resources.get(key) is not None}
        change = self._difference(tree, rescued, wanted, keep_plans, kept)
        if change is not None:
            commit = self._branch.append(_draft(self._branch.ref, base, self._instance, result, change))
            self._seen = (commit, change.after(tree, wanted, replace(memory, carried=data)))
        elif base.unsent is not None:
            self._branch.send(base)

    def _difference(
        self,
        tree: Tree,
        rescued: Tree,
        wanted: Mapping[str, Document],
        keep_plans: int,
        kept: Collection[str] | None,
    ) -> Difference | None:
        change = difference(self._branch.repository, tree, wanted, kept)
        links = rescued.blobs
        if change is None and not links:
            return None
        change = change or Difference({}, {}, frozenset())
        outdated = outdated_plans({*tree.plans(), *links, *_plans_in(change.writes)}, keep_plans)
        return Difference(
            {path: content for path, content in change.writes.items() if path not in outdated},
            {path: blob for path, blob in links.items() if path not in outdated},
            change.removals | (outdated & tree.blobs.keys()),
        )

    def _tree(self, tip: str | None) -> Tree:
        if self._seen is None or self._seen[0] != tip:
            self._seen = (tip, read_tree(self._branch.repository, tip))
        return self._seen[1]

    def _rescued(self, base: Base, tree: Tree) -> Tree:
        """What of our own never reached the branch, because somebody else moved it meanwhile."""
        if base.unsent is None or base.unsent == base.tip:
            return Tree(memory=tree.memory)
        return read_tree(self._branch.repository, base.unsent).plans_beside(tree)


def _essence(result: PassResult) -> object:
    """Equal for two passes that have the same to say. A pass that changed something never equals another."""
    plan = result.plan
    return (
        result.result,
        result.message,
        result.revision,
        (plan.digest, plan.blocked, plan.unreachable) if plan is not None else None,
        object() if result.outcomes else None,
        tuple(result.conditions),
        tuple(result.problems),
        tuple(result.blocked),
        result.resources.fingerprint if result.resources is not None else None,
        dict(result.applied_digests),
        result.revisions,
        tuple(result.events),
    )


def _plan_note(result: PassResult, memory: Memory, present: Collection[str]) -> PlanNote | None:
    """The note for a plan that was applied or blocked, unless the branch has it already."""
    plan, revision = result.plan, result.revision
    if plan is None or revision is None or plan.empty:
        return None
    if not result.outcomes and not plan.blocked:
        return None
    if any(_tells_the_same(note, result, plan.digest) for note in memory.plans):
        return None
    path = free_path(f"{PLANS}/{times.for_names(result.at)}-{revision.short}", present)
    summary = summarize(plan).sentence()
    return PlanNote(
        result.at.replace(microsecond=0),
        revision.sha,
        revision.subject,
        result.own_result or result.result,
        plan.digest,
        summary,
        path,
    )


def _tells_the_same(note: PlanNote, result: PassResult, digest: str) -> bool:
    """A plan that stays blocked, or keeps failing, is told once; each one that was applied is."""
    if (note.digest, note.result) != (digest, result.own_result or result.result):
        return False
    return note.result != "Applied" or note.at == result.at.replace(microsecond=0)


def _plans_in(writes: Mapping[str, bytes]) -> set[str]:
    return {path for path in writes if path.startswith(f"{PLANS}/")}


def _draft(ref: str, base: Base, instance: str, result: PassResult, change: Difference) -> Draft:
    revision = result.revision
    subject = f"{result.result} {revision.short} {revision.subject}" if revision else result.result
    trailers = {
        "Argos-Instance": instance,
        "Argos-Revision": revision.sha if revision else result.revisions.attempted or "none",
        "Argos-Result": result.result,
    }
    if result.events:
        trailers["Argos-Events"] = ", ".join(result.events)
    message = with_trailers(subject[:200], trailers)
    return Draft(ref, base.tip, message, result.at, change.writes, change.links, change.removals)
