"""The types that Caddy's configuration has wherever we look into it (`caddyconfig`, 2.6 to 2.11).

Caddy refuses a configuration of other types, so an answer of another shape does not come from a Caddy.
"""

from dataclasses import dataclass
from typing import Any

Shape = Any
"""A type, or several in a tuple; `[shape]` for a list of such; a dict for an object with members of such
shapes, and any others."""


@dataclass(frozen=True, slots=True)
class _Each:
    """An object whose members all have one shape."""

    shape: Shape


_ID = (str, int, float)
"""Caddy takes numbers as well (`indexConfigObjects`); none of them is ours."""
_MARKED: Shape = {"@id": _ID}
_ROUTE: Shape = {"@id": _ID, "match": [{"host": [str]}], "handle": [{"handler": str}]}
_SERVER: Shape = {"listen": [str], "routes": [_ROUTE], "automatic_https": {"skip": [str]}}
_POLICY: Shape = {**_MARKED, "subjects": [str], "issuers": [{"module": str}]}
_CONFIGURATION: Shape = {
    "admin": {"listen": str},
    "apps": {
        "http": {"servers": _Each(_SERVER)},
        "tls": {
            "automation": {"policies": [_POLICY]},
            "certificates": {"load_files": [{**_MARKED, "certificate": str, "key": str, "tags": [str]}]},
        },
    },
}


def check_configuration(tree: Any) -> None:
    """ValueError, which names the place, where `tree` is no configuration; None is that of an idle Caddy."""
    _check(tree, _CONFIGURATION, "config")


def _check(value: Any, shape: Shape, place: str) -> None:
    if value is None:
        return
    if isinstance(shape, list):
        _expect(value, list, place)
        for each in value:
            if each is None:
                raise ValueError(f"null in {place}")
            _check(each, shape[0], place)
    elif isinstance(shape, _Each):
        _expect(value, dict, place)
        for each in value.values():
            _check(each, shape.shape, place)
    elif isinstance(shape, dict):
        _expect(value, dict, place)
        for name in shape.keys() & value.keys():
            _check(value[name], shape[name], f"{place}/{name}")
    else:
        _expect(value, shape, place)


def _expect(value: Any, expected: type | tuple[type, ...], place: str) -> None:
    if not isinstance(value, expected):
        first = expected[0] if isinstance(expected, tuple) else expected
        raise ValueError(f"{place} is a {type(value).__name__} instead of a {first.__name__}")
