"""The newer tags of an image, best first."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.docker.images.versions import natural, newer_tags, parse_tag
from argos_gitops.providers.docker.schedules import ImageRule

_NGINX = [
    "latest", "1", "1.27", "1.27.3", "1.27.4", "1.28.0", "1.28", "1.27.4-alpine", "1.28.1-alpine3.20",
    "1.29.0-rc.1", "2.0.0", "2.1.0-alpine", "stable", "1.26.9", "v1.30.0", "1.27.4.1", "1.27.3-alpine",
]  # fmt: skip


@pytest.mark.parametrize(
    ("current", "rule", "best"),
    [
        ("1.27.3", {}, ["1.28.0", "1.27.4"]),
        ("1.27.3", {"semver": "~1.27"}, ["1.27.4"]),
        ("1.27.3", {"semver": ">=1 <3"}, ["2.0.0", "1.28.0", "1.27.4"]),
        ("1.27.3", {"semver": "*", "ignore": [r"2\..*"]}, ["1.28.0", "1.27.4"]),
        ("1.27", {}, ["1.28"]),
        ("1.27.3-alpine", {}, ["1.27.4-alpine"]),
        ("1.27.3-alpine", {"semver": ">=1"}, ["2.1.0-alpine", "1.27.4-alpine"]),
        ("1.28.0", {"pre_releases": True}, ["1.29.0-rc.1"]),
        ("1.28.0", {}, []),
        ("v1.29.0", {}, ["v1.30.0"]),
        ("3.0.0", {"semver": "^2"}, []),
        ("1.27.3", {"semver": "^2"}, ["2.0.0"]),
        ("latest", {}, []),
        ("bookworm", {"semver": "*"}, []),
    ],
)
def test_semver_follows_versions_that_look_alike(current: str, rule: dict[str, Any], best: list[str]) -> None:
    """Never back, never to another flavour, never to a pre-release unless somebody wants them."""
    assert newer_tags(current, _NGINX, ImageRule(**rule)) == best


def test_a_zero_version_stays_where_it_is_compatible() -> None:
    """`^0.3.1` means 0.3.x, as everywhere."""
    assert newer_tags("0.3.1", ["0.3.2", "0.4.0", "1.0.0"], ImageRule()) == ["0.3.2"]


def test_a_release_follows_its_pre_releases() -> None:
    """rc.10 is newer than rc.9, and the release than both."""
    tags = ["2.0.0-rc.9", "2.0.0-rc.10", "2.0.0", "2.0.0-beta.1"]
    assert newer_tags("2.0.0-beta.1", tags, ImageRule(pre_releases=True)) == [
        "2.0.0",
        "2.0.0-rc.10",
        "2.0.0-rc.9",
    ]


def test_newest_compares_groups_as_numbers() -> None:
    """2024-9 is older than 2024-10, whatever the letters say."""
    rule = ImageRule(newest=r"(\d{4})-(\d+)(?:-.*)?")
    tags = ["2024-9", "2024-10-slim", "2023-12", "latest", "2024-10"]
    assert newer_tags("2024-9", tags, rule) == ["2024-10-slim", "2024-10"]
    assert newer_tags("latest", tags, rule)[0] == "2024-10-slim"


def test_newest_without_groups_takes_all_numbers() -> None:
    """For tags such as `version-10.11.2-ls45`."""
    rule = ImageRule(newest=r"version-[0-9.]+-ls\d+")
    tags = [f"version-10.{minor}.0-ls{build}" for minor, build in ((9, 99), (11, 2), (11, 10))]
    assert newer_tags("version-10.9.0-ls99", tags, rule) == ["version-10.11.0-ls10", "version-10.11.0-ls2"]


_TAGS = st.from_regex(r"v?[0-9]{1,3}(\.[0-9]{1,3}){0,2}(-(rc[0-9]|alpine|beta\.1))?", fullmatch=True)


@given(_TAGS, st.lists(_TAGS, max_size=30), st.booleans(), st.randoms())
def test_what_is_chosen_is_newer_and_does_not_depend_on_the_registrys_order(
    current: str, tags: list[str], pre: bool, chance: random.Random
) -> None:
    """Each tag is greater than the present one; the best is newest; once taken, nothing is left to do."""
    rule = ImageRule(semver="*", pre_releases=pre)
    found = newer_tags(current, tags, rule)
    shuffled = list(tags)
    chance.shuffle(shuffled)
    assert newer_tags(current, shuffled, rule) == found
    now = parse_tag(current)
    assert now is not None
    versions = [parse_tag(tag) for tag in found]
    assert all(each is not None and each.order > now.order and each.looks_like(now) for each in versions)
    if found:
        assert newer_tags(found[0], tags, rule) == []


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_natural_order_is_that_of_numbers(one: int, other: int) -> None:
    """What is behind a word is compared as a number."""
    assert (natural(f"ls{one}") < natural(f"ls{other}")) == (one < other)
