"""No answer is larger, or comes more slowly, than whoever asks puts up with."""

import ast
import gzip
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import httpcore
import httpx
import pytest

from argos_gitops.outbound import (
    AnswerTooLargeError,
    AnswerTooSlowError,
    BoundedClient,
    Bounds,
    narrow,
    within,
)
from argos_gitops.outbound.pace import Pace, PacedStream
from tests.components.liar import Liar, dripping, endless, http, lying

PACKAGE = Path(__file__).parents[2] / "argos_gitops"
IMPATIENT = Bounds(1024, Pace(seconds=0.3, bytes_per_second=1e6))


class _Instant(httpcore.NetworkStream):
    """Somebody who always has an answer."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return bytes(max_bytes)

    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...


@pytest.fixture
def client() -> Iterator[BoundedClient]:
    """One that takes 1 KiB and waits for a third of a second."""
    with BoundedClient(IMPATIENT, timeout=5, trust_env=False) as found:
        yield found


def test_an_answer_that_never_ends_is_not_read_to_its_end(client: BoundedClient) -> None:
    """It stops at the bound, and says what the bound is."""
    with Liar(lambda _: endless()) as liar, pytest.raises(AnswerTooLargeError, match="more than 1,024 bytes"):
        client.get(liar.url)


def test_what_fits_exactly_is_read(client: BoundedClient) -> None:
    """The bound itself is allowed, one byte more is not."""
    with lying(http(b"x" * 1024)) as liar:
        assert len(client.get(liar.url).content) == 1024
    with lying(http(b"x" * 1025)) as liar, pytest.raises(AnswerTooLargeError):
        client.get(liar.url)


def test_a_body_that_drips_is_given_up(client: BoundedClient) -> None:
    """Each byte comes long before the timeout, and all of them would take minutes."""
    answer = http(b"x" * 1000)
    head, body = answer[:-1000], answer[-1000:]
    with Liar(lambda _: chain([head], dripping(body))) as liar, pytest.raises(httpx.ReadTimeout):
        client.get(liar.url)


def test_headers_that_drip_are_given_up(client: BoundedClient) -> None:
    """The same before there is an answer at all."""
    drip = http(b"{}", headers=["X: " + "x" * 1000])
    with Liar(lambda _: dripping(drip)) as liar, pytest.raises(httpx.ReadTimeout):
        client.get(liar.url)


def test_a_request_may_have_bounds_of_its_own(client: BoundedClient) -> None:
    """Narrower ones than its client; wider ones change nothing."""
    with lying(http(b"x" * 100)) as liar, pytest.raises(AnswerTooLargeError, match="more than 99 bytes"):
        client.get(liar.url, **within(Bounds(99, seconds=5), 5))
    with lying(http(b"x" * 1025)) as liar, pytest.raises(AnswerTooLargeError):
        client.get(liar.url, **within(Bounds(2000, seconds=5), 5))


def test_an_answer_whose_seconds_are_over_is_given_up() -> None:
    """However steadily it comes."""
    bounds = Bounds(10**12, seconds=0.2)
    with (
        BoundedClient(Bounds(10**12), trust_env=False) as patient,
        Liar(lambda _: endless()) as liar,
        pytest.raises(AnswerTooSlowError, match="still answering"),
    ):
        patient.get(liar.url, **within(bounds, 5))


def test_the_bounds_of_an_answer_can_be_narrowed_once_its_head_is_there(client: BoundedClient) -> None:
    with lying(http(b"x" * 100)) as liar, client.stream("GET", liar.url) as answer:
        narrow(answer, Bounds(10))
        with pytest.raises(AnswerTooLargeError, match="more than 10 bytes"):
            answer.read()


def test_a_connection_is_measured_anew_for_each_answer() -> None:
    """What one answer took, and what its reader did meanwhile, is not held against the next."""
    clocked = PacedStream(_Instant(), IMPATIENT.pace)
    for _ in range(3):
        clocked.write(b"request")
        for _ in range(100):
            assert clocked.read(1000, 5.0)


def test_a_small_answer_does_not_unpack_to_a_huge_one(client: BoundedClient) -> None:
    """Nothing packed is asked for, and what comes packed stays so."""
    bomb = gzip.compress(bytes(500_000))
    with lying(http(bomb, headers=["Content-Encoding: gzip"])) as liar:
        assert client.get(liar.url).content == bomb
        assert b"accept-encoding: identity" in liar.requests[0].lower()


def test_the_body_of_a_redirect_is_bounded_too(client: BoundedClient) -> None:
    """Whoever follows redirects reads their bodies first."""
    redirect = http(b"x" * 2000, "302 Found", headers=["Location: /elsewhere"])
    with lying(redirect) as liar, pytest.raises(AnswerTooLargeError):
        client.get(liar.url, follow_redirects=True)


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_nobody_asks_without_bounds(path: Path) -> None:
    """All requests of ours are made by a BoundedClient."""
    if path.is_relative_to(PACKAGE / "outbound"):
        return
    tree = ast.parse(path.read_text())
    used = {ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    asking = {
        f"httpx.{name}" for name in ("Client", "AsyncClient", "get", "post", "put", "request", "stream")
    }
    assert not called & (asking | {"urllib.request.urlopen", "urlopen"})
    assert not used & {"http.client.HTTPConnection", "http.client.HTTPSConnection"}
