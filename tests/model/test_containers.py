"""What differs between two reports of one host."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.containers import changes_between, content_of

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def container(name: str = "app", **changed: Any) -> dict[str, Any]:
    return {
        "id": f"{name:0<20}",
        "name": name,
        "image": "nginx:1.27",
        "imageId": "sha256:" + "1" * 64,
        "state": "running",
        "health": "healthy",
        "restartCount": 0,
    } | changed


def told(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    changes = changes_between(before, after, NOW)
    return [(each.container, each.what, each.before, each.after) for each in changes]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"state": "exited"}, [("app", "state", "running", "exited")]),
        ({"health": "unhealthy"}, [("app", "health", "healthy", "unhealthy")]),
        ({"restartCount": 3}, [("app", "restarts", "0", "3")]),
        ({"image": "nginx:1.28"}, [("app", "image", "nginx:1.27", "nginx:1.28")]),
        (
            {"imageId": "sha256:" + "2" * 64},
            [("app", "image", "nginx:1.27 111111111111", "nginx:1.27 222222222222")],
        ),
        ({"id": "b" * 20, "restartCount": 9}, [("app", "recreated", "app000000000", "bbbbbbbbbbbb")]),
        ({"stats": {"cpuPercent": 3}, "status": "Up 4 hours"}, []),
    ],
    ids=lambda value: next(iter(value), "nothing") if isinstance(value, dict) else "",
)
def test_each_thing_that_counts_is_told(
    changed: dict[str, Any], expected: list[tuple[str, str, str, str]]
) -> None:
    assert told([container()], [container(**changed)]) == expected


def test_what_comes_and_goes_is_told_with_its_state() -> None:
    assert told([container("old")], [container("new", state="created")]) == [
        ("new", "appeared", "", "created"),
        ("old", "gone", "running", ""),
    ]


def test_what_one_report_does_not_tell_is_no_change() -> None:
    """Another agent on the same host, which reports less."""
    less = {name: container()[name] for name in ("id", "name", "image", "state")}
    assert told([container()], [less]) == []
    assert told([less], [container()]) == []


names = st.lists(st.sampled_from("abcdef"), unique=True)
states = st.sampled_from(["running", "exited"])


@given(names, st.dictionaries(st.sampled_from("abcdef"), states))
def test_the_content_moves_whenever_something_is_told(before: list[str], states: dict[str, str]) -> None:
    """Otherwise whoever polls the content would miss it."""
    first = [container(name) for name in before]
    second = [container(name, state=state) for name, state in states.items()]
    assert (content_of(first) != content_of(second)) == bool(told(first, second))


@given(st.permutations(["a", "b", "c"]))
def test_the_content_knows_no_order_and_no_statistics(order: list[str]) -> None:
    containers = [container(name, stats={"cpuPercent": 1}) for name in order]
    assert content_of(containers) == content_of([container(name, status="Up") for name in "abc"])
