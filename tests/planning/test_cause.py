"""Why a change is needed."""

from argos_gitops.model.change import Cause
from argos_gitops.model.objects import LiveObject, ManagedObject
from argos_gitops.planning.cause import cause_of_delete, cause_of_write
from tests.planning.world import entry, managed

OLD, NEW = managed("host/a", {"n": 1}), managed("host/a", {"n": 2})


def test_git_moved_when_what_it_says_is_not_what_was_applied() -> None:
    assert cause_of_write(NEW, _live(OLD), entry(OLD)) == (Cause.REVISION, "")
    assert cause_of_write(NEW, None, None) == (Cause.REVISION, "")


def test_the_world_moved_when_git_says_what_was_applied() -> None:
    assert cause_of_write(OLD, _live(NEW), entry(OLD)) == (Cause.DRIFT, "")
    assert cause_of_write(OLD, None, entry(OLD)) == (Cause.DRIFT, "")


def test_both_moved_is_git_s_doing_with_a_note() -> None:
    cause, note = cause_of_write(NEW, _live(managed("host/a", {"n": 3})), entry(OLD))
    assert (cause, note) == (Cause.REVISION, "was also changed on the target since aaaaaaa was applied")
    cause, note = cause_of_write(NEW, None, entry(OLD))
    assert (cause, note) == (Cause.REVISION, "was also removed on the target since aaaaaaa was applied")
    cause, note = cause_of_delete(_live(NEW), entry(OLD))
    assert (cause, note) == (Cause.REVISION, "was also changed on the target since aaaaaaa was applied")


def test_a_removal_is_git_s_doing_only_if_we_applied_the_object() -> None:
    assert cause_of_delete(_live(OLD), entry(OLD)) == (Cause.REVISION, "")
    assert cause_of_delete(_live(OLD), None) == (Cause.DRIFT, "")


def _live(wanted: ManagedObject) -> LiveObject:
    return LiveObject(wanted.id, wanted.content, True, wanted.owner)
