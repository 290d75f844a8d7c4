"""Rules by path hold whatever way a visitor spells a path, and whatever way the site behind reads it.

The upstream of these tests keeps the request line as it came, and routes it in every naive way that is known
of web servers: as it is, decoded once or twice, decoded before the query is cut off, with dots and slashes
cleaned before or after, with path parameters cut off, with overlong UTF-8 taken for ASCII.
"""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Self
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from argos_gitops.providers.caddy.hosts import HostSpec
from tests.components.caddy import HOW_TO_GET, RealCaddy
from tests.conftest import require_component
from tests.providers.caddy.world import World, applied, edge_of, host, service

SECRET = "admin"
# What bcrypt makes of "wonderland", at its least cost.
_ALICE = {"users": {"alice": "$2a$04$yr1TzRJz7bRGdxwCo6ycru5gyN6370DkGg0nwNTbDJsBJne8Sbaou"}}


def _overlong(path: bytes) -> bytes:
    """As old decoders do: two bytes of which the first carries nothing."""
    return re.sub(rb"[\xc0\xc1][\x80-\xbf]", lambda m: bytes([(m[0][0] & 1) << 6 | m[0][1] & 0x3F]), path)


def _clean(path: bytes) -> bytes:
    found: list[bytes] = []
    for part in path.replace(b"\\", b"/").split(b"/"):
        if part == b"..":
            found = found[:-1]
        elif part not in (b"", b"."):
            found.append(part)
    return b"/" + b"/".join(found)


def _parameters(path: bytes) -> bytes:
    return re.sub(rb";[^/]*", b"", path)


def _query(path: bytes) -> bytes:
    return path.partition(b"?")[0].partition(b"#")[0].partition(b"\0")[0]


def _authority(path: bytes) -> bytes:
    """`//host/path`, as a URL without a scheme."""
    return b"/" + path[2:].partition(b"/")[2] if path.startswith(b"//") else path


STEPS: list[Callable[[bytes], bytes]] = [
    unquote_to_bytes, _overlong, _clean, _parameters, _query, _authority
]  # fmt: skip


def read_naively(target: bytes) -> set[bytes]:
    """Every path that some server would take `target` for, within four steps."""
    known = {target}
    for _ in range(4):
        known |= {step(path) for path in known for step in STEPS}
    return known


def is_secret(path: bytes) -> bool:
    return path.split(b"?")[0].split(b"/")[1:2] == [SECRET.encode()]


class Upstream:
    """Keeps the target of each request as it came, and closes."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.targets: list[bytes] = []
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                self.targets.append(connection.recv(65536).split(b" ")[1])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def ask(caddy: RealCaddy, name: str, target: bytes) -> int:
    """The status that a visitor without any password gets for a request target as it is."""
    head = b"GET %s HTTP/1.1\r\nHost: %s.example.com\r\nConnection: close\r\n\r\n" % (target, name.encode())
    with socket.create_connection(("127.0.0.1", caddy.http_port), timeout=30) as visitor:
        visitor.sendall(head)
        with visitor.makefile("rb") as answer:
            return int(answer.readline().split(b" ")[1])


def _rules() -> dict[str, list[Any]]:
    """Each of them keeps `/admin` behind a password, or for nobody, in another way."""
    guard = {"basicAuth": _ALICE}
    outside = {"not": {"any": [{"path": "/healthz"}, {"pathPrefix": "/public/"}]}}
    secret = {"any": [{"path": "/admin"}, {"pathPrefix": "/admin/"}]}
    return {
        "all-but": [{"match": outside, **guard}],
        "open-first": [{"match": {"path": "/healthz"}}, {"match": {"pathPrefix": "/public/"}}, guard],
        "only": [{"match": secret, **guard}],
        "regexp": [{"match": {"pathRegexp": "^/admin(/|$)"}, "response": {"status": 403}}],
        "deep": [{"match": {"all": [{"methods": ["GET"]}, {"any": [secret]}]}, "allow": ["192.0.2.1"]}],
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealCaddy, Upstream]]:
    """One Host for each way to guard, in front of one upstream."""
    require_component("caddy", HOW_TO_GET)
    caddy = RealCaddy(tmp_path_factory.mktemp("caddy")).start()
    try:
        with Upstream() as upstream:
            world = World(edge_of(caddy), tmp_path_factory.mktemp("world"))
            hosts = [host(name, service="app", rules=rules) for name, rules in _rules().items()]
            plain = host("plain", service="app")
            lenient = host("lenient", service="app", rules=_rules()["only"], ambiguousPaths="forward")
            clean = host("clean", service="app", ambiguousPaths="clean")
            applied(world, service("app", upstream.address), plain, lenient, clean, *hosts)
            world.provider.close()
            yield caddy, upstream
    finally:
        caddy.stop()


def _rewriting() -> dict[str, list[Any]]:
    """Each keeps `/admin` behind a password, and lets `/pub` be another folder of the same site."""
    guard = {"match": {"any": [{"path": "/admin"}, {"pathPrefix": "/admin/"}]}, "basicAuth": _ALICE}
    site = "/site/{http.regexp.path.1}"
    rewrites = {
        "captured": ({"pathRegexp": "^/pub(.*)$"}, {"path": site}),
        "replaced": ({"pathPrefix": "/pub"}, {"replace": {"pattern": "^/pub", "replacement": "/site/"}}),
        "cut": ({"pathPrefix": "/pub"}, {"replace": {"pattern": "^/pub/|~", "replacement": "/site/"}}),
        "bare": ({"pathPrefix": "/pub"}, {"replace": {"pattern": "^/pub", "replacement": ""}}),
        "stripped": ({"pathPrefix": "/pub"}, {"stripPrefix": "/pub", "addPrefix": "/site"}),
    }
    return {name: [guard, {"match": match, "rewrite": each}] for name, (match, each) in rewrites.items()}


@pytest.fixture(scope="module")
def rewriting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RealCaddy, Upstream]]:
    """One Host for each way to rewrite."""
    require_component("caddy", HOW_TO_GET)
    caddy = RealCaddy(tmp_path_factory.mktemp("caddy")).start()
    try:
        with Upstream() as upstream:
            world = World(edge_of(caddy), tmp_path_factory.mktemp("world"))
            hosts = [host(name, service="app", rules=rules) for name, rules in _rewriting().items()]
            applied(world, service("app", upstream.address), *hosts)
            world.provider.close()
            yield caddy, upstream
    finally:
        caddy.stop()


@pytest.mark.parametrize("name", _rewriting())
@pytest.mark.parametrize(
    "target",
    [
        b"/pub../admin", b"/pub%2e%2e/admin", b"/pub%2E./admin", b"/pub../../admin", b"/pub/.~./x/../admin",
        b"/pub.~./admin", b"/pub/~../admin", b"/pub..", b"/%70ub../admin", b"/pub../admin?/site/x",
        b"/pub%25~2e%25~2e/admin", b"/pub/%25~2e%25~2e/admin",
    ],
)  # fmt: skip
def test_a_rewrite_makes_no_way_around_a_rule(
    rewriting: tuple[RealCaddy, Upstream], name: str, target: bytes
) -> None:
    """Text that a rewrite takes away or puts in may leave a dot segment where none was: as behind an alias
    without its slash."""
    for reached in passes(rewriting, name, target):
        assert not _climbs(reached), reached


def _climbs(target: bytes) -> bool:
    """Whether some server would find a dot segment in it."""
    return any(part in (b".", b"..") for path in read_naively(target) for part in path.split(b"/"))


@pytest.mark.parametrize("name", _rewriting())
def test_a_rewrite_of_a_harmless_path_is_done(rewriting: tuple[RealCaddy, Upstream], name: str) -> None:
    (reached,) = passes(rewriting, name, b"/pub/a..b/.c?x=/../y")
    assert reached.endswith(b"/a..b/.c?x=/../y")


def passes(site: tuple[RealCaddy, Upstream], name: str, target: bytes) -> list[bytes]:
    """The targets that reached the upstream."""
    caddy, upstream = site
    upstream.targets.clear()
    ask(caddy, name, target)
    return list(upstream.targets)


ATTACKS = [
    b"/healthz/../admin", b"/public/../admin", b"/public/%2e%2e/admin", b"/public/..%2fadmin",
    b"/public/.%2e/admin", b"/public/%2e./admin", b"/public/x/..%2f..%2fadmin", b"//admin",
    b"/public//../admin", b"/%2Fadmin", b"/public/..%5cadmin", b"/public/..\\admin",
    b"/public/..;/admin", b"/admin;x/y", b"/;x/admin", b"/%3b/admin", b"/./admin", b"/%2e/admin",
    b"/public/./../admin", b"/public/%00/../admin", b"/admin%00", b"/public/%c0%ae%c0%ae/admin",
    b"/public/%252e%252e/admin", b"/public/%252e%252e%252fadmin", b"/%2561dmin",
    b"/public/%25%32%65%25%32%65/admin", b"/admin%2f", b"/admin%2fx", b"/admin%3fx", b"/admin%23x",
    b"//public/admin", b"/public%2f..%2fadmin", b"http://x/public/../admin",
    b"/public/%e0%80%ae%e0%80%ae/admin", b"/%61dmin", b"/admin/", b"/admin?x", b"/public/..", b"/..",
    b"/public/{%252f..%252f..%252fadmin}",
]  # fmt: skip


@pytest.mark.parametrize("name", _rules())
@pytest.mark.parametrize("target", ATTACKS)
def test_known_spellings_do_not_pass_a_rule(
    site: tuple[RealCaddy, Upstream], name: str, target: bytes
) -> None:
    """Nothing that any server could take for the guarded path gets to the upstream."""
    for reached in passes(site, name, target):
        assert not any(map(is_secret, read_naively(reached))), reached


PIECES = st.sampled_from([
    b"admin", b"public", b"healthz", b"/", b"//", b"\\", b".", b"..", b"...", b";", b";x", b"?", b"#",
    b"%61", b"%2e", b"%2E", b"%2f", b"%2F", b"%5c", b"%00", b"%3b", b"%3f", b"%23", b"%25", b"%252e",
    b"%252f", b"%c0%ae", b"%c0%af", b"%e0%80%ae", b"%c3%a4", b"%20", b"x", b"%", b"{", b"}", b"%7b",
    b"http://x", b"%0a", b"32", b"65",
])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(pieces=st.lists(PIECES, min_size=1, max_size=9), name=st.sampled_from(sorted(_rules())))
@example(pieces=[b"/", b"public", b"/", b"..", b"/", b"admin"], name="all-but")
def test_no_spelling_passes_a_rule(site: tuple[RealCaddy, Upstream], pieces: list[bytes], name: str) -> None:
    """Whatever is put together from the pieces that such attacks are made of."""
    for reached in passes(site, name, b"/" + b"".join(pieces)):
        assert not any(map(is_secret, read_naively(reached))), reached


HARMLESS = [
    b"/a%20b", b"/files/a..b", b"/x/...", b"/.well-known/acme", b"/caf%c3%a9", b"/%F0%9F%98%80",
    b"/100%25", b"/50%25off", b"/a%2eb", b"/a[1]", b"/@user/p:1", b"/a?x=/../%2f;y=//",
    b"/~me/a+b,c=d!$&'()*", b"/",
]  # fmt: skip


@pytest.mark.parametrize("target", HARMLESS)
def test_harmless_paths_pass_as_they_are(site: tuple[RealCaddy, Upstream], target: bytes) -> None:
    """Spaces, dots in names, letters of other languages, a percent sign, and whatever stands in a query."""
    assert passes(site, "only", target) == [target]


def test_slashes_in_a_row_go_on_as_what_was_decided_on(site: tuple[RealCaddy, Upstream]) -> None:
    """Sloppy links work; the query stays."""
    assert passes(site, "only", b"//x///y?z=//") == [b"/x/y?z=//"]


@pytest.mark.parametrize("name", ["plain", "lenient"])
@pytest.mark.parametrize("target", [b"/a%2Fb", b"/x//y", b"/a;b=1", b"/%252e", b"/a/../b"])
def test_a_host_that_decides_nothing_by_path_forwards_everything(
    site: tuple[RealCaddy, Upstream], name: str, target: bytes
) -> None:
    """And one that says `ambiguousPaths: forward`, as GitLab's API needs `%2F`."""
    assert passes(site, name, target) == [target]


@pytest.mark.parametrize(
    ("target", "cleaned"),
    [
        (b"/a/../b", b"/b"),
        (b"/a//b///c?d=//../e", b"/a/b/c?d=//../e"),
        (b"//a", b"/a"),
        (b"/./a/./", b"/a/"),
        (b"/a/.", b"/a"),
        (b"/.", b"/"),
        (b"/..", b"/"),
        (b"/../../a", b"/a"),
        (b"/a/%2e%2E/b", b"/b"),
        (b"/a/b/../../../c/./../d", b"/d"),
        (b"/a/...b/.c/..d/%2ee/x/..", b"/a/...b/.c/..d/%2ee"),
        (b"/a%2F../b", b"/a%2F../b"),
        (b"/a;b/%00", b"/a;b/%00"),
    ],
)
def test_a_host_may_clean_paths_by_which_nothing_is_decided(
    site: tuple[RealCaddy, Upstream], target: bytes, cleaned: bytes
) -> None:
    """As RFC 3986 and Traefik do; what is encoded otherwise stays."""
    assert passes(site, "clean", target) == [cleaned]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from([b"a", b"..", b".", b"%2e.", b"", b"b.c"]), min_size=1, max_size=40))
def test_what_is_cleaned_has_no_dot_segment_or_is_refused(
    site: tuple[RealCaddy, Upstream], segments: list[bytes]
) -> None:
    """Deeper than anybody means, too: nothing half cleaned goes on, and what goes on is what is meant."""
    for reached in passes(site, "clean", b"/" + b"/".join(segments)):
        plain = [segment.replace(b"%2e", b".") for segment in segments]
        assert reached.rstrip(b"/") == _clean(b"/" + b"/".join(plain)).rstrip(b"/")


def test_a_host_that_decides_by_path_refuses_although_it_may_clean() -> None:
    """Otherwise a rule for `/public` would be asked about another path than was cleaned."""
    rules = [{"match": {"pathPrefix": "/public"}, "response": {}}, {"response": {"status": 403}}]
    given = {"edge": "e", "domains": ["x.example.com"], "rules": rules, "ambiguousPaths": "clean"}
    spec = HostSpec.model_validate(given)
    assert (spec.refuses_paths, spec.cleans_paths) == (True, False)


def _matches(depth: int) -> st.SearchStrategy[Any]:
    leaf = st.sampled_from([{"path": "/x"}, {"pathPrefix": "/x"}, {"pathRegexp": "x"}, {"methods": ["GET"]}])
    if not depth:
        return leaf
    inner = _matches(depth - 1)
    some = st.lists(inner, min_size=1, max_size=2)
    return (
        leaf
        | some.map(lambda e: {"all": e})
        | some.map(lambda e: {"any": e})
        | inner.map(lambda e: {"not": e})
    )


@given(match=_matches(4))
def test_a_match_by_path_is_seen_at_any_depth(match: Any) -> None:
    """No rule by path is overlooked because of where it stands."""
    spec = HostSpec.model_validate(
        {"edge": "e", "domains": ["x.example.com"], "rules": [{"match": match, "response": {}}]}
    )
    assert spec.refuses_paths == ("path" in str(match))
