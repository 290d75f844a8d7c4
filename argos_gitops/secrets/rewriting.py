"""A SOPS file with metadata of ours in place of its own, for a program whose parsers are not ours.

They differ: Go's `encoding/json` takes `HC_VAULT` for `hc_vault`, YAML 1.1 merges `<<`, and lines of an env
file end elsewhere for Go than for Python. So no byte of the file's own metadata is handed on. Where rules by
comment say what is encrypted, the text around it stays as it is; elsewhere only values do.

Facts: SOPS 3.13, `stores/flatten.go` and `stores/dotenv/store.go` (how metadata stands in an env file).
"""

from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from argos_gitops.manifests.nodes import Node, document_nodes
from argos_gitops.manifests.sealed import SOPS_KEY, Sealed
from argos_gitops.secrets.sops import SopsError

_FLAT_PREFIX = b"sops_"
_MERGE = "<<"

Metadata = Mapping[str, Any]


def with_values_alone(sealed: Sealed, metadata: Metadata) -> tuple[bytes, str]:
    """The encrypted values and this metadata; the form in which the program is to read them."""
    try:
        written = orjson.dumps({**sealed.tree, SOPS_KEY: metadata})
    except TypeError:  # not the error's own words, which may quote a value
        raise SopsError(
            "it holds a value that JSON cannot hold, such as a number of more than 64 bits"
        ) from None
    return written, "yaml" if sealed.form == "yaml" else "json"


def with_comments(sealed: Sealed, data: bytes, metadata: Metadata) -> tuple[bytes, str]:
    """The text of the file, with this metadata. JSON has no comments: there its values are enough."""
    if sealed.form == "yaml":
        return _yaml(data.decode("utf-8-sig"), metadata).encode(), "yaml"
    if sealed.form == "dotenv":
        return b"".join([*_lines(data), *_flat(metadata)]), "dotenv"
    return with_values_alone(sealed, metadata)


def _yaml(text: str, metadata: Metadata) -> str:
    """Raises SopsError for what SOPS never writes, and its parser reads otherwise than ours."""
    [document] = document_nodes(text)
    if any(node.alias or node.content == _MERGE for node in _nodes(document.root)):
        raise SopsError("it has an alias or a merge key, which SOPS does not write; encrypt it anew")
    [value] = [value for key, value in document.root.entries if key is not None and key.content == SOPS_KEY]
    return f"{text[: value.start]}{orjson.dumps(metadata).decode()}{text[value.end :]}"


def _nodes(root: Node) -> Iterator[Node]:
    yield root
    for key, value in root.entries:
        if key is not None:
            yield from _nodes(key)
        yield from _nodes(value)


def _lines(data: bytes) -> Iterator[bytes]:
    """Those without metadata, as SOPS tells them apart: by line feeds and the beginning of each."""
    for line in data.split(b"\n"):
        if line and not line.startswith(_FLAT_PREFIX):
            yield line + b"\n"


def _flat(metadata: Metadata) -> Iterator[bytes]:
    for name, value in _flattened("", metadata):
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if "\r" in text or "\0" in text:
            raise SopsError(f"sops_{name} has a character that an env file cannot hold")
        yield f"sops_{name}={text}".replace("\n", "\\n").encode("utf-8", "replace") + b"\n"


def _flattened(name: str, node: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(node, Mapping):
        for key, value in node.items():
            yield from _flattened(f"{name}__map_{key}" if name else key, value)
    elif isinstance(node, list):
        for number, value in enumerate(node):
            yield from _flattened(f"{name}__list_{number}", value)
    else:
        yield name, node
