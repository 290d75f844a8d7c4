"""What every format of a plan has in common: no secret, nothing raw, and a bound where one is needed."""

import json
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.change import Action, Cause, Change, FieldChange
from argos_gitops.model.errors import ArgosError
from argos_gitops.model.plan import Failure, Held, Plan, SystemPlan
from argos_gitops.model.problem import Location
from argos_gitops.model.resource import ResourceKey
from argos_gitops.model.secret import MASK
from argos_gitops.planning.diff import Situation, diff
from argos_gitops.planning.guard import enforce
from argos_gitops.planning.planfile import dump, load, verify_fresh
from argos_gitops.planning.render import github, markdown, text
from argos_gitops.planning.render import json as as_json
from argos_gitops.planning.render.lines import plain
from tests.planning.plans import MOVE, NOW, REVISION, assemble, example, many, troubled
from tests.planning.world import CADDY, World, entry, managed

Render = Callable[[Plan], str]

FORMATS: dict[str, Render] = {
    "text": lambda plan: plain(text.render(plan, NOW)),
    "markdown": lambda plan: markdown.render(plan, NOW),
    "json": as_json.render,
    "github": github.render,
    "plan file": lambda plan: dump(plan).decode(),
}
EVERY_FORMAT = pytest.mark.parametrize("render", FORMATS.values(), ids=FORMATS)

CANARY = "canary-3b1f"


@EVERY_FORMAT
def test_fm13_a_secret_in_before_or_after_is_in_no_format(render: Render) -> None:
    """The whole way: an old value on the target, a new one in git, a drifted one, one that is removed."""
    plan = _secret_plan()
    assert len(plan.systems[0].changes) == 3
    assert CANARY not in render(plan)


def test_fm13_nor_in_an_error_about_the_plan() -> None:
    plan = _secret_plan()
    saved = load(dump(assemble(REVISION, [SystemPlan(CADDY)])))
    refusals: list[Callable[[], None]] = [
        lambda: enforce(plan),
        lambda: enforce(plan, "0" * 32),
        lambda: verify_fresh(saved, plan),
    ]
    for refuse in refusals:
        with pytest.raises(ArgosError) as caught:
            refuse()
        assert CANARY not in str(caught.value)


def test_fm13_a_rotation_still_shows_as_changed() -> None:
    assert "******** → ******** (changed)" in FORMATS["text"](_secret_plan())


def _secret_plan() -> Plan:
    applied = {each: managed(each, {"key": f"{CANARY}-old"}) for each in ("host/a", "host/b", "host/c")}
    world = World({each: wanted.content for each, wanted in applied.items()})
    world.inventory = {each: entry(wanted) for each, wanted in applied.items()}
    world.live["host/b"] = {"key": f"{CANARY}-drifted"}
    desired = {"host/a": managed("host/a", {"key": f"{CANARY}-new"}), "host/b": applied["host/b"]}
    situation: Situation = replace(
        world.situation(desired), describe=lambda content: dict.fromkeys(content, MASK)
    )
    return assemble(REVISION, [SystemPlan(CADDY, diff(situation).changes, "f1", blocked=("blocked",))])


_hostile = st.one_of(
    st.text(st.characters(), max_size=200),
    st.text("`*_<>[]()|@#!\\&:-+~/\n\r\x1b\u202ea", max_size=200),
    st.sampled_from(["::error::owned", "%0A::error::owned", "</details><script>", "```\n# owned", "\ud800"]),
)


@st.composite
def hostile_plans(draw: st.DrawFn) -> Plan:
    """Every string that comes from git or from a target says what an enemy wants."""
    change = Change(
        draw(st.sampled_from(Action)),
        draw(st.sampled_from(Cause)),
        "host/a",
        ResourceKey(draw(_hostile), draw(_hostile)),
        None,
        None,
        Location(draw(_hostile), 1, 1),
        (FieldChange(draw(_hostile), draw(_hostile), draw(_hostile)),),
        draw(_hostile),
    )
    system = SystemPlan(
        CADDY,
        (change,),
        blocked=(draw(_hostile),),
        held=(Held(change, draw(_hostile), draw(_hostile)),),
        notices=(Failure(draw(_hostile), draw(_hostile)),),
        failure=Failure(draw(_hostile), draw(_hostile)),
    )
    revision = replace(REVISION, ref=draw(_hostile), subject=draw(_hostile))
    return Plan(revision, (system,), "d" * 32, "e" * 12, draw(_hostile))


@pytest.mark.parametrize("name", ["text", "markdown", "json", "github"])
@given(plan=hostile_plans())
def test_nothing_hostile_is_printed_raw(name: str, plan: Plan) -> None:
    """No control character, no direction override, nothing invisible; and what is printed can be encoded."""
    printed = FORMATS[name](plan)
    printed.encode()
    raw = {char for char in printed if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert raw <= {"\n"}


@given(hostile_plans())
def test_nothing_hostile_starts_a_line_of_its_own(plan: Plan) -> None:
    """A value that could break a line could also forge one, such as a workflow command."""
    harmless = Plan(REVISION, tuple(map(_harmless, plan.systems)), plan.digest, plan.key_id, "a" * 40)
    for name in ("text", "github"):
        assert FORMATS[name](plan).count("\n") == FORMATS[name](harmless).count("\n")
    assert all(
        command.startswith(("::error ", "::warning ", "::notice "))
        for command in FORMATS["github"](plan).splitlines()
    )


def _harmless(system: SystemPlan) -> SystemPlan:
    (change,) = system.changes
    safe = replace(
        change,
        owner=ResourceKey("Host", "a"),
        location=Location("a.yaml", 1, 1),
        fields=(FieldChange("a", "a", "b"),),
        note=change.note and "a",
    )
    failure = Failure("a", "a")
    return replace(
        system,
        changes=(safe,),
        blocked=("a",),
        held=(Held(safe, "a", "a"),),
        notices=(failure,),
        failure=failure,
    )


@EVERY_FORMAT
def test_every_format_shows_every_plan(render: Render) -> None:
    for plan in (example(), troubled(), assemble(REVISION, []), many(100)):
        assert render(plan).endswith("\n")


def test_json_parses_back_to_what_was_meant() -> None:
    odd = replace(MOVE, fields=(FieldChange("a", "\x1b[2J\u202e\n", None),))
    document = json.loads(as_json.render(assemble(REVISION, [SystemPlan(CADDY, (odd,))])))
    assert document["systems"][0]["changes"][0]["fields"] == [
        {"name": "a", "before": "\x1b[2J\u202e\n", "after": None}
    ]


def test_json_is_ascii() -> None:
    assert as_json.render(many(3)).isascii()
