"""Decrypted files as their readers expect them; what SOPS keeps beside the values (comments) is lost."""

import io
from typing import Any

import orjson
from ruamel.yaml import YAML


def plaintext(tree: Any, form: str) -> bytes:
    """A tree as the text of a file; `form` is one of `Sealed.form`."""
    if form == "binary":
        return str(tree.get("data", "")).encode()
    if form == "dotenv":
        return "".join(f"{name}={_one_line(value)}\n" for name, value in tree.items()).encode()
    return _yaml(tree) if form == "yaml" else orjson.dumps(tree, option=orjson.OPT_INDENT_2) + b"\n"


def _one_line(value: Any) -> str:
    """As SOPS writes it: a line break is spelled `\\n` (stores/dotenv)."""
    return str(value).replace("\n", "\\n")


def _yaml(tree: Any) -> bytes:
    yaml: Any = YAML(typ="safe")
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False
    yaml.width = 2**20
    written = io.BytesIO()
    yaml.dump(tree, written)
    return written.getvalue()
