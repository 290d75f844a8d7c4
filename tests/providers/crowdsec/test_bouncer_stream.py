"""LAPI's stream is read row by row, in every form that versions of LAPI give it."""

import json
from collections.abc import Iterator, Sequence

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.model.errors import ProviderError, TerminalError, TransientError
from argos_gitops.model.go_duration import seconds_of
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.crowdsec.bouncer.stream import DecisionStream, parse_stream

_ROW = {
    "id": 7,
    "value": "203.0.113.7",
    "type": "ban",
    "origin": "cscli",
    "scope": "Ip",
    "duration": "3h59m59.8s",
}


def chunked(text: str, size: int) -> Iterator[str]:
    return (text[start : start + size] for start in range(0, len(text), size))


_rows = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 2**40), "scenario": st.text(max_size=8) | st.just('},{"')}),
    max_size=5,
)


@given(_rows | st.none(), _rows | st.none(), st.integers(1, 40), st.sampled_from([None, 1]), st.booleans())
def test_any_cut_gives_the_same_rows(
    deleted: Sequence[object] | None, new: Sequence[object] | None, size: int, indent: int | None, first: bool
) -> None:
    """Lists in either order, `null` or `[]`, spaces or none, texts that look like the end of a row."""
    lists = {"deleted": deleted, "new": new} if first else {"new": new, "deleted": deleted}
    text = json.dumps(lists, indent=indent, ensure_ascii=size % 2 == 0)
    expected = [(name, row) for name, rows in lists.items() for row in rows or ()]
    assert list(parse_stream(chunked(text, size))) == expected


@pytest.mark.parametrize(
    "text", ["", "{", '{"new": [', '{"new": [{"id": 1}', "[]", "<html>", '{"new": [1 2]}']
)
def test_what_breaks_off_or_is_no_stream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected|ends too early"):
        list(parse_stream([text]))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3h59m59.80s", 14399.8),
        ("167h59m59s", 604799),
        ("-1m2.5s", -62.5),
        ("1.5ms", 0.0015),
        ("20µs", 0.00002),
        ("0s", 0),
    ],
)
def test_durations_of_go(text: str, seconds: float) -> None:
    assert seconds_of(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "soon", "5", "5m later", "h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds_of(text)


def answering(status: int, body: object) -> DecisionStream:
    text = body if isinstance(body, str) else json.dumps(body)
    transport = httpx.MockTransport(lambda request: httpx.Response(status, text=text))
    return DecisionStream("http://lapi.example:8080", SecretValue("canary-key"), transport)


def read(stream: DecisionStream) -> list[tuple[bool, int]]:
    with stream.rows(everything=False) as rows:
        return [(in_force, decision.id) for in_force, decision in rows]


def test_new_and_deleted_rows_are_told_apart() -> None:
    lapi = answering(200, {"deleted": [{**_ROW, "id": 8, "duration": "-5s"}], "new": [_ROW]})
    assert read(lapi) == [(False, 8), (True, 7)]


def test_all_rows_are_asked_for_with_the_key() -> None:
    """Without `dedup=false` LAPI hides all but the longest row for a value."""
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"new": None, "deleted": None})

    stream = DecisionStream("http://lapi.example:8080", SecretValue("key"), httpx.MockTransport(note))
    with stream.rows(everything=True) as rows:
        assert list(rows) == []
    read(stream)
    assert [dict(each.url.params) for each in asked] == [
        {"startup": "true", "dedup": "false"},
        {"startup": "false", "dedup": "false"},
    ]
    assert asked[0].headers["X-Api-Key"] == "key"
    assert asked[0].headers["User-Agent"].count("/") == 1


@pytest.mark.parametrize(
    ("status", "body", "error", "reason"),
    [
        (403, {"message": "access forbidden"}, TerminalError, "KeyRefused"),
        (500, {"message": "database is locked canary-key"}, TransientError, "Busy"),
        (502, "", TransientError, "Unavailable"),
        (200, "<html>", TransientError, "StreamBroken"),
        (200, '{"new": [{"id": 1}', TransientError, "StreamBroken"),
        (200, {"new": [{"id": 1}]}, TransientError, "StreamBroken"),
    ],
)
def test_failures_are_errors_of_ours(
    status: int, body: object, error: type[ProviderError], reason: str
) -> None:
    """Without the key in them."""
    with pytest.raises(error) as caught:
        read(answering(status, body))
    assert caught.value.reason == reason
    assert "canary-key" not in str(caught.value)
