"""User and password in URLs that people give us. Pure.

A raw `/`, `?` or `#` ends the authority of a URL, so that `https://bot:12/ss@git.example.com/` means the
path `/ss@git.example.com/` at port 12 of the host `bot`: what is meant as a password would be sent there,
and shown as a path. Where that may have happened the URL is refused.
"""

import re

ENCODED = "in the user and password of a URL, '/', '?', '#' and '@' are written %2F, %3F, %23 and %40"
"""The cure, for messages; none of them repeats such a URL."""

_AUTHORITY = r"[a-z][a-z0-9+.-]*+://"
_CUT = re.compile(rf"{_AUTHORITY}(?!\[[0-9a-f:.]++\])[^/?#@:]*+:[^/?#@]*+[/?#][^@]*+@", re.IGNORECASE)
_AT_BEHIND_AUTHORITY = re.compile(rf"{_AUTHORITY}[^/?#]*+[/?#].*@", re.IGNORECASE | re.DOTALL)


def is_cut(url: str) -> bool:
    """Whether host and port of a URL may be the beginning of a user and a password: there is a port, no user,
    and an `@` further on. Where that `@` belongs to a path or query, it can be written %40 as well."""
    return _CUT.match(url) is not None


def may_be_cut(url: str) -> bool:
    """The same for URLs that have no `@` in path and query, such as those of repositories: any is one too
    many, as a user may stand alone (`https://TOKEN@host/`), and a password may have an `@` before its `/`."""
    return _AT_BEHIND_AUTHORITY.match(url) is not None
