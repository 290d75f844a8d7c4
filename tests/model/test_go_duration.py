"""Go's durations: what Go prints is read back, and what Go refuses is refused."""

from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from argos_gitops.model.go_duration import nanoseconds_of, seconds_of

_SECOND = 1_000_000_000
_UNITS = {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000, "ms": 10**6, "s": _SECOND}
_UNITS |= {"m": 60 * _SECOND, "h": 3600 * _SECOND}


def printed(nanoseconds: int) -> str:
    """Go's Duration.String (1.25): the largest of ns, µs, ms below a second, else hours, minutes, seconds."""
    if nanoseconds == 0:
        return "0s"
    sign, left = ("-" if nanoseconds < 0 else ""), abs(nanoseconds)
    for unit, size in (("ns", 1), ("µs", 1000), ("ms", 10**6)):
        if left < min(size * 1000, _SECOND):
            return f"{sign}{_decimal(left, size)}{unit}"
    hours, rest = divmod(left, 3600 * _SECOND)
    minutes, rest = divmod(rest, 60 * _SECOND)
    seconds = f"{_decimal(rest, _SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{seconds}"
    return f"{sign}{minutes}m{seconds}" if minutes else f"{sign}{seconds}"


def _decimal(value: int, size: int) -> str:
    whole, rest = divmod(value, size)
    fraction = f"{rest:0{len(str(size)) - 1}}".rstrip("0") if rest else ""
    return f"{whole}.{fraction}" if fraction else str(whole)


@given(st.integers(-(2**63), 2**63 - 1))
@example(-713_297_727)
@example(2**63 - 1)
@example(-(2**63))
def test_what_go_prints_is_read_back(nanoseconds: int) -> None:
    assert nanoseconds_of(printed(nanoseconds)) == nanoseconds


_PARTS = st.lists(
    st.tuples(st.integers(0, 10**6), st.text("0123456789", max_size=12), st.sampled_from([*_UNITS])),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from(["", "+", "-"]), _PARTS)
def test_all_of_the_grammar_is_read(sign: str, parts: list[tuple[int, str, str]]) -> None:
    """Any number of parts in any order, each with a fraction that is cut off at a nanosecond."""
    text = sign + "".join(f"{whole}.{fraction}{unit}" for whole, fraction, unit in parts)
    if len(text) > 120:
        return
    total = sum(
        whole * _UNITS[unit] + int(fraction or 0) * _UNITS[unit] // 10 ** len(fraction)
        for whole, fraction, unit in parts
    )
    if total >= 2**63:  # some 292 years, the most that Go takes
        return
    assert nanoseconds_of(text) == (-total if sign == "-" else total)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("-713.297727ms", -0.713297727),
        (".5s", 0.5),
        ("1.s", 1.0),
        ("0", 0.0),
        ("-0", 0.0),
        ("167h59m57s", 604797),
    ],
)
def test_examples(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "+",
        "3",
        "3h5",
        ".",
        ".s",
        "1d",
        "1 s",
        "s",
        "--1s",
        "1h-2m",
        "1e3s",
        "\u0661s",
        "9223372037s" * 2,
        5,
        None,
        "9" * 40 + "h",
        "1s" * 200,
    ],
)
def test_what_go_refuses_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match=r"duration|292 years"):
        nanoseconds_of(text)


@given(st.text("0123456789.hmsuµμn+-", max_size=24))
def test_whatever_comes_there_is_a_number_or_one_error(text: str) -> None:
    with suppress(ValueError):
        assert isinstance(nanoseconds_of(text), int)
