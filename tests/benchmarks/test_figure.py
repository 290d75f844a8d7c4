"""What a line of the result says."""

import orjson
from rich.console import Console

from benchmarks.figure import Figure, difference, peak, ratio, table
from benchmarks.measure import Spread

FAST, SLOW = Spread((1.0, 1.1)), Spread((2.0, 2.2))


def _printed(figure: Figure) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table([figure]))
    return capture.get()


def test_a_limit_is_met_up_to_its_very_value() -> None:
    assert ratio("name", "what", FAST, "them", SLOW, 0.5).met is True
    assert ratio("name", "what", FAST, "them", SLOW, 0.49).met is False


def test_a_difference_may_be_negative() -> None:
    assert difference("name", "what", FAST, "them", SLOW, 0.0).value < 0


def test_a_figure_without_a_limit_is_neither_met_nor_missed() -> None:
    assert peak("name", "memory", 12.0, None).met is None


def test_the_table_shows_both_sides_with_their_range() -> None:
    line = _printed(ratio("name", "what", FAST, "them", SLOW, 0.6))
    for part in (
        "name: what",
        "1.050 s (1.000–1.100)",
        "2.100 s (2.000–2.200) them",
        "× 0.500",
        "≤ × 0.600",
        "yes",
    ):
        assert part in line


def test_a_missed_limit_stands_out() -> None:
    assert "NO" in _printed(peak("name", "memory", 301.0))


def test_a_figure_is_json() -> None:
    figure = orjson.loads(orjson.dumps(ratio("name", "what", FAST, "them", SLOW, 0.6).as_json()))
    assert figure["value"] == 0.5
    assert figure["met"] is True
    assert figure["ours"]["values"] == [1.0, 1.1]
