"""Choosing among the tags of an image: which are newer than the present one, and in which order. Pure.

What a version is follows semver.org; ranges are those of npm, as `semantic-version` reads them. Tags are
looser: `v1.27`, `16.4-alpine`, `2.0.0-rc.1-bookworm` are a version with something around it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from semantic_version import NpmSpec, Version

from argos_gitops.providers.docker.schedules import ImageRule

_TAG = re.compile(r"(?P<prefix>v?)(?P<numbers>\d{1,10}(?:\.\d{1,10}){0,2})(?:[-+_](?P<rest>.+))?")
_PRE_RELEASE = re.compile(
    r"(?P<pre>(?:alpha|beta|rc|pre|preview|dev|nightly|snapshot|canary|next|m)(?:[.-]?\d++)*)"
    r"(?:[-+_](?P<variant>.+))?",
    re.IGNORECASE,
)
_RUNS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class TagVersion:
    """A tag that is a version: `v2.0.0-rc.1-alpine` is `v`, 2.0.0, `rc.1` and `alpine`."""

    prefix: str
    numbers: tuple[int, ...]
    pre_release: str
    variant: str

    @cached_property
    def release(self) -> Version:
        """The numbers alone; those left out are 0."""
        major, minor, patch = (*self.numbers, 0, 0)[:3]
        return Version(major=major, minor=minor, patch=patch)

    @cached_property
    def order(self) -> tuple[Version, bool, list[tuple[int, int, str]]]:
        """A pre-release comes before its release."""
        return self.release, not self.pre_release, natural(self.pre_release)

    def looks_like(self, other: "TagVersion") -> bool:
        """Whether one may take the place of the other: `1.27` is followed by `1.28`, not by `1.28.1`."""
        shape = (self.prefix, len(self.numbers), self.variant)
        return shape == (other.prefix, len(other.numbers), other.variant)


def parse_tag(tag: str) -> TagVersion | None:
    """The version in a tag; None where it is none (`latest`, `bookworm`)."""
    found = _TAG.fullmatch(tag)
    if found is None:
        return None
    rest = found["rest"] or ""
    pre = _PRE_RELEASE.fullmatch(rest)
    variant = (pre["variant"] or "") if pre is not None else rest
    numbers = tuple(int(number) for number in found["numbers"].split("."))
    return TagVersion(found["prefix"], numbers, pre["pre"] if pre is not None else "", variant)


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts `rc9` before `rc10`, and numbers before words."""
    parts = (part for part in _RUNS.split(text) if part)
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def newer_tags(current: str, tags: Iterable[str], rule: ImageRule) -> Sequence[str]:
    """The tags that the rule would put in the place of `current`, the best first."""
    allowed = [tag for tag in tags if not any(re.fullmatch(pattern, tag) for pattern in rule.ignore)]
    if rule.newest is not None:
        return _newest(current, allowed, re.compile(rule.newest))
    return _in_range(current, allowed, rule)


def _in_range(current: str, tags: Iterable[str], rule: ImageRule) -> Sequence[str]:
    now = parse_tag(current)
    if now is None:
        return []
    wanted = NpmSpec(rule.semver or f"^{now.release}")
    found: list[tuple[Any, str]] = []
    for tag in tags:
        version = parse_tag(tag)
        if version is None or not version.looks_like(now) or version.release not in wanted:
            continue
        if version.order > now.order and (rule.pre_releases or not version.pre_release):
            found.append((version.order, tag))
    return _best_first(found)


def _newest(current: str, tags: Iterable[str], pattern: re.Pattern[str]) -> Sequence[str]:
    found = [(key, tag) for tag in tags if (key := _key(pattern, tag)) is not None]
    now = _key(pattern, current)
    return _best_first(pair for pair in found if now is None or pair[0] > now)


def _key(pattern: re.Pattern[str], tag: str) -> list[list[tuple[int, int, str]]] | None:
    match = pattern.fullmatch(tag)
    if match is None:
        return None
    return [natural(group or "") for group in match.groups()] if pattern.groups else [_numbers(tag)]


def _numbers(tag: str) -> list[tuple[int, int, str]]:
    return [(0, int(number), "") for number in re.findall(r"\d+", tag)]


def _best_first(found: Iterable[tuple[Any, str]]) -> Sequence[str]:
    return [tag for _, tag in sorted(found, reverse=True)]
