"""No regular expression takes longer than in proportion to the text it looks at, whoever wrote that text.

Every expression of the package is tried, with repetitions of what it is made of: a new one too.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import pytest

from argos_gitops.model import masking
from argos_gitops.providers.docker.compose import speech
from argos_gitops.providers.docker.labels import redirects
from tests.regexes import Expression, Unknown, expressions, growth, slow_text

FOUND = list(expressions())
EXPRESSIONS = [each for each in FOUND if isinstance(each, Expression)]

Patterns = Callable[[], Iterable[tuple[re.Pattern[Any], str]]]


def _written(*patterns: str, method: str, flags: int = 0) -> Patterns:
    return lambda: [(re.compile(pattern, flags), method) for pattern in patterns]


def _repeated(unit: str, size: int) -> str:
    return unit * (size // len(unit))


NAMED: Mapping[str, Patterns] = {
    "model/masking.py:_RULES": lambda: [(pattern, "sub") for pattern, _ in masking._RULES],  # noqa: SLF001
    "model/secret.py:SecretRef.steps": _written("/", r"\.", method="split"),
    "providers/docker/compose/confinement.py:_Values._known": _written(r"\bNAME\b", method="findall"),
    # The secrets of a Stack, which are the operator's.
    "providers/docker/compose/masking.py:Mask.__init__": _written(
        r"secretsecret|secret|(?<!\w)aa(?!\w)", method="sub"
    ),
    "providers/docker/compose/refusal.py:_place": _written(r"/a/b/([^\s:,'\"]+)", method="search"),
    "providers/docker/compose/speech.py:_kind": lambda: [
        (kind.pattern, "search")
        for kind in (*speech._OF_IMAGES, *speech._KINDS)  # noqa: SLF001
    ],
    "providers/docker/compose/workspace.py:Workspace.__init__": _written(
        r"/folder/argos(?:/\.above)*(/?)", method="sub"
    ),
    "providers/docker/images/writing.py:ImageWriter._assignments": _written(
        r"^[ \t]*(?:export[ \t]+)?NAME[ \t]*=[ \t]*((?:[^ \t\r\n]++|[ \t\r]++(?=[^ \t\r\n]))*+)[ \t\r]*+$",
        method="finditer",
        flags=re.MULTILINE,
    ),
    "providers/docker/labels/redirects.py:_target": _written(r"/\$(?:\{2\}|2)$", method="search"),
}
"""Expressions that are made while the program runs, as they are for some values."""

OF_OTHERS: Mapping[str, str] = {
    "manifests/translation.py:_matches_a_pattern": "those of the JSON Schema, which are tried by themselves",
    "manifests/translation.py:_takes": "the same",
    "providers/caddy/regexps.py:_check_form": "is compiled and not run: Caddy runs it",
    "providers/docker/schedules.py:_checked_pattern": "is compiled and not run",
    "providers/docker/images/versions.py:newer_tags": "who merges chooses it, for tags of 128 characters",
    "providers/docker/labels/redirects.py:_Address.known": "test_an_expression_of_somebody_else…, below",
}
"""Expressions that somebody else wrote: why none of them is a way to keep us busy."""

LONGEST: Mapping[str, int] = {
    "providers/caddy/rejection.py:_ROUTE": 4096,
    "providers/caddy/rejection.py:_FILE": 4096,
    "providers/caddy/rejection.py:_BUSY": 4096,
    "providers/docker/compose/speech.py:_kind": 500,
}
"""How much text reaches an expression at most, where that is bounded: `_LONGEST_COMPLAINT`, `_LONGEST`."""


def test_each_expression_is_known() -> None:
    """What is made while the program runs has to be named above, with examples or a reason."""
    unknown = {each.name for each in FOUND if isinstance(each, Unknown)}
    assert unknown - NAMED.keys() - OF_OTHERS.keys() == set()
    assert len(EXPRESSIONS) > 150, "the source is not read as it is written"


@pytest.mark.slow
@pytest.mark.parametrize("place", sorted({each.name for each in EXPRESSIONS}))
def test_no_text_keeps_an_expression_busy(place: str) -> None:
    for each in EXPRESSIONS:
        if each.name == place:
            found = slow_text(each, LONGEST.get(place, 12_288))
            assert found is None, f"{each.pattern.pattern!r}: {found}"


@pytest.mark.slow
@pytest.mark.parametrize("place", sorted(NAMED))
def test_no_text_keeps_an_expression_busy_that_is_made_later(place: str) -> None:
    for pattern, method in NAMED[place]():
        found = slow_text(Expression(place, pattern, frozenset({method})), LONGEST.get(place, 12_288))
        assert found is None, f"{pattern.pattern!r}: {found}"


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"^a*a*a*b", r"x[^y]*y"])
def test_what_takes_long_is_noticed(pattern: str) -> None:
    """Exponential, cubic and quadratic: a test that could not fail would show nothing."""
    assert slow_text(Expression("here", re.compile(pattern), frozenset({"search"}))) is not None


def test_what_takes_long_is_noticed_in_functions() -> None:
    assert growth(lambda text: re.findall("[^b]*c?b", text), lambda size: "a" * size, 6144)
    assert not growth(lambda text: text.count("b"), lambda size: "a" * size)


def test_an_expression_of_somebody_else_is_tried_on_no_more_than_a_domain() -> None:
    """The worst that labels may say: all repetitions that they are allowed, none of which comes to an end."""
    allowed = ".*" * redirects._MOST_REPEATED + "!"  # noqa: SLF001
    assert not redirects._takes_long(allowed)  # noqa: SLF001
    assert redirects._takes_long("(a+)+!")  # noqa: SLF001
    assert not growth(lambda text: re.fullmatch(allowed, text), lambda size: "a" * size, longest=253)


@pytest.mark.slow
def test_masking_a_text_takes_as_long_as_the_text_is() -> None:
    """All rules after each other: none makes long for the next what it replaced."""
    for unit in (
        "eyJ-",
        "@://",
        "--apassa ",
        "password=",
        "$2y$",
        "mysql -",
        "glpat-",
        "-----BEGIN ",
        "xoxb-",
    ):
        found = growth(masking.masked_text, partial(_repeated, unit))
        assert not found, unit
