"""What a JSON Schema validator found, as sentences for the person who wrote the document.

A sentence repeats names of fields and what was expected, never the value that was found: it may be
a secret that stands in the wrong place.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from jsonschema import ValidationError

from argos_gitops.manifests.expectations import expected, form, is_secret, one_of, resolved
from argos_gitops.manifests.problems import Code, Finding, Pointer
from argos_gitops.manifests.wording import did_you_mean, shown, where
from argos_gitops.model.spec import DURATION_PATTERN

Root = dict[str, Any]

_BOUNDS = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} entries",
    "maxProperties": "must have at most {} entries",
}


def findings(error: ValidationError, root: Root) -> Iterator[Finding]:
    """What `error`, an error of the whole document's schema `root`, means."""
    yield from _findings(error, root, ())


def _findings(error: ValidationError, root: Root, above: Pointer) -> Iterator[Finding]:
    pointer = (*above, *error.relative_path)
    keyword = str(error.validator)
    if keyword in ("anyOf", "oneOf"):
        yield from _alternatives(error, root, pointer)
    elif keyword in ("additionalProperties", "unevaluatedProperties"):
        yield from _unknown_fields(error, root, pointer)
    else:
        yield _SENTENCES.get(keyword, _other)(error, root, pointer)


def _rule(error: ValidationError) -> Any:
    """The value of the keyword that was broken."""
    return error.validator_value


def _instance(error: ValidationError) -> Any:
    return error.instance


def _missing(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    # One error each missing field; the validator keeps its name in the message alone.
    absent = [name for name in _rule(error) if name not in _instance(error)]
    name = next((name for name in absent if error.message.startswith(repr(name))), absent[0])
    return Finding(pointer, Code.MISSING_FIELD, f"{where(pointer)} needs the field '{name}'", at_key=True)


def _unknown_fields(error: ValidationError, root: Root, pointer: Pointer) -> Iterator[Finding]:
    schema = resolved(error.schema, root)
    if is_secret(schema):
        # A flow mapping such as {hunter2} has the secret as its key.
        message = f"{where(pointer)}: expected {expected(schema, root)}"
        yield Finding(pointer, Code.UNKNOWN_FIELD, message)
        return
    known = list(schema.get("properties", {}))
    for name in _instance(error):
        if name not in known and not _matches_a_pattern(error, name):
            sentence = f"{where(pointer)} {_has_no(name, known)}"
            yield Finding((*pointer, name), Code.UNKNOWN_FIELD, sentence, at_key=True)


def _has_no(name: str, known: list[str]) -> str:
    if name == "<<":
        return "has a merge key (<<), which YAML 1.2 does not know; write the fields out"
    hint = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "")
    return f"has no field {shown(name)}{hint}"


def _matches_a_pattern(error: ValidationError, name: str) -> bool:
    patterns = error.schema.get("patternProperties", {}) if isinstance(error.schema, dict) else {}
    return any(re.search(pattern, name) for pattern in patterns)


def _wrong_type(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    found = _found(error.instance, error.schema, root)
    message = f"{where(pointer)}: expected {expected(error.schema, root)}, found {found}"
    return Finding(pointer, Code.WRONG_TYPE, message)


def _found(value: object, schema: Any, root: Root) -> str:
    """The type of a value in words, without the value; quotes are advised where they mend it."""
    if isinstance(value, bool | int | float):
        kind = "true or false" if isinstance(value, bool) else "a number"
        if _takes(resolved(schema, root), str(value), root):
            return f"{kind}; quote it if it is meant as a string"
        has_unit = resolved(schema, root).get("pattern") == DURATION_PATTERN and kind == "a number"
        return f"{kind} without a unit; write the unit too, as in 30s" if has_unit else kind
    names: dict[type, str] = {dict: "a mapping", list: "a list", str: "a string"}
    return names.get(type(value), "nothing")


def _takes(schema: Root, text: str, root: Root) -> bool:
    """Whether a field takes this text as a string, as far as its form goes."""
    branches = [resolved(branch, root) for branch in schema.get("anyOf") or schema.get("oneOf") or [schema]]
    strings = [branch for branch in branches if branch.get("type") == "string"]
    return any(re.search(branch.get("pattern", ""), text) for branch in strings)


def _unknown_value(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    allowed = _rule(error) if error.validator == "enum" else [_rule(error)]
    words = [value for value in allowed if isinstance(value, str)]
    hint = did_you_mean(error.instance, words) if isinstance(error.instance, str) else _quoting(error, words)
    return Finding(pointer, Code.UNKNOWN_VALUE, f"{where(pointer)}: expected {one_of(allowed)}{hint}")


def _quoting(error: ValidationError, words: list[str]) -> str:
    """For `true` where "true" is meant."""
    return "; quote it" if words and isinstance(error.instance, bool | int | float) else ""


def _wrong_form(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    schema = resolved(error.schema, root)
    above = error.parent.schema if error.parent is not None else None
    if (
        isinstance(above, dict) and not error.relative_path
    ):  # what an optional value says of itself stands there
        schema = {key: above[key] for key in ("examples", "description") if key in above} | schema
    return Finding(pointer, Code.INVALID_VALUE, f"{where(pointer)}: {form(schema)}")


def _out_of_bounds(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    bound = _BOUNDS[str(error.validator)].format(error.validator_value)
    return Finding(pointer, Code.INVALID_VALUE, f"{where(pointer)} {_singular(bound)}")


def _singular(bound: str) -> str:
    for many, one in (("items", "item"), ("entries", "entry"), ("characters", "character")):
        bound = bound.replace(f" 1 {many}", f" 1 {one}")
    return bound


def _repeated(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    return Finding(pointer, Code.INVALID_VALUE, f"{where(pointer)}: each item may stand there once only")


def _other(error: ValidationError, root: Root, pointer: Pointer) -> Finding:
    return Finding(
        pointer, Code.INVALID_VALUE, f"{where(pointer)} breaks the rule '{error.validator}' of its schema"
    )


_SENTENCES: dict[str, Callable[[ValidationError, Root, Pointer], Finding]] = {
    "required": _missing,
    "type": _wrong_type,
    "enum": _unknown_value,
    "const": _unknown_value,
    "pattern": _wrong_form,
    "uniqueItems": _repeated,
    **dict.fromkeys(_BOUNDS, _out_of_bounds),
}


def _alternatives(error: ValidationError, root: Root, pointer: Pointer) -> Iterator[Finding]:
    """The errors of the one alternative that was meant, where that can be told."""
    meant = _meant_branch(error)
    if meant is None:
        found = _found(error.instance, error.schema, root)
        message = f"{where(pointer)}: expected {expected(error.schema, root)}, found {found}"
        yield Finding(pointer, Code.WRONG_TYPE, message)
        return
    for failure in meant:
        yield from _findings(failure, root, pointer)


def _meant_branch(error: ValidationError) -> list[ValidationError] | None:
    branches: dict[Any, list[ValidationError]] = {}
    for failure in error.context or ():
        branches.setdefault(failure.relative_schema_path[0], []).append(failure)
    fitting = [failures for failures in branches.values() if not any(map(_rules_out, failures))]
    if len(fitting) == 1 or (fitting and isinstance(error.instance, dict)):
        return min(fitting, key=len)
    return None


def _rules_out(failure: ValidationError) -> bool:
    """Whether a failure shows that its alternative was not meant: another type, or another tag."""
    depth = len(failure.relative_path)
    return (failure.validator == "type" and depth == 0) or (failure.validator == "const" and depth <= 1)
