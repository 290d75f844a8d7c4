"""How our rows in LAPI are told from everybody else's, and from each other. Pure.

    alert     source.scope `argos-gitops/<edge>`, for two Edges may share one LAPI, and for countries
              `argos-gitops/<edge>/countries`, so that a few Decisions are looked at without 100,000 ranges;
              source.value says which write it belongs to, so that what was just written is read back
              by itself
    decision  origin `argos-country-NG` or `argos-decision-<name>`: which resource it comes from
              scenario `argos-gitops/<edge>: <reason>`, with ` (until <time>)` at its end where one is set

The Argos panel uses `argos-country-XX` as well. Its alerts carry no source scope of ours, so its rows are
neither seen, nor counted as standing, nor removed: a removal names origin *and* scenario.
"""

import re
from datetime import datetime
from typing import NamedTuple

from argos_gitops.model.resource import ResourceKey

_COUNTRIES = "argos-country-"
_ORIGIN = re.compile(r"argos-(country-[A-Z]{2}|decision-[a-z0-9][-a-z0-9]*)")
_SCENARIO = re.compile(r"argos-gitops/[^:]*: (?P<reason>.*?)(?: \(until (?P<until>[0-9TZ:-]+)\))?")


class Stamp(NamedTuple):
    """What all rows of one ban have in common beside their origin."""

    type: str
    scope: str
    scenario: str


def source(edge: str) -> str:
    """The scenario of our alerts, and their source scope but for those with countries."""
    return f"argos-gitops/{edge}"


def countries_source(edge: str) -> str:
    """The source scope of alerts that hold countries alone; an Edge's name has no slash."""
    return f"{source(edge)}/countries"


def source_of(edge: str, origin: str) -> str:
    """The source scope under which rows of an origin are written."""
    return countries_source(edge) if origin.startswith(_COUNTRIES) else source(edge)


def scenario(edge: str, reason: str, until: datetime | None = None) -> str:
    """The scenario of a decision; it alone tells a ban with an end from one that is renewed."""
    ending = f" (until {until:%Y-%m-%dT%H:%M:%SZ})" if until is not None else ""
    return f"{source(edge)}: {reason}{ending}"


def reason_and_until(scenario: str) -> tuple[str, str | None]:
    """What `scenario` says to people; the whole of it where it is not one of ours."""
    found = _SCENARIO.fullmatch(scenario)
    return (found["reason"], found["until"]) if found else (scenario, None)


def country_id(country: str) -> str:
    return f"country/{country}"


def decision_id(name: str) -> str:
    return f"decision/{name}"


def origin_of(object_id: str) -> str:
    """`country/NG` is `argos-country-NG` in LAPI."""
    return f"argos-{object_id.replace('/', '-', 1)}"


def object_id_of(origin: str) -> str | None:
    """The reverse; None for an origin that is not ours, or of a kind that this version does not know."""
    if not _ORIGIN.fullmatch(origin):
        return None
    kind, _, name = origin.removeprefix("argos-").partition("-")
    return f"{kind}/{name}"


def likely_owner(object_id: str) -> ResourceKey:
    """Whom a row belongs to when nothing else is known; a CountryBan may have any name."""
    kind, _, name = object_id.partition("/")
    return ResourceKey("Decision", name) if kind == "decision" else ResourceKey("CountryBan", name.lower())
