"""`audit`: readable columns, filters, and a word where there is nothing."""

import json
from pathlib import Path

import pytest

from tests.cli.test_commands import run


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A config repository whose Host `app` and whole agent a person has suspended."""
    assert run(tmp_path, "init", "config").code == 0
    folder = tmp_path / "config"
    for subject, reason in (("Host/app", "moving house"), ("--agent", "holidays")):
        done = run(folder, "suspend", subject, "--reason", reason)
        assert done.code == 0, done.err
    return folder


def test_what_people_did_is_told_newest_first(repository: Path) -> None:
    titles, newest, oldest = run(repository, "audit").out.splitlines()
    assert titles.split() == ["WHEN", "(UTC)", "WHO", "WHAT", "OUTCOME", "OBJECT", "WHY"]
    assert newest.split()[3:] == ["suspend", "done", "Agent", "holidays"]
    assert oldest.split()[3:] == ["suspend", "done", "Host/app", "moving", "house"]
    assert titles.index("WHY") == newest.index("holidays") == oldest.index("moving house")


def test_filters_narrow_what_is_told(repository: Path) -> None:
    def told(*filters: str) -> list[str]:
        return [each["subject"] for each in json.loads(run(repository, "audit", "-o", "json", *filters).out)]

    assert told() == told("--since", "24h") == told("--actor", "user/*") == ["Agent", "Host/app"]
    assert told("--subject", "Host/*", "--since", "2026-01-01", "--outcome", "done") == ["Host/app"]
    assert told("--limit", "1") == ["Agent"]
    assert told("--until", "24h") == told("--action", "rollback") == told("--target", "Edge/main") == []


def test_nothing_is_told_as_such(tmp_path: Path, repository: Path) -> None:
    """In a word for people, whether nothing was done or nothing fits; an empty list for programs."""
    assert run(repository, "audit", "--subject", "Host/other").out == "Nothing that fits.\n"
    elsewhere = run(repository, "audit", "--instance", "other")
    assert (elsewhere.code, elsewhere.out) == (0, "Nothing was done yet.\n")
    assert json.loads(run(repository, "audit", "--instance", "other", "-o", "json").out) == []


@pytest.mark.parametrize("moment", ["yesterday", "7 days", "999999999999d", "2026-13-01"])
def test_what_is_no_moment_is_refused(repository: Path, moment: str) -> None:
    refused = run(repository, "audit", "--since", moment)
    assert refused.code == 1
    assert moment in refused.err
    assert "expected such as" in refused.err
