"""Secrets of one Stack, taken out of whatever Compose and containers say."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from argos_gitops.manifests.reading import read_documents
from argos_gitops.manifests.sealed import Sealed, is_encrypted
from argos_gitops.model.masking import masked_text
from argos_gitops.model.secret import MASK

_SHORTEST_PART = 4
"""What is shorter is masked only where it stands alone: it may be a part of any word."""
_SHORTEST_LINE = 6
"""Of several: a bracket, or the like, is no secret."""


class Mask:
    """Replaces every secret value in a text, and what looks like one."""

    def __init__(self, values: Iterable[str]) -> None:
        spellings = {spelling for value in values for spelling in _spellings(value)}
        patterns = [_pattern(each) for each in sorted(spellings, key=len, reverse=True)]
        self._pattern = re.compile("|".join(patterns)) if patterns else None

    def __call__(self, text: str) -> str:
        return masked_text(self._pattern.sub(MASK, text) if self._pattern else text)

    def __repr__(self) -> str:
        return MASK


def secrets_in(sealed: Sealed, plain: bytes) -> Iterator[str]:
    """The values of a decrypted file that SOPS had encrypted."""
    if sealed.form == "binary":
        yield plain.decode("utf-8", "replace")
    elif sealed.form == "dotenv":
        values = dict(line.split("=", 1) for line in plain.decode().splitlines() if "=" in line)
        yield from _both(sealed.tree, values)
    elif sealed.form == "json":
        yield from _both(sealed.tree, orjson.loads(plain))
    else:
        for document in read_documents(plain).documents:
            yield from _both(sealed.tree, document.content)


def _both(sealed: Any, plain: Any) -> Iterator[str]:
    """Walks what was encrypted and what came out of it side by side."""
    if isinstance(sealed, Mapping) and isinstance(plain, Mapping):
        for name, value in sealed.items():
            yield from _both(value, plain.get(name))
    elif isinstance(sealed, list) and isinstance(plain, list):
        for one, other in zip(sealed, plain, strict=False):
            yield from _both(one, other)
    elif is_encrypted(sealed) and plain is not None:
        yield str(plain)


def _spellings(value: str) -> Iterator[str]:
    """As it is, as JSON and Compose spell it, and line by line, since output comes in lines."""
    lines = [line for line in value.splitlines() if len(line.strip()) >= _SHORTEST_LINE]
    for line in {value, value.strip(), *lines}:
        if line.strip():
            yield line
            yield line.replace("$", "$$")
            yield orjson.dumps(line).decode()[1:-1]


def _pattern(value: str) -> str:
    return re.escape(value) if len(value) >= _SHORTEST_PART else rf"(?<!\w){re.escape(value)}(?!\w)"
