"""Writes plain data as YAML, fast: ten thousand small documents take a fraction of a second.

ruamel.yaml, which reads everything here, would need a good ten seconds for them. Every string that could
be read as anything else is double-quoted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TypeGuard

Data = Mapping[str, "Data"] | Sequence["Data"] | str | int | bool | None

_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@+-]*( [A-Za-z0-9_./@+-]+)*")
_OTHER_MEANING = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def dump(document: Mapping[str, Data]) -> bytes:
    """The document in block style, keys in the order given, ended by a newline."""
    return "".join(f"{line}\n" for line in _mapping(document, "")).encode()


def _mapping(data: Mapping[str, Data], indent: str) -> Iterator[str]:
    for key, value in data.items():
        label = f"{indent}{scalar(key)}:"
        if isinstance(value, Mapping) and value:
            yield label
            yield from _mapping(value, f"{indent}  ")
        elif _is_list(value) and value:
            yield label
            yield from _sequence(value, f"{indent}  ")
        else:
            yield f"{label} {_leaf(value)}"


def _sequence(data: Sequence[Data], indent: str) -> Iterator[str]:
    for value in data:
        if isinstance(value, Mapping) and value:
            lines = list(_mapping(value, f"{indent}  "))
            yield f"{indent}- {lines[0].lstrip()}"
            yield from lines[1:]
        elif _is_list(value) and value:
            yield f"{indent}-"
            yield from _sequence(value, f"{indent}  ")
        else:
            yield f"{indent}- {_leaf(value)}"


def _is_list(value: Data) -> TypeGuard[Sequence[Data]]:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _leaf(value: Data) -> str:
    if isinstance(value, str):
        return scalar(value)
    return "{}" if isinstance(value, Mapping) else json.dumps(value)


def scalar(text: str) -> str:
    """One string on one line, plain where nothing else could be meant."""
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_MEANING:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
