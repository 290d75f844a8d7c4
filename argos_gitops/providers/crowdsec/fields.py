"""A ban as labelled fields for people. Pure; there is nothing in a ban that must be masked."""

from collections.abc import Mapping, Sequence

from argos_gitops.model.objects import Content
from argos_gitops.model.resource import ResourceKey
from argos_gitops.providers.crowdsec.marks import reason_and_until

_LISTED = 3


def fields_of(content: Content, remarks: Sequence[str] = ()) -> Mapping[str, str]:
    """Reading order: what, whom, why, how long. `remarks` are added to whom."""
    reason, until = reason_and_until(content["scenario"])
    values = content["values"]
    told = {
        "type": content["type"],
        _label(content): "; ".join([_summary(values), *remarks]),
        "reason": reason,
    }
    if until is not None:
        told["until"] = until
    if also := content.get("also"):
        told["replaced"] = "; ".join(
            f"{_summary(each['values'])} as {each['type']} ({reason_and_until(each['scenario'])[0]})"
            for each in also
        )
    return told


def difference(before: Sequence[str], after: Sequence[str]) -> str:
    """`+12 −3: +198.51.100.0/24, …, −203.0.113.0/24`; empty for new bans and short lists."""
    if not before or max(len(before), len(after)) <= _LISTED:
        return ""
    added = sorted(set(after).difference(before))
    gone = sorted(set(before).difference(after))
    if not added and not gone:
        return ""
    return f"+{len(added):,} −{len(gone):,}: {', '.join([*_examples('+', added), *_examples('−', gone)])}"


def taken_out(taken: Sequence[tuple[ResourceKey | str, int]]) -> Sequence[str]:
    """`3 taken out by Allowlist/partners`, `1 taken out by LAPI's allowlist office`."""
    return [f"{count:,} taken out by {key}" for key, count in taken]


def _label(content: Content) -> str:
    if content["scope"] == "Ip":
        return "address"
    return "range" if len(content["values"]) == 1 else "ranges"


def _summary(values: Sequence[str]) -> str:
    """The values while they are few, then how many there are."""
    if len(values) <= _LISTED:
        return ", ".join(values)
    v6 = sum(":" in value for value in values)
    return f"{len(values):,} ({len(values) - v6:,} IPv4, {v6:,} IPv6)"


def _examples(sign: str, values: Sequence[str]) -> Sequence[str]:
    shown = [f"{sign}{value}" for value in values[:_LISTED]]
    return [*shown, "…"] if len(values) > _LISTED else shown
