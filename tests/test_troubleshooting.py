"""docs/troubleshooting.md shows what is printed: each block is made again by its mistake."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from argos_gitops.app.discovery import kind_registry
from argos_gitops.manifests.loader import Loader
from argos_gitops.model.errors import GitError, SourceError
from argos_gitops.model.source import SourceFile
from argos_gitops.providers.caddy.layout import Layout
from argos_gitops.providers.caddy.rejection import rejection
from argos_gitops.vcs.address import parse_address
from argos_gitops.vcs.command import Answer
from argos_gitops.vcs.remote import Remote
from argos_gitops.vcs.repository import name_taken

PAGE = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
ENVELOPE = "apiVersion: argos.dev/v1\nkind: {}\nmetadata: {{name: a}}\n"


def problems(kind: str, spec: str) -> str:
    data = (ENVELOPE.format(kind) + spec).encode()
    listing = [SourceFile("config.yaml", "blob", 0o100644, len(data))]
    loaded = Loader(kind_registry(), workers=1).load(listing, lambda _: [("blob", data)], "tree")
    return "\n".join(map(str, loaded.problems))


def refused_url() -> str:
    with pytest.raises(SourceError) as caught:
        parse_address("https://bot:hun/ter2@git.example.com/team/config.git")
    return str(caught.value)


class RefusingGit:
    """A git whose forge lets nobody push, in GitHub's words."""

    def speaking(self) -> "RefusingGit":
        return self

    def answer(self, *arguments: str, given: bytes | None = None) -> Answer:
        url = "https://git.example.com/team/config.git"
        said = (
            "remote: Permission to team/config.git denied to bot.; "
            f"fatal: unable to access '{url}/': The requested URL returned error: 403"
        )
        return Answer(128, b"", said)


def refused_push() -> str:
    remote = Remote(parse_address("https://git.example.com/team/config.git"), RefusingGit())  # type: ignore[arg-type]
    with pytest.raises(GitError) as caught:
        remote.push("0" * 40, "refs/heads/argos/status/main", None)
    return str(caught.value)


def branch_in_the_way() -> str:
    return str(name_taken("refs/heads/argos/status/main", "refs/heads/argos"))


def refused_port() -> str:
    complaint = (
        "loading config: http app module: start: listening on :443: listen tcp :443: bind: permission denied"
    )
    found = rejection(complaint, Layout(), {}, "Caddy 2.10")
    assert found.reason == "AddressForbidden"
    return found.message.partition(". Nothing")[0]


HOST = "spec:\n  edge: main\n  servise: app\n  domains: [app.example.com]\n"
DECISION = "spec: {edge: mian, type: ban, scope: Ip, value: 203.0.113.7, reason: scanner}\n"
WINDOW = "spec: {windows: [{kind: allow, schedule: '0 0 22 * * *', duration: 1h}]}\n"
CHANNEL = "spec: {telegram: {chatId: '@ops', botToken: '123:hunter2'}}\n"
ENCRYPTED = "ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"
SEALED = f"spec: {{edge: '{ENCRYPTED}'}}\nsops: {{mac: '{ENCRYPTED}'}}\n"

MISTAKES: dict[str, Callable[[], str]] = {
    "A tab in the indentation": lambda: problems("Host", "spec:\n\tedge: main\n"),
    "Wrong indentation": lambda: problems("Host", "spec:\n  edge: main\n   domains: [a.example.com]\n"),
    "A field that does not exist": lambda: problems("Host", HOST).splitlines()[-1],
    "A number without a unit": lambda: problems("Agent", "spec: {interval: 30}\n"),
    "A macro of cron": lambda: problems("Agent", "spec: {interval: @daily}\n"),
    "A wrong schedule": lambda: problems("Agent", WINDOW),
    "A value that begins with a star": lambda: problems(
        "Host", "spec: {edge: main, domains: [*.example.com]}\n"
    ),
    "A name that leads nowhere": lambda: problems("Decision", DECISION),
    "A secret written into the file": lambda: problems("NotificationChannel", CHANNEL),
    "A resource that SOPS encrypted whole": lambda: problems("Host", SEALED),
    "A slash in the password of a URL": refused_url,
    "No right to push": refused_push,
    "A branch in the way of the status branch": branch_in_the_way,
    "A port without the right to use it": refused_port,
}


def sections() -> dict[str, str]:
    """The text of each section by its heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def block(text: str) -> str:
    return "\n".join(line.removeprefix("    ") for line in text.splitlines() if line.startswith("    "))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_usual_mistake_is_told_as_the_page_shows(mistake: str) -> None:
    assert block(sections()[mistake]) == MISTAKES[mistake]()


def test_every_block_of_the_page_is_tested() -> None:
    """Sixteen mistakes; those without a block are told by conditions."""
    found = sections()
    assert len(found) == 16
    assert {heading for heading, text in found.items() if block(text)} == set(MISTAKES)


def test_no_message_repeats_a_secret() -> None:
    assert not any("hunter2" in tell() or "ter2" in tell() for tell in MISTAKES.values())
