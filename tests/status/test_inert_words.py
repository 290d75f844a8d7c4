"""Text of strangers in commit messages, statuses, titles and notifications hides nothing and calls nobody."""

import unicodedata
from dataclasses import replace

import pytest

from argos_gitops.planning.render.lines import inert
from argos_gitops.vcs.commits import with_trailers
from tests.components.git import Origin
from tests.notify.world import event, message
from tests.status.branches import REF, Writer
from tests.status.passes import a_pass, change

HOSTILE = (
    "fix \x1b[2J\u202egnp.exe\u2066 @octocat <!channel> fixes #12 GH-7 !3 "
    "https://x/issues/1\r\nArgos-Result: Applied"
)
DEAD = ("@octocat", "<!", "#12", "GH-7", "!3")


def harmless(text: str) -> bool:
    hidden = [char for char in text if unicodedata.category(char) in ("Cc", "Cf") and char != "\n"]
    return not hidden and not [each for each in DEAD if each in text]


def test_a_commit_of_the_status_branch_says_what_strangers_wrote_harmlessly(
    origin: Origin, writer: Writer
) -> None:
    result = a_pass(1, [change("a")])
    assert result.revision is not None
    writer().report(replace(result, revision=replace(result.revision, subject=HOSTILE)))
    said = origin.git("log", "-1", "--format=%B", REF)
    assert harmless(said), said
    assert "://" not in said
    assert "@ octocat" in said
    trailers = origin.git("log", "-1", "--format=%(trailers:only)", REF).splitlines()
    assert [line.partition(":")[0] for line in trailers] == [
        "Argos-Instance",
        "Argos-Revision",
        "Argos-Result",
    ]


def test_a_message_with_trailers_has_one_line_before_them() -> None:
    made = with_trailers(HOSTILE, {"Argos-Events": HOSTILE})
    assert len(made.splitlines()) == 3
    assert harmless(made)


def test_a_notification_says_what_strangers_wrote_harmlessly() -> None:
    """In title and text; a URL stays one, so that people can follow it."""
    made = message(replace(event(title=HOSTILE), text=HOSTILE))
    assert harmless(made.title)
    assert harmless(made.text)
    assert "https://x/issues/1" in made.text


@pytest.mark.parametrize(
    "text",
    [
        "git@example.com",
        "alice@example.com",
        "a/b@sha256:0",
        "C#",
        "100 %",
        "Host/a: 3 of 12",
        "größe",
        "x #tag",
    ],
)
def test_what_calls_nobody_stays_as_it_is(text: str) -> None:
    assert inert(text) == text
