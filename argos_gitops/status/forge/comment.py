"""The comment on the pull request that brought a commit: one section for each target. Pure.

The comment itself is the memory: what stands in it tells whether there is news, also after a restart.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import blake2b

from argos_gitops.model.change import Cause, Result
from argos_gitops.planning.render import markdown, problems
from argos_gitops.planning.render.markdown import MAX_LENGTH, code, escape
from argos_gitops.ports.report import PassResult
from argos_gitops.status.forge.forge import State
from argos_gitops.status.forge.verdict import Verdict

WHOLE = "*"
"""The name of the section of a pass over all targets."""

_SECTION = re.compile(
    r"<!-- argos-gitops:section (\S+) (\S+) (\S+) -->\n([^\n]*+)\n"
    r"((?:(?!<!-- argos-gitops).)*+)<!-- argos-gitops:end -->",
    re.DOTALL,
)
_OURS = "<!-- argos-gitops"
_PREVIEW = "preview"
_MAX_FAILED = 10
_LEFT_OUT = "\nLeft out here, as the page would get too long; the status branch has it.\n"


@dataclass(frozen=True, slots=True)
class Section:
    """What is said about one target. `key` is the same for the same news; `body` may be empty.

    `quiet`: there is nothing new but that all is well.
    """

    name: str
    state: str
    key: str
    headline: str
    body: str
    quiet: bool = False

    def text(self) -> str:
        name = f"<!-- argos-gitops:section {self.name} {self.state} {self.key} -->"
        return f"{name}\n{_tame(self.headline)}\n{_tame(self.body)}<!-- argos-gitops:end -->\n"


def marker(context: str) -> str:
    """The first line of the one comment of a context."""
    return f"<!-- argos-gitops:{blake2b(context.encode(), digest_size=8).hexdigest()} -->\n"


def section_of(result: PassResult, verdict: Verdict, context: str) -> Section:
    """`verdict` is that of this pass; times in the page are told as of its end."""
    target = str(result.target) if result.target is not None else ""
    shown = " · ".join(part for part in (escape(context), escape(target), code(verdict.sha[:7])) if part)
    return Section(
        name=target or WHOLE,
        state=verdict.state.value,
        key=_key(result, verdict),
        headline=f"**{shown}: {escape(verdict.description)}**",
        body="".join(f"\n{part}" for part in _body(result)),
        quiet=verdict.state is not State.FAILURE and not _has_news(result),
    )


def preview(context: str, sha: str, key: str, body: str) -> Section:
    """What is said about a commit that is not applied: `body` is its plan, or why there is none."""
    headline = f"**{escape(context)} · {code(sha[:7])}: what merging this would change**"
    return Section(WHOLE, _PREVIEW, _digest(key), headline, f"\n{body}")


def says(old: str, key: str) -> bool:
    """Whether a comment holds the preview of this key."""
    known = parse(old).get(WHOLE)
    return known is not None and (known.state, known.key) == (_PREVIEW, _digest(key))


def merged(old: str, section: Section) -> str | None:
    """The comment's text with `section` in it; None when `old` says as much already."""
    known = parse(old)
    before = known.get(section.name)
    if before is not None and (before.state, before.key) == (section.state, section.key):
        return None
    if section.quiet:
        if before is None or before.state in (State.SUCCESS.value, section.state):
            return None
        section = replace(section, body=before.body)
    others = {} if section.name == WHOLE else {k: v for k, v in known.items() if k != WHOLE}
    return _composed({**others, section.name: section}, section.name)


def parse(text: str) -> dict[str, Section]:
    """The sections of a comment of ours."""
    sections = {}
    for found in _SECTION.finditer(text):
        name, state, key, headline, body = found.groups()
        sections[name] = Section(name, state, key, headline, body)
    return sections


def _composed(sections: Mapping[str, Section], newest: str) -> str:
    """In order of names; where there is no room for all, only the newest keeps its details."""
    texts = {name: sections[name].text() for name in sorted(sections)}
    if sum(map(len, texts.values())) > MAX_LENGTH:
        cut = {n: replace(s, body=_LEFT_OUT) for n, s in sections.items() if n != newest and s.body}
        texts |= {name: section.text() for name, section in cut.items()}
    return "\n".join(texts.values())


def _body(result: PassResult) -> Iterator[str]:
    if result.problems:
        yield problems.markdown(result.problems)
    failed = [outcome for _, outcome in result.outcomes if outcome.result is Result.FAILED]
    if failed:
        yield "".join(
            f"- {escape(f'{each.change.owner}: {each.message or each.reason}')}\n"
            for each in failed[:_MAX_FAILED]
        )
    if len(failed) > _MAX_FAILED:
        yield f"- … and {len(failed) - _MAX_FAILED:,} more\n"
    if result.plan is not None and (not result.plan.empty or result.plan.unreachable):
        yield markdown.render(result.plan, result.at)


def _has_news(result: PassResult) -> bool:
    plan = result.plan
    return bool(result.problems) or (
        plan is not None and any(change.cause is Cause.REVISION for _, change in plan.changes())
    )


def _key(result: PassResult, verdict: Verdict) -> str:
    plan = result.plan.digest if result.plan is not None else ""
    return _digest(verdict.sha, plan, verdict.description, *map(str, result.problems))


def _digest(*parts: str) -> str:
    return blake2b("\0".join(parts).encode(), digest_size=8).hexdigest()


def _tame(text: str) -> str:
    """Text from elsewhere cannot begin or end a section."""
    return text.replace(_OURS, _OURS.replace("<!", "<\\!"))
