"""A plan as Markdown, for a comment on a pull request or a page of the status branch.

Names and values come from git and from live systems, and may be hostile. What lists them stands in a
fence longer than any run of backticks inside, where neither Markdown nor HTML means anything; sentences
outside are escaped.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from argos_gitops.model.plan import Plan
from argos_gitops.planning.holds import sentences
from argos_gitops.planning.render.entries import entries, held_back, only_told
from argos_gitops.planning.render.lines import line, plain, shorten, visible
from argos_gitops.planning.render.summary import summarize, verdict
from argos_gitops.planning.render.text import approval, header, notices

MAX_LENGTH = 60_000
"""Characters of a page: GitHub takes comments of up to 65,536."""

_MAX_SENTENCES, _MAX_NOTICES, _MAX_SENTENCE, _MAX_LIST = 10, 50, 400, 12_000
_FOLD_FROM = 40
_PUNCTUATION = re.compile(r"([\\`*_{}\[\]()#+.!|<>~&:$^=\"'-])")


def render(plan: Plan, now: datetime) -> str:
    """The page; longer ones lose changes from the end, never a reason why a plan is blocked."""
    sentences = list(_sentences(plan, now))
    page = "\n".join(sentences)
    return page + _changes(plan, now, room=MAX_LENGTH - len(page))


def escape(text: str) -> str:
    """Text that Markdown, HTML and a forge's mentions leave alone, on one line."""
    escaped = _PUNCTUATION.sub(r"\\\1", visible(text))
    return escaped.replace("@", "`@`")


def code(text: str) -> str:
    """An inline code span around any text."""
    shown = visible(text)
    fence = "`" * (_longest_run(shown) + 1)
    space = " " if len(fence) > 1 else ""
    return f"{fence}{space}{shown}{space}{fence}"


def fenced(text: str, language: str = "") -> str:
    """A code block around any lines that were made visible before."""
    fence = "`" * max(_longest_run(text) + 1, 3)
    return f"{fence}{language}\n{text}{fence}\n"


def _sentences(plan: Plan, now: datetime) -> Iterator[str]:
    yield f"### Plan {code(plan.short)}\n"
    yield f"{escape(plain([header(plan, now)]).strip())}\n"
    yield f"**{summarize(plan).sentence().capitalize()}. {verdict(plan)}**\n"
    yield from _list("Blocked", plan.blocked)
    if plan.blocked:
        yield f"To apply this plan all the same: {code(approval(plan))}\n"
    failures = [f"{part.system}: {part.failure.message}" for part in plan.unreachable if part.failure]
    yield from _list("Not observed, and left alone until it answers", failures)
    yield from _list("Worth knowing", notices(plan), _MAX_NOTICES)
    yield from _list("Held back", _sentences_of(plan, only_told=False))
    yield from _list("Not as desired, and nothing is ever written there", _sentences_of(plan, only_told=True))


def _sentences_of(plan: Plan, *, only_told: bool) -> Iterator[str]:
    for part in plan.systems:
        yield from sentences(held for held in part.held if held.only_told is only_told)


def _list(title: str, sentences: Iterable[str], most: int = _MAX_SENTENCES) -> Iterator[str]:
    found = [*sentences]
    if not found:
        return
    yield f"{title}:\n"
    items = [f"- {escape(shorten(sentence, _MAX_SENTENCE))}" for sentence in found[:most]]
    while sum(map(len, items)) > _MAX_LIST:
        items.pop()
    yield from items
    if len(found) > len(items):
        yield f"- … and {len(found) - len(items):,} more"
    yield ""


def _changes(plan: Plan, now: datetime, room: int) -> str:
    waiting, told = [*held_back(plan, now)], [*only_told(plan, now)]
    lines = [
        *entries(plan, now),
        *((line("Held back:"), *waiting) if waiting else ()),
        *((line("Not as desired:"), *told) if told else ()),
    ]
    listed = [text.removeprefix("  ") for text in plain(lines).splitlines()]
    while listed and not listed[-1]:
        listed.pop()
    if not listed:
        return ""
    block = fenced(_within(listed, room - 400), "diff")
    if len(listed) < _FOLD_FROM:
        return f"\n{block}"
    return f"\n<details><summary>Every change</summary>\n\n{block}\n</details>\n"


def _within(lines: list[str], room: int) -> str:
    """As many lines as there is room for, and how many are left out."""
    kept, length = [], 0
    for number, text in enumerate(lines):
        length += len(text) + 1
        if length > room:
            kept.append(f"… and {len(lines) - number:,} more lines")
            break
        kept.append(text)
    return "".join(f"{text}\n" for text in kept)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
