"""Tells passes on the forge: one commit status and one comment, brought up to date in place."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from argos_gitops.model.errors import ArgosError
from argos_gitops.model.forge import ForgeSpec
from argos_gitops.model.resource import ResourceKey
from argos_gitops.planning.render.lines import inert, shorten
from argos_gitops.ports.report import PassResult
from argos_gitops.status.forge.access import ForgeAccess
from argos_gitops.status.forge.comment import marker, merged, section_of
from argos_gitops.status.forge.forge import (
    MAX_DESCRIPTION,
    CommitStatus,
    Forge,
    PullRequest,
    State,
    upsert_comment,
)
from argos_gitops.status.forge.verdict import Counts, Verdict, count, judge, judged_commit, of_its_target

MAX_COMMITS = 50
"""Commits of which we remember what was told; of older ones the forge is asked."""

_MAX_PULL_REQUESTS = 5


@dataclass
class _Told:
    """What we said about one commit. `status` is the newest, once it was `read`.

    `counts` holds what each pass changed by its target and end: the same pass may be told again.
    """

    counts: dict[tuple[ResourceKey | None, datetime], Counts] = field(default_factory=dict)
    status: CommitStatus | None = None
    read: bool = False
    pulls: Sequence[PullRequest] = ()
    sections: dict[str, str] = field(default_factory=dict)

    def add(self, result: PassResult) -> None:
        if found := count(result):
            self.counts[result.target, result.at] = found

    def done(self, target: ResourceKey | None = None) -> Counts:
        """What was changed on one target, or on all."""
        return sum((found for (key, _), found in self.counts.items() if target in (None, key)), Counter())


class ForgeReporter:
    """A Reporter that does nothing where no forge is configured.

    A state is told once per commit and context, unless it is a failure for another reason than before.
    """

    def __init__(self, instance: str, access: ForgeAccess) -> None:
        self._instance = instance
        self._access = access
        self._commits: OrderedDict[str, _Told] = OrderedDict()

    def report(self, result: PassResult) -> None:
        """Raises ReportError, TransientError or SettingsError when something could not be told.

        The next report of the same tells what is missing, and nothing twice.
        """
        self._access.follow(result.resources, result.revision)
        spec, sha = self._access.spec, judged_commit(result)
        if spec is not None and sha is not None:
            self._tell(result, sha, spec)

    def _tell(self, result: PassResult, sha: str, spec: ForgeSpec) -> None:
        told = self._told(sha)
        told.add(result)
        verdict = judge(result, told.done())
        if verdict is None:
            return
        with self._access.forge(spec) as forge:
            errors: list[ArgosError] = []
            if spec.commit_status:
                _trying(lambda: self._set_status(forge, spec, verdict, told), errors)
            if spec.comments:
                _trying(lambda: self._comment(forge, spec, result, told), errors)
            if errors:
                raise errors[0]

    def _told(self, sha: str) -> _Told:
        told = self._commits.setdefault(sha, _Told())
        self._commits.move_to_end(sha)
        if len(self._commits) > MAX_COMMITS:
            self._commits.popitem(last=False)
        return told

    def _context(self, spec: ForgeSpec) -> str:
        return spec.context.replace("{instance}", self._instance)

    def _set_status(self, forge: Forge, spec: ForgeSpec, verdict: Verdict, told: _Told) -> None:
        description = shorten(inert(verdict.description), MAX_DESCRIPTION)
        status = CommitStatus(self._context(spec), verdict.state, description, self._status_page(forge))
        if not told.read:
            told.status = forge.status(verdict.sha, status.context)
            told.read = True
        if told.status is None or _is_news(status, told.status):
            forge.set_status(verdict.sha, status)
            told.status = status

    def _status_page(self, forge: Forge) -> str:
        agent = self._access.agent
        if agent is None or not agent.status.enabled:
            return ""
        return forge.branch_url(agent.status.branch_of(self._instance))

    def _comment(self, forge: Forge, spec: ForgeSpec, result: PassResult, told: _Told) -> None:
        verdict = judge(of_its_target(result), told.done(result.target))
        if verdict is None:
            return
        context = self._context(spec)
        section = section_of(result, verdict, context)
        if told.sections.get(section.name) == section.key:
            return
        told.pulls = told.pulls or _relevant(forge.pull_requests_of(verdict.sha))
        for pull in told.pulls:
            upsert_comment(forge, pull.number, marker(context), lambda old: merged(old, section))
        told.sections[section.name] = section.key


def _is_news(status: CommitStatus, known: CommitStatus) -> bool:
    if status.state is State.FAILURE and status.description != known.description:
        return True
    return status.state is not known.state


def _relevant(pulls: Sequence[PullRequest]) -> Sequence[PullRequest]:
    """Those that were declined have nothing to learn."""
    return [pull for pull in pulls if pull.open or pull.merged][:_MAX_PULL_REQUESTS]


def _trying(tell: Callable[[], None], errors: list[ArgosError]) -> None:
    """What cannot be told in one place is told in the other all the same."""
    try:
        tell()
    except ArgosError as error:
        errors.append(error)
