"""Before and after, field by field."""

from argos_gitops.model.change import FieldChange
from argos_gitops.model.secret import MASK
from argos_gitops.planning.fields import CHANGED, field_changes


def test_only_what_differs_is_told_in_the_order_of_after() -> None:
    before = {"gone": "1", "same": "x", "upstream": "a"}
    after = {"upstream": "b", "same": "x", "new": "2"}
    assert field_changes(before, after) == (
        FieldChange("upstream", "a", "b"),
        FieldChange("new", None, "2"),
        FieldChange("gone", "1", None),
    )


def test_what_is_made_or_removed_is_told_whole() -> None:
    assert field_changes(None, {"a": "1"}) == (FieldChange("a", None, "1"),)
    assert field_changes({"a": "1"}, None) == (FieldChange("a", "1", None),)


def test_fm13_a_rotated_secret_still_shows_as_changed() -> None:
    """Nothing visible differs, so what differs is masked; the plan says so without a value."""
    shown = {"host": "app.example.com", "key": MASK, "header": f"Bearer {MASK}"}
    assert field_changes(shown, shown) == (
        FieldChange("key", MASK, CHANGED),
        FieldChange("header", f"Bearer {MASK}", CHANGED),
    )


def test_a_difference_that_is_not_shown_has_no_fields() -> None:
    assert field_changes({"a": "1"}, {"a": "1"}) == ()
