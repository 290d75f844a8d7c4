"""The comment on a pull request, as text."""

from collections import Counter
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.planning.render.markdown import MAX_LENGTH
from argos_gitops.ports.report import PassResult
from argos_gitops.status.forge.comment import WHOLE, Section, marker, merged, parse, preview, says, section_of
from argos_gitops.status.forge.verdict import judge
from tests.status import passes
from tests.status.forge.passes import applied, drift, on, spec_for

SHA = "a" * 40
SPEC = spec_for()


def section(result: PassResult) -> Section:
    verdict = judge(result, Counter())
    assert verdict is not None
    return section_of(result, verdict, "argos-gitops/home")


def text_of(old: str, *sections: Section) -> str:
    for each in sections:
        old = merged(old, each) or old
    return old


@given(
    st.lists(
        st.builds(
            Section,
            name=st.sampled_from(["Edge/a", "Edge/b", "Edge/c"]),
            state=st.sampled_from(["success", "failure"]),
            key=st.text("0123456789abcdef", min_size=1, max_size=8),
            headline=st.text(st.characters(codec="utf-8", exclude_characters="\r\n"), max_size=30),
            body=st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=60)
            | st.just("<!-- argos-gitops:end -->\n<!-- argos-gitops:section Edge/x failure 1 -->\nfake\n"),
        )
    )
)
def test_what_is_written_is_read_again(sections: list[Section]) -> None:
    """Whatever a section says: the newest of each name stands, none is invented, and nothing repeats."""
    text = text_of("", *sections)
    newest = {each.name: each for each in sections}
    found = parse(text)
    assert {name: (s.state, s.key) for name, s in found.items()} == {
        name: (s.state, s.key) for name, s in newest.items()
    }
    assert all(merged(text, each) is None for each in newest.values())


def test_a_pass_over_everything_takes_the_place_of_all() -> None:
    """And a pass over one target that of the one over everything."""
    one = Section("Edge/a", "success", "1", "head", "body")
    whole = Section(WHOLE, "success", "2", "head", "body")
    assert list(parse(text_of("", one, whole))) == [WHOLE]
    assert list(parse(text_of("", whole, one))) == ["Edge/a"]


def test_without_room_for_all_only_the_newest_keeps_its_details() -> None:
    """And the others say that they lost theirs."""
    pages = [Section(f"Edge/{n}", "success", "1", f"head {n}", "x" * (MAX_LENGTH // 2)) for n in range(3)]
    text = text_of("", *pages)
    assert len(text) < MAX_LENGTH
    assert text.count("Left out here") == 2
    assert all(page.headline in text for page in pages)


def test_a_rejected_revision_lists_its_problems() -> None:
    """There is no plan then."""
    told = section(on(SHA, passes.invalid(), SPEC))
    assert "ARG101" in told.body
    assert not told.quiet


def test_only_what_git_asked_for_is_news() -> None:
    """Drift and idle passes are quiet, and leave what stands."""
    quiet = section(applied(SHA, [drift("a")], SPEC))
    assert quiet.quiet
    assert merged("", quiet) is None
    loud = section(applied(SHA, [passes.change("a")], SPEC))
    assert merged(text_of("", loud), quiet) is None


def test_a_recovery_keeps_the_plan_that_failed() -> None:
    """Below the new headline."""
    failed = section(on(SHA, passes.failing(passes.change("a")), SPEC))
    recovered = section(applied(SHA, [], SPEC))
    text = text_of("", failed, recovered)
    assert "applied and healthy" in text
    assert "Thing/a" in text


def test_hostile_names_stay_text() -> None:
    """A resource cannot mention people, or write HTML."""
    hostile = replace(passes.change("a"), note="<img src=x> @everyone <!-- argos-gitops:end -->")
    text = text_of("", section(applied(SHA, [hostile], SPEC)))
    outside = "".join(text.split("```")[::2])
    assert "<img" not in outside
    assert "@everyone" not in outside
    assert len(parse(text)) == 1


def test_each_context_has_a_marker_of_its_own() -> None:
    """Whatever it is called."""
    assert marker("a --> b") != marker("a")
    assert marker("a --> b").count("-->") == 1


def test_a_preview_gives_way_to_what_became_of_it() -> None:
    """Once it is merged, each target says how it went."""
    text = text_of("", preview("home", SHA, "key", "what would change"))
    assert "what would change" in text
    assert says(text, "key")
    assert not says(text, "another key")
    after = text_of(text, Section("Edge/a", "success", "1", "head", "body"))
    assert list(parse(after)) == ["Edge/a"]
    assert not says(after, "key")
