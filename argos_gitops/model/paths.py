"""Which names of files in a repository can be used on a machine. Pure.

git itself refuses most others when it adds a file or checks one out, but a tree that somebody wrote by hand
may hold any bytes. Facts: git's `fsck.c`, and `is_hfs_dotgit` and `is_ntfs_dotgit` beside it.
"""

import re
import unicodedata

LONGEST_NAME, LONGEST_PATH = 255, 2048
"""Bytes: of one name, as file systems have it, and of a path, so that a folder before it has room."""

_LONGEST_SHOWN = 400
"""Characters of a path in a message."""

_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")

_PLAIN = re.compile(rb"(?:[A-Za-z0-9_-][A-Za-z0-9._-]*/)*[A-Za-z0-9_-][A-Za-z0-9._-]*")
"""Nearly all paths: no name begins with a dot, and none has anything odd; ten thousand are looked at."""


def unsafe(path: bytes) -> str:
    """Why a path from the root of a tree cannot be used: `has an entry called '..'`; empty where it can."""
    if len(path) <= LONGEST_NAME and _PLAIN.fullmatch(path):
        return ""
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} bytes"
    return next((why for name in path.split(b"/") if (why := _unsafe_name(name))), "")


def spelled(path: bytes) -> str:
    """A path as it can be shown; of a very long one, where it begins and ends."""
    text = path.decode("utf-8", "backslashreplace")
    if len(text) > _LONGEST_SHOWN:
        text = f"{text[: _LONGEST_SHOWN // 2]}…{text[-_LONGEST_SHOWN // 2 :]}"
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def _unsafe_name(name: bytes) -> str:
    if not name:
        return "has an entry without a name"
    if name in (b".", b".."):
        return f"has an entry called {name.decode()!r}"
    if len(name) > LONGEST_NAME:
        return f"has a name that is longer than {LONGEST_NAME} bytes"
    if b"\\" in name:
        return "has a backslash in a name"
    text = name.decode("utf-8", "surrogateescape")
    if any(unicodedata.category(char) == "Cc" for char in text):
        return "has a control character in a name"
    return f"has an entry that some systems take for .git ({spelled(name)})" if _is_git(text) else ""


def _is_git(name: str) -> bool:
    """HFS+ leaves out some characters; NTFS drops trailing dots and spaces, has streams and short names."""
    plain = _IGNORED_BY_HFS.sub("", name).partition(":")[0].rstrip(" .").casefold()
    return plain in (".git", "git~1")
