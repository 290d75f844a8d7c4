r"""Values for `${…}` as a file that Compose reads, so that none of them is in the environment of a process.

Facts: compose-go 2.9, `dotenv/parser.go`: in double quotes `\\`, `\"`, `\$`, `\n` and `\r` stand for what
they do in a shell, and everything else for itself.
"""

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


class UnwritableError(Exception):
    """A variable that cannot be handed to Compose; the text says which and why, never its value."""


def written_values(values: Mapping[str, str]) -> str:
    """Each value comes out of Compose as it went in, byte for byte.

    Raises UnwritableError for a name that is none, and for a value with NUL or without an encoding.
    """
    return "".join(f'{_name(name)}="{_value(name, value)}"\n' for name, value in values.items())


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise UnwritableError(f"{name!a} is no name of a variable; use letters, digits and underscores")
    return name


def _value(name: str, value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UnwritableError(f"the value of {name} is not valid Unicode") from None
    if "\0" in value:
        raise UnwritableError(f"the value of {name} holds NUL, which no variable can")
    return value.translate(_ESCAPED)
