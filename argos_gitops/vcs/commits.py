"""A commit described by what changes in it, and its form for `git fast-import`. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from argos_gitops.planning.render.lines import inert

_AUTHOR = re.compile(
    r"([^\s<>\x00-\x1f](?:[^<>\x00-\x1f]*[^\s<>\x00-\x1f])?) <([^\s<>@\x00-\x1f]+@[^\s<>@\x00-\x1f]+)>"
)


@dataclass(frozen=True, slots=True)
class Author:
    """Who commits, in git's words `NAME <ADDRESS>`. With a `signing_key`, the file of a private SSH key,
    each commit is signed."""

    name: str = "argos-gitops"
    address: str = "argos-gitops@localhost"
    signing_key: Path | None = None

    @classmethod
    def parse(cls, text: str, signing_key: Path | None = None) -> "Author":
        """Raises ValueError."""
        found = _AUTHOR.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is no NAME <ADDRESS>")
        return cls(found[1], found[2], signing_key)

    def __str__(self) -> str:
        return f"{self.name} <{self.address}>"


AUTHOR = Author()


@dataclass(frozen=True, slots=True)
class Draft:
    """A commit on top of `parent` (None: the first of its branch). Paths not named stay as they are.

    `writes` are new contents, `links` paths for blobs that the store already has.
    """

    ref: str
    parent: str | None
    message: str
    at: datetime
    writes: Mapping[str, bytes] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    removals: frozenset[str] = frozenset()


def as_stream(draft: Draft, author: Author = AUTHOR) -> bytes:
    """The input of `git fast-import --done`, which answers it with the id of the new commit."""
    message = draft.message.encode()
    parts = [
        b"commit %s\nmark :1\ncommitter %s %d +0000\n"
        % (draft.ref.encode(), str(author).encode(), int(draft.at.timestamp())),
        b"data %d\n%s\n" % (len(message), message),
    ]
    if draft.parent:
        parts.append(b"from %s\n" % draft.parent.encode())
    parts += [b"D %s\n" % _quoted(path) for path in sorted(draft.removals)]
    parts += [b"M 100644 %s %s\n" % (blob.encode(), _quoted(path)) for path, blob in draft.links.items()]
    for path, content in draft.writes.items():
        parts.append(b"M 100644 inline %s\ndata %d\n" % (_quoted(path), len(content)))
        parts += [content, b"\n"]
    parts.append(b"get-mark :1\ndone\n")
    return b"".join(parts)


def with_trailers(subject: str, trailers: Mapping[str, str]) -> str:
    """A commit message of one line with git trailers below it, each value on one line.

    The subject, and any value, may hold text of strangers: nothing in it is hidden, calls anybody, or looks
    like a trailer.
    """
    lines = [f"{name}: {_plain(value)}" for name, value in trailers.items()]
    return "\n".join([_plain(subject), "", *lines, ""])


def _plain(text: str) -> str:
    """The address of an issue is a reference, too."""
    return inert(" ".join(text.split())).replace("://", ": //")


def _quoted(path: str) -> bytes:
    """As git writes a path that could be misread: a line that begins with a quote is taken for quoted."""
    if not path.startswith('"') and "\n" not in path:
        return path.encode()
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'.encode()
