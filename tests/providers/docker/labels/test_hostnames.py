"""The domains that a HostRegexp means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.labels.hostnames import NotNamesError, names_of, names_of_template


@pytest.mark.parametrize(
    ("expression", "domains"),
    [
        (r"^app\.example\.com$", ["app.example.com"]),
        (r"(?i)^APP\.example\.com$", ["app.example.com"]),
        (
            r"^(www\.)?example\.(com|org)$",
            ["www.example.com", "www.example.org", "example.com", "example.org"],
        ),
        (r"^[^.]+\.example\.com$", ["*.example.com"]),
        (r"^(?:[a-z0-9-]+|www)\.example\.com$", ["*.example.com", "www.example.com"]),
    ],
)
def test_names_are_spelled_out(expression: str, domains: list[str]) -> None:
    names = names_of(expression)
    assert list(names.domains) == domains
    assert names.condition is None


def test_a_narrow_label_is_a_wildcard_with_a_condition() -> None:
    """`[a-z]+` is less than any name, so the Host header is looked at too."""
    for names in (names_of(r"^[a-z]+\.example\.com$"), names_of_template("{sub:[a-z]+}.example.com")):
        assert names.domains == ("*.example.com",)
        assert names.condition is not None
        assert "[a-z]+" in names.condition


def test_a_template_without_a_pattern_is_any_name() -> None:
    assert names_of_template("{sub}.example.com") == (("*.example.com",), None)


@pytest.mark.parametrize(
    "expression",
    [
        r"app\.example\.com",
        r"^.+\.example\.com$",
        r"^app.example.com$",
        r"^app-[a-z]+\.example\.com$",
        r"^x\.[^.]+\.example\.com$",
        r"^(a|b|c|d)(a|b|c|d)(a|b|c|d)(a|b|c|d)\.com$",
        r"^(a\.com$",
        r"^a\.com)$",
        r"^a\d\.com$",
        f"^{'(' * 10_000}$",
        f"^({'|'.join(f'a{number}' for number in range(100))})$",
    ],
)
def test_what_is_no_list_of_names_is_refused(expression: str) -> None:
    with pytest.raises(NotNamesError):
        names_of(expression)


@given(st.text(st.sampled_from(r"ab.^$|()?:[]+\-*{}"), max_size=40))
def test_any_expression_is_names_or_a_clean_error(expression: str) -> None:
    for read in (names_of, names_of_template):
        try:
            read(expression)
        except NotNamesError:
            continue
