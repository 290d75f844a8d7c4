"""Files that SOPS encrypted, without their secrets: which they are, and what can be found in them.

A file is one of SOPS when the top of its (one) document holds a mapping `sops` with a `mac`, or in the
dotenv form a line `sops_mac=`. YAML and JSON are told by the name's ending, as SOPS does it; anything
else that is JSON is SOPS's binary form. Keys stand there in plain text, so that a reference can be
checked by whoever has no key at all.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from argos_gitops.manifests.limits import MAX_DEPTH

SOPS_KEY = "sops"
_ENCRYPTED = re.compile(r"^ENC\[AES256_GCM,data:[^,]+,iv:[^,]+,tag:[^,]+,type:.+\]$", re.DOTALL)
_DOTENV_SUFFIXES = (".env", ".dotenv")
_DOTENV_LINE = re.compile(r"^([A-Za-z_][A-Za-z0-9_.-]*)=(.*)$")
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
_MOST_DIGITS = 9
_FLAT_PREFIX = "sops_"
_YAML_SUFFIXES = (".yaml", ".yml")

Tree = dict[str, Any]


class SealedError(Exception):
    """A file of secrets that cannot be used; the text says why, and repeats nothing of it."""


class NotSealedError(SealedError):
    """It is none that SOPS encrypted."""


class NoValueError(Exception):
    """There is nothing at a key, or no single value; the text says what is."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What stands in a SOPS file: values as they are there, and how they were encrypted."""

    tree: Tree
    metadata: Mapping[str, Any]
    form: str
    """`yaml`, `json`, `binary` or `dotenv`: what the sops program calls its input type."""


def is_sealed(document: Any) -> bool:
    """Whether a document is SOPS's and no resource of ours."""
    return isinstance(document, dict) and "apiVersion" not in document and _has_metadata(document)


def is_sealed_resource(document: Any) -> bool:
    """Whether a document is a resource of ours that SOPS encrypted, which nobody can judge or review."""
    return isinstance(document, dict) and "apiVersion" in document and _has_metadata(document)


def _has_metadata(document: Tree) -> bool:
    metadata = document.get(SOPS_KEY)
    return isinstance(metadata, dict) and isinstance(metadata.get("mac"), str)


def is_encrypted(value: Any) -> bool:
    return isinstance(value, str) and _ENCRYPTED.match(value) is not None


def form_of(path: str) -> str:
    name = path.lower()
    if name.endswith(_YAML_SUFFIXES):
        return "yaml"
    if name.endswith(_DOTENV_SUFFIXES):
        return "dotenv"
    return "json" if name.endswith(".json") else "binary"


def read_sealed(path: str, data: bytes) -> Sealed:
    """The file as it stands in git. Raises NotSealedError."""
    form = form_of(path)
    if form == "dotenv":
        return _dotenv(data)
    document = _yaml(data) if form == "yaml" else _json(data)
    if not is_sealed(document):
        raise NotSealedError("it is not encrypted with SOPS")
    if not _is_within(document, MAX_DEPTH):
        raise NotSealedError(_TOO_DEEP)
    tree = {key: value for key, value in document.items() if key != SOPS_KEY}
    return Sealed(tree, document[SOPS_KEY], form)


def value_at(tree: Any, steps: tuple[str, ...]) -> Any:
    """The single value that a way leads to; list items by their number. Raises NoValueError."""
    for number, step in enumerate(steps):
        if isinstance(tree, Mapping) and step in tree:
            tree = tree[step]
        elif (
            isinstance(tree, list)
            and step.isdecimal()
            and len(step) <= _MOST_DIGITS
            and int(step) < len(tree)
        ):
            tree = tree[int(step)]
        else:
            raise NoValueError(f"it has no {'.'.join(steps[: number + 1])}{_instead(tree)}")
    if isinstance(tree, Mapping | list):
        raise NoValueError(f"{'.'.join(steps)} is no single value{_instead(tree)}")
    return tree


def _is_within(document: Any, depth: int) -> bool:
    """Whether no value lies deeper. Level by level: what is too deep is too deep for recursion as well."""
    level = [document]
    for _ in range(depth + 1):
        inner = [each.values() if isinstance(each, dict) else each for each in level]
        level = [value for values in inner for value in values if isinstance(value, dict | list)]
        if not level:
            return True
    return False


def _instead(tree: Any) -> str:
    """What could be named there: keys are no secret in a SOPS file."""
    if isinstance(tree, Mapping) and tree:
        return f"; there are {', '.join(sorted(tree)[:10])}"
    return f"; there are items 0 to {len(tree) - 1}" if isinstance(tree, list) and tree else ""


def _yaml(data: bytes) -> Any:
    from argos_gitops.manifests.reading import read_documents

    reading = read_documents(data)
    if reading.flaws:
        raise NotSealedError("it cannot be read as YAML")
    if len(reading.documents) != 1:
        raise NotSealedError(f"it has {len(reading.documents)} documents, and must have one")
    return reading.documents[0].content


def _json(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        raise NotSealedError("it is neither YAML, JSON nor dotenv by its ending, nor JSON in it") from None


def _dotenv(data: bytes) -> Sealed:
    text = data.decode("utf-8", "replace")
    lines = [match.groups() for line in text.splitlines() if (match := _DOTENV_LINE.match(line))]
    flat = {key: value for key, value in lines if key.startswith(_FLAT_PREFIX)}
    if "sops_mac" not in flat:
        raise NotSealedError("it is not encrypted with SOPS")
    tree = {key: value for key, value in lines if key not in flat}
    return Sealed(tree, _unflattened(flat), "dotenv")


def _unflattened(flat: Mapping[str, str]) -> Tree:
    """Metadata as the other forms have it: `sops_age__list_0__map_enc` is the `enc` of the first of `age`."""
    found: Tree = {}
    for name, value in flat.items():
        steps = re.split(r"__(?:list|map)_", name.removeprefix(_FLAT_PREFIX))
        if len(steps) > MAX_DEPTH:
            raise NotSealedError(_TOO_DEEP)
        text = value.replace("\\n", "\n")
        node = found
        for step in steps[:-1]:
            inner = node.setdefault(step, {})
            if not isinstance(inner, dict):
                raise NotSealedError(f"{name} is both a value and more than that")
            node = inner
        node[steps[-1]] = text == "true" if text in ("true", "false") else text
    return {name: _with_lists(value) for name, value in found.items()}


def _with_lists(value: Any) -> Any:
    """Mappings whose keys are numbers are lists."""
    if not isinstance(value, dict):
        return value
    inner = {key: _with_lists(each) for key, each in value.items()}
    return list(inner.values()) if all(key.isdecimal() for key in inner) else inner
