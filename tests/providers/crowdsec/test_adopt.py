"""A live ban in the words of the configuration."""

from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.adoption import GONE, Adoption, Edit, Unsayable
from argos_gitops.model.change import Action, Cause, Change
from argos_gitops.model.objects import Content
from argos_gitops.model.resource import EagerResources, ResourceKey
from argos_gitops.providers.crowdsec.adopt import adoption_of
from argos_gitops.providers.crowdsec.compile import Compiler
from argos_gitops.providers.crowdsec.kinds import DecisionSpec
from tests.fakes import resource
from tests.providers.crowdsec.edge import country, decision
from tests.providers.crowdsec.lapi import WEEK, live_of

BOT = ResourceKey("Decision", "bot")

_decisions = st.fixed_dictionaries(
    {
        "value": st.sampled_from(["203.0.113.7", "2001:db8::7", "198.51.100.0/24"]),
        "type": st.sampled_from(["ban", "captcha"]),
        "reason": st.sampled_from(["scanner", "policy: (x)"]),
    },
    optional={"until": st.sampled_from(["2099-01-01T00:00:00Z", "2098-05-06T07:08:09Z"])},
)


def _content(spec: dict[str, str]) -> Content:
    bans = Compiler("main", WEEK / 4).bans(
        EagerResources([decision("bot", **spec)], ""), live_of(), lambda _: None, ""
    )
    [(ban, _)] = bans
    return ban.content


def _change(before: Content, after: Content, object_id: str = "decision/bot") -> Change:
    return Change(Action.UPDATE, Cause.DRIFT, object_id, BOT, before, after)


@given(_decisions, _decisions)
def test_what_is_adopted_is_what_stands(git: dict[str, str], live: dict[str, str]) -> None:
    before, after = _content(live), _content(git)
    if before == after:
        return
    known = decision("bot", **git)
    found = adoption_of(_change(before, after), "main", EagerResources([known], ""))
    assert isinstance(found, Adoption)
    spec = known.spec.model_dump(mode="json", exclude_unset=True)
    for edit in found.edits[BOT]:
        [_, field] = edit.path
        spec = {name: value for name, value in spec.items() if name != field}
        if edit.value is not GONE:
            spec[str(field)] = edit.value
    adopted = resource("Decision", "bot", DecisionSpec.model_validate(spec))
    [(ban, _)] = Compiler("main", WEEK / 4).bans(EagerResources([adopted], ""), live_of(), lambda _: None, "")
    assert ban.content == before


def test_one_field_is_one_edit() -> None:
    git, live = {"value": "203.0.113.7"}, {"value": "203.0.113.7", "type": "captcha"}
    found = adoption_of(
        _change(_content(live), _content(git)), "main", EagerResources([decision("bot", **git)], "")
    )
    assert found == Adoption({BOT: (Edit(("spec", "type"), "captcha"),)})


def test_what_was_lifted_leaves_and_what_came_is_a_document() -> None:
    content = _content({"value": "203.0.113.7", "until": "2099-01-01T00:00:00Z"})
    git = EagerResources([decision("bot", "203.0.113.7")], "")
    assert adoption_of(_change(None, content), "main", git) == Adoption(removed=(BOT,))
    found = adoption_of(_change(content, None), "main", EagerResources([], ""))
    assert isinstance(found, Adoption)
    [document] = found.added
    assert document["metadata"] == {"name": "bot"}
    assert document["spec"]["until"] == "2099-01-01T00:00:00Z"


def test_what_is_no_decision_cannot_be_said() -> None:
    """A country follows the GeoIP database; a Decision is one ban."""
    resources = EagerResources([country("NG")], "")
    assert isinstance(adoption_of(_change(None, {}, "country/NG"), "main", resources), Unsayable)
    doubled = {**_content({"value": "203.0.113.7"}), "also": [{}]}
    assert isinstance(adoption_of(_change(doubled, None), "main", resources), Unsayable)
