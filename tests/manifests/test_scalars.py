"""Plain scalars mean what YAML 1.2's core schema says."""

import pytest

from argos_gitops.manifests.scalars import resolve

MEANINGS = {
    "": None, "~": None, "null": None, "Null": None, "nULL": "nULL",
    "true": True, "TRUE": True, "false": False, "tRUE": "tRUE",
    "yes": "yes", "no": "no", "on": "on", "off": "off", "y": "y",
    "0": 0, "-7": -7, "+7": 7, "010": 10, "0o10": 8, "0x1F": 31, "0b1": "0b1", "1_000": "1_000",
    "1.5": 1.5, ".5": 0.5, "1.": 1.0, "1e3": 1000.0, "-1.5E-2": -0.015,
    "1:30": "1:30", "10.0.0.5": "10.0.0.5", "10.0.0.5:3000": "10.0.0.5:3000", "1.2.3": "1.2.3",
    "2027-01-01": "2027-01-01", "2027-01-01T00:00:00Z": "2027-01-01T00:00:00Z",
    "90s": "90s", "-": "-", ".": ".", "+": "+", "name": "name", "9223372036854775807": 2**63 - 1,
}  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), MEANINGS.items())
def test_a_plain_scalar_means(text: str, meaning: object) -> None:
    """Type and value; `yes` in particular is a string, which YAML 1.1 saw otherwise."""
    value = resolve(text)
    assert (type(value), value) == (type(meaning), meaning)


@pytest.mark.parametrize("text", [".inf", "-.INF", ".nan", "1e999", "9223372036854775808", "9" * 100_000])
def test_numbers_that_tools_disagree_on_are_refused(text: str) -> None:
    """Infinities, more than 64 bits, and what would take long to convert."""
    with pytest.raises(OverflowError):
        resolve(text)
