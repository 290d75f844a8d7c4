"""A plan as a comment on a pull request: readable, bounded, and nobody's markup but ours."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from argos_gitops.model.change import FieldChange
from argos_gitops.model.plan import Failure, Held, Plan, SystemPlan
from argos_gitops.planning.render import markdown
from tests.planning.plans import MOVE, NOW, REVISION, assemble, example, many, of_changes, troubled
from tests.planning.render.test_formats import hostile_plans
from tests.planning.world import CADDY, CROWDSEC

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
OURS = {"<details><summary>Every change</summary>", "</details>"}


def tokens(page: str) -> list[Token]:
    found = PARSER.parse(page)
    return [*found, *(child for token in found for child in token.children or ())]


def test_the_example_of_the_design() -> None:
    plan = example()
    assert markdown.render(plan, NOW) == (
        f"### Plan `{plan.short}`\n\n"
        'Revision 3f2a9c1 \\"move grafana\\" \\(main\\) · applied 81bd00e 2 h ago · Edge/main\n\n'
        "**1 to add, 1 to change, 1 to remove, 1 drifted. Nothing blocked.**\n\n"
        "```diff\n"
        "~ Host/grafana          hosts/grafana.yaml:9\n"
        "    upstream            10.0.0.5:3000 → 10.0.0.6:3000\n"
        "! Host/wiki             drift since 14:02, not from git; will be repaired\n"
        "    X-Frame-Options     DENY → (gone on the edge)\n"
        "+ CountryBan/ng         bans/countries.yaml:1\n"
        "    ranges              1,248 (877 IPv4, 371 IPv6), 3 taken out by Allowlist/partners\n"
        "- Decision/old-scanner  removed in 3f2a9c1\n"
        "```\n"
    )


def test_a_plan_in_trouble_reads_as_text() -> None:
    page = PARSER.render(markdown.render(troubled(), NOW))
    assert "5 of 6 Host objects (83%) would be removed" in page
    assert f"<code>argos-gitops apply --approve {troubled().digest[:12]}</code>" in page
    assert "<p>Not observed, and left alone until it answers:</p>" in page


@given(hostile_plans())
def test_no_markup_comes_from_outside(plan: Plan) -> None:
    """No HTML, link, image, heading or list but our own, whatever names and values say."""
    found = tokens(markdown.render(plan, NOW))
    html = {token.content.strip() for token in found if token.type.startswith("html")}
    assert html <= OURS
    assert not {token.type for token in found} & {"link_open", "image", "table_open", "hr", "blockquote_open"}
    assert sum(token.type == "heading_open" for token in found) == 1
    assert sum(token.type == "fence" for token in found) == 1
    assert sum(token.type == "list_item_open" for token in found) == 4


@given(st.text("`@\\<a ", max_size=30))
def test_escaped_text_mentions_nobody_and_reads_the_same(text: str) -> None:
    """Forges look for mentions in text, not in code; so each @ stands in code."""
    inline = PARSER.parseInline(f"x{markdown.escape(text)}x")[0].children or []
    assert "@" not in "".join(token.content for token in inline if token.type == "text")
    read = "".join(token.content for token in inline)
    assert read.replace("`", "") == f"x{text}x".replace("`", "")


@given(st.text("`a \\", max_size=30))
def test_code_holds_any_text(text: str) -> None:
    inline = PARSER.parseInline(markdown.code(f"a{text}a"))[0].children or []
    assert [token.type for token in inline] == ["code_inline"]
    assert inline[0].content == f"a{text}a"


def test_addresses_in_sentences_are_no_links() -> None:
    assert "https://" not in markdown.escape("see https://evil.example")
    assert "www." not in markdown.escape("www.evil.example")


def test_a_page_is_bounded_and_keeps_why_it_is_blocked() -> None:
    odd = ("@`<" * 1_000,) * 100
    trouble = SystemPlan(
        CROWDSEC,
        blocked=("the reason", *odd),
        held=tuple(Held(MOVE, "Odd", f"{number}{sentence}") for number, sentence in enumerate(odd)),
        notices=tuple(Failure("Odd", sentence) for sentence in odd),
        failure=Failure("Unreachable", odd[0]),
    )
    plan = assemble(REVISION, [*many(10_000).systems, trouble])
    page = markdown.render(plan, NOW)
    assert len(page) <= markdown.MAX_LENGTH
    assert "- the reason\n" in page
    assert "10,000 to add" in page


def test_many_changes_are_bounded_and_folded() -> None:
    wide = tuple(FieldChange(f"field {number}", "x" * 60, "y" * 60) for number in range(8))
    changes = [replace(MOVE, object_id=f"host/{number}", fields=wide) for number in range(50)]
    kinds = [
        replace(change, owner=replace(change.owner, kind=kind)) for kind in "ABCDEFGH" for change in changes
    ]
    page = markdown.render(of_changes(*kinds), NOW)
    assert len(page) <= markdown.MAX_LENGTH
    assert re.search(r"\n… and [\d,]+ more lines\n```\n", page)
    assert "<details><summary>Every change</summary>" in page


def test_a_small_plan_is_not_folded() -> None:
    assert "<details>" not in markdown.render(assemble(REVISION, [SystemPlan(CADDY, (MOVE,))]), NOW)
