"""What only a whole revision shows: doubles, dangling references, the rules of providers."""

from tests.manifests.revisions import book, codes, document, lines, load


def test_resources_are_found_by_kind_and_name_in_order() -> None:
    loaded = load(
        {"z.yaml": book("b") + "---\n" + book("a"), "a.yaml": document("Rack", "r", "  favourite: b\n")}
    )
    assert loaded.problems == ()
    assert [str(resource.key) for resource in loaded.resources] == ["Book/a", "Book/b", "Rack/r"]
    assert loaded.resources.kinds() == {"Book": 2, "Rack": 1}
    assert len(loaded.resources) == 3
    assert str(loaded.resources.of_kind("Book")["a"].location) == "z.yaml:8"


def test_two_of_a_name_are_told_with_both_places() -> None:
    found = lines(load({"a.yaml": book("x", "one"), "b.yaml": book("x", "two")}))
    assert found == [
        "b.yaml:1:1 DuplicateResource Book/x is defined at a.yaml:1 already; rename or remove one of them"
    ]


def test_one_name_for_two_kinds_is_fine() -> None:
    assert lines(load({"a.yaml": book("x") + "---\n" + document("Rack", "x")})) == []


def test_a_reference_that_leads_nowhere_is_told_with_its_place() -> None:
    """Also inside lists, and with the nearest name there is."""
    spec = "  favourite: hobit\n  shelves:\n    - books: [hobbit, none]\n"
    assert lines(load({"r.yaml": document("Rack", "r", spec), "b.yaml": book("hobbit")})) == [
        "r.yaml:6:14 MissingReference spec.favourite: there is no Book 'hobit' (did you mean 'hobbit'?)",
        "r.yaml:8:23 MissingReference spec.shelves[0].books[1]: there is no Book 'none'",
    ]


def test_a_reference_inside_an_alias_is_told_where_the_alias_stands() -> None:
    spec = "  shelves:\n    - &s {books: [none]}\n    - *s\n"
    assert [line.split()[0] for line in lines(load({"r.yaml": document("Rack", "r", spec)}))] == [
        "r.yaml:7:19",
        "r.yaml:8:7",
    ]


def test_a_broken_resource_is_not_called_missing_as_well() -> None:
    """Neither when its document has flaws, nor when its file is no YAML at all."""
    rack = document("Rack", "r", "  favourite: x\n")
    assert codes(load({"r.yaml": rack, "b.yaml": document("Book", "x", "  titel: x\n")})) == [
        "MissingField",
        "UnknownField",
    ]
    assert codes(
        load({"r.yaml": rack, "b.yaml": document("Book", "x", "  title: x\n  first: 2\n  pages: 1\n")})
    ) == ["InvalidValue"]
    assert codes(load({"r.yaml": rack, "b.yaml": book("x") + "  [\n"})) == ["YamlSyntax"]


def test_at_most_one_agent() -> None:
    found = lines(load({"a.yaml": document("Agent", "one"), "b.yaml": document("Agent", "two")}))
    assert found == [
        "b.yaml:1:1 SeveralAgents there is an Agent at a.yaml:1 already; a repository has at most one"
    ]


def test_rules_of_providers_are_asked_about_what_is_sound() -> None:
    """A rule need not ask whether what a resource names exists, yet no problem hides another."""
    files = {
        "a.yaml": book("one", "Same") + "---\n" + book("two", "Same"),
        "r.yaml": document("Rack", "r", "  favourite: none\n"),
    }
    assert codes(load(files)) == ["SameTitle", "MissingReference"]


def test_problems_come_in_the_order_of_their_places() -> None:
    """Whatever found them, so that two runs tell the same."""
    files = {
        "b.yaml": book("x")
        + "---\n"
        + book("x")
        + "---\n"
        + document("Rack", "r", "  favourite: none\n  a: 1\n"),
        "a.yaml": "[",
    }
    found = load(files).problems
    assert list(found) == sorted(found)
    assert [problem.code for problem in found] == ["YamlSyntax", "DuplicateResource", "UnknownField"]


def test_resources_that_are_sound_are_there_beside_problems() -> None:
    """For those who explain a rejected revision."""
    loaded = load({"a.yaml": book("one"), "b.yaml": "kind: Nothing\n"})
    assert codes(loaded) == ["UnknownKind"]
    assert list(loaded.resources.of_kind("Book")) == ["one"]


def test_windows_are_judged_at_their_place() -> None:
    """A schedule that is none, and a target that nobody has: a deny window for it would deny nothing."""
    agent = """\
apiVersion: argos.dev/v1
kind: Agent
metadata: {name: agent}
spec:
  windows:
    - {kind: deny, schedule: 0 22 * * 1-5, duration: 1h, targets: [Rack/r, Rack/s]}
"""
    assert lines(load({"a.yaml": agent, "r.yaml": document("Rack", "r")})) == [
        "a.yaml:6:76 MissingReference spec.windows[0].targets[1]: there is no Rack 's'"
    ]
    wrong = agent.replace("1-5", "MON-FR").replace("[Rack/r, Rack/s]", "[]")
    assert lines(load({"a.yaml": wrong})) == [
        "a.yaml:6:30 InvalidValue spec.windows[0].schedule: bad day-of-week; "
        "expected a cron expression of five fields, such as 0 22 * * 1-5"
    ]
