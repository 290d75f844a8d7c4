"""One line of the result: what was measured, against what, and whether the promise is kept."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from rich.table import Table

from benchmarks.measure import Pairs, Spread


class Rule(StrEnum):
    """How `value` comes from ours and the reference."""

    RATIO = "ratio"
    DIFFERENCE = "difference"
    ABSOLUTE = "absolute"
    EXPONENT = "exponent"


@dataclass(frozen=True, slots=True)
class Figure:
    """`value` must not exceed `limit`; a figure without a limit is for information."""

    benchmark: str
    what: str
    unit: str
    ours: Spread
    against: str
    reference: Spread | None
    rule: Rule
    value: float
    limit: float | None

    @property
    def met(self) -> bool | None:
        return None if self.limit is None else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met}


def ratio(
    benchmark: str, what: str, ours: Spread, against: str, reference: Spread, limit: float | None
) -> Figure:
    value = Pairs(ours, reference).ratio
    return Figure(benchmark, what, "s", ours, against, reference, Rule.RATIO, value, limit)


def difference(
    benchmark: str, what: str, ours: Spread, against: str, reference: Spread, limit: float | None
) -> Figure:
    value = Pairs(ours, reference).difference
    return Figure(benchmark, what, "s", ours, against, reference, Rule.DIFFERENCE, value, limit)


def peak(benchmark: str, what: str, megabytes: float, limit: float | None = 300.0) -> Figure:
    """Peak memory of one run, in MB; by default against the 300 MB that 10,000 hosts may take."""
    return Figure(benchmark, what, "MB", Spread((megabytes,)), "", None, Rule.ABSOLUTE, megabytes, limit)


def table(figures: Sequence[Figure]) -> Table:
    """The figures for people: medians, and in brackets the least and the greatest."""
    view = Table("what", "ours", "reference", "value", "limit", "met")
    for figure in figures:
        view.add_row(
            f"{figure.benchmark}: {figure.what}",
            _spread(figure.ours, figure.unit),
            f"{_spread(figure.reference, figure.unit)} {figure.against}" if figure.reference else "",
            _value(figure, figure.value),
            "" if figure.limit is None else f"≤ {_value(figure, figure.limit)}",
            {True: "yes", False: "NO", None: ""}[figure.met],
        )
    return view


def _spread(spread: Spread, unit: str) -> str:
    middle = f"{_number(spread.median)} {unit}"
    return middle if len(spread.values) == 1 else f"{middle} ({_number(spread.low)}–{_number(spread.high)})"


def _value(figure: Figure, value: float) -> str:
    match figure.rule:
        case Rule.RATIO:
            return f"× {value:.3f}"
        case Rule.DIFFERENCE:
            return f"{value:+.3f} {figure.unit}"
        case Rule.ABSOLUTE:
            return f"{_number(value)} {figure.unit}"
        case Rule.EXPONENT:
            return f"n^{value:.2f}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3f}"
