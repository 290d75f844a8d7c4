"""What is wrong with a document is told in sentences, at the right place, without the value."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.app.discovery import kind_registry
from argos_gitops.manifests.expectations import form, resolved
from argos_gitops.manifests.schema import DocumentModels
from tests.manifests.revisions import book, document, lines, load, only_line
from tests.manifests.test_schema import subschemas

CANARY = "canary-41c7"

_SECRET = "a secret's place ({env: NAME}, {file: PATH} or {sops: PATH#KEY})"
_QUOTE = "found a number; quote it if it is meant as a string"
_NAME = "expected a name: lower-case letters, digits and '-', beginning and ending with a letter or digit"
_FIELDS_OF_RACK = "colour, shelves, lock, codes, favourite, patience, weight"

SENTENCES = {
    "colour: gren": "11 UnknownValue spec.colour: expected one of red, green or blue (did you mean 'green'?)",
    "coluor: red": "3 UnknownField spec has no field 'coluor' (did you mean 'colour'?)",
    "zzz: 1": f"3 UnknownField spec has no field 'zzz'; it has {_FIELDS_OF_RACK}",
    "shelves: [{height: 12}]": "22 InvalidValue spec.shelves[0].height must be at most 9",
    "shelves: {a: 1}": "12 WrongType spec.shelves: expected a list, found a mapping",
    "shelves: [a]": "13 WrongType spec.shelves[0]: expected a mapping, found a string",
    "lock: []": f"9 WrongType spec.lock: expected {_SECRET}, found a list",
    "lock: {env: A, file: b}": "9 InvalidValue spec.lock: a secret names exactly one of env, file and sops",
    "codes: {a: 7}": f"14 WrongType spec.codes.a: expected {_SECRET} or a string, {_QUOTE}",
    "codes: {a: 'too long'}": "14 InvalidValue spec.codes.a must have at most 5 characters",
    "favourite: Not A Name": f"14 InvalidValue spec.favourite: {_NAME}",
    "patience: 5 minutes": "13 InvalidValue spec.patience: expected a value such as 90s, 10m or 7d",
    "<<: {colour: red}": "3 UnknownField spec has a merge key (<<), which YAML 1.2 does not know; "
    "write the fields out",
}


@pytest.mark.parametrize(("spec", "sentence"), SENTENCES.items(), ids=list(SENTENCES))
def test_a_mistake_is_told_in_a_sentence(spec: str, sentence: str) -> None:
    """Place, code, what was expected, and what may have been meant."""
    assert only_line(document("Rack", "r", f"  {spec}\n")) == f"a.yaml:6:{sentence}"


def test_all_mistakes_of_a_document_are_told_at_once() -> None:
    spec = "  colour: pink\n  shelves:\n    - height: 0\n    - hight: 1\n  lock: x\n"
    assert [line.split()[0] for line in lines(load({"a.yaml": document("Rack", "r", spec)}))] == [
        "a.yaml:6:11",
        "a.yaml:8:15",
        "a.yaml:9:7",
        "a.yaml:10:9",
    ]


def test_a_document_without_a_kind_is_told_which_there_are() -> None:
    assert (
        only_line("a: 1\n")
        == "a.yaml:1:1 MissingField the document needs the field 'kind': Agent, Book or Rack"
    )
    assert only_line("kind: Bok\n") == "a.yaml:1:7 UnknownKind there is no kind 'Bok' (did you mean 'Book'?)"
    assert only_line("kind: [Book]\n") == "a.yaml:1:7 WrongType kind: expected Agent, Book or Rack"
    assert only_line("- a\n").startswith("a.yaml:1:1 NotAResource")


def test_what_the_envelope_lacks_is_told() -> None:
    found = lines(load({"a.yaml": "kind: Book\n"}))
    assert [line.rpartition(" ")[2] for line in found] == ["'apiVersion'", "'metadata'", "'spec'"]


def test_annotations_of_ours_are_known_and_others_are_free() -> None:
    """A misspelled one would silently do nothing."""
    notes = "  annotations: {argos.dev/prun: disabled, argos.dev/suspend: true, mine/x: y}\n"
    text = book("one").replace("  name: one\n", f"  name: one\n{notes}")
    assert lines(load({"a.yaml": text})) == [
        "a.yaml:5:17 UnknownField metadata.annotations has no field 'argos.dev/prun' "
        "(did you mean 'argos.dev/prune'?)",
        "a.yaml:5:62 UnknownValue metadata.annotations.argos.dev/suspend: "
        "expected one of true or false; quote it",
    ]


def test_what_only_the_models_know_is_told_in_their_words() -> None:
    """At the place that pydantic names, or the nearest that exists in the document."""
    assert only_line(document("Book", "b", "  title: x\n  pages: 1\n  first: 3\n")) == (
        "a.yaml:6:3 InvalidValue spec: a book begins on one of its pages"
    )


def test_a_name_that_ends_with_a_newline_is_refused() -> None:
    """`$` in Python's patterns lets one pass."""
    line = only_line(book("x").replace("name: x", 'name: "x\\n"'))
    assert "InvalidValue metadata.name" in line
    assert "[a-z0-9]" not in line


def test_a_file_full_of_mistakes_is_told_in_short() -> None:
    """A hundred, and that there are more; also when each is a misspelled field to guess at."""
    many = "".join(f"  titel{number}: 1\n" for number in range(20_000))
    found = lines(load({"a.yaml": document("Book", "b", f"  title: x\n{many}")}))
    assert len(found) == 101
    assert "TooManyProblems" in found[-1]


@pytest.mark.parametrize(
    "spec",
    [
        f"lock: {CANARY}",
        f"lock: {{{CANARY}}}",
        f"lock: {{{CANARY}: {CANARY}}}",
        f"lock: [{CANARY}]",
        f'lock: {{env: "{CANARY} x"}}',
        f"lock: {{env: [{CANARY}]}}",
        f"lock: {{env: {CANARY}}}",
        f"lock: {{env: A, file: {CANARY}}}",
        f"lock: &a {CANARY}\n  colour: *a",
        f"lock: {CANARY}: x",
        f"lock: !!str {CANARY}",
        f"lock: '{CANARY}",
        f'lock: "{CANARY}\\q"',
        f"lock: *{CANARY}",
        f"codes: {{a: {{{CANARY}: 1}}}}",
        f"codes: {{a: {CANARY}}}",
        f"codes: {{a: [{CANARY}]}}",
        f"lok: {CANARY}",
        f"colour: {CANARY}",
        f"favourite: {CANARY}_",
        f"patience: {CANARY}",
    ],
)
def test_fm13_a_secret_in_the_wrong_place_is_not_repeated(spec: str) -> None:
    """As value, key, item, alias, or in text that is no YAML: the message tells what is expected."""
    found = lines(load({"a.yaml": document("Rack", "r", f"  {spec}\n")}))
    assert found
    assert not [line for line in found if CANARY in line]


_LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
_FIELDS = st.sampled_from(
    ["kind", "spec", "metadata", "name", "title", "shelves", "codes", "lock", "env", "x"]
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_FIELDS, inner, max_size=4),
    max_leaves=20,
)


@given(st.sampled_from(["Book", "Rack", "Agent"]), _VALUES, _VALUES)
def test_any_document_gives_resources_or_problems(kind: str, metadata: object, spec: object) -> None:
    """JSON is YAML, so whole documents of any shape can be tried."""
    import orjson

    content = {"apiVersion": "argos.dev/v1", "kind": kind, "metadata": metadata, "spec": spec}
    try:
        encoded = orjson.dumps(content)
    except orjson.JSONEncodeError:
        return
    loaded = load({"a.yaml": encoded})
    assert bool(loaded.problems) or len(loaded.resources) == 1


def test_quotes_are_advised_only_where_they_mend() -> None:
    """A number for a title is mended by quotes; a duration by a unit."""
    title = only_line(document("Book", "b", "  title: 1984\n"))
    assert title.endswith("expected a string, found a number; quote it if it is meant as a string")
    patience = only_line(document("Rack", "r", "  patience: 30\n"))
    assert patience.endswith("found a number without a unit; write the unit too, as in 30s")
    assert "quote" not in only_line(document("Rack", "r", "  patience: true\n"))


@pytest.mark.parametrize("kind", sorted(kind_registry().kinds))
def test_no_message_shows_a_regular_expression(kind: str) -> None:
    """For each pattern of each kind: an example, the rule of names, or what the field is, in words."""
    root = DocumentModels(kind_registry().kinds).schema(kind)
    patterns = [each for each in subschemas(root) if "pattern" in each]
    assert patterns
    for each in patterns:
        said = form(resolved(each, root))
        assert said.startswith(("expected a ", "the text has not the form of this field"))
        assert each["pattern"].removeprefix("^").removesuffix("$") not in said or each["pattern"] == "^/"
