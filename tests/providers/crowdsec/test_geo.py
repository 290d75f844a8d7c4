"""The GeoIP database: where it comes from, and what is said when there is none."""

import gzip
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Network, IPv6Network, collapse_addresses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from argos_gitops.providers.crowdsec import download
from argos_gitops.providers.crowdsec.expansion import Column
from argos_gitops.providers.crowdsec.geo import GeoDatabase
from tests.components.geo import COUNTRIES, country_networks, write_country_database
from tests.providers.crowdsec.edge import Quiet

_networks = st.builds(
    lambda first, spread: IPv4Network((first >> spread << spread, 32 - spread)),
    st.integers(0, 255),
    st.integers(0, 8),
)


def _database(folder: Path, **settings: str) -> GeoDatabase:
    geo = GeoDatabase(settings, folder / "cache", Quiet())
    geo.refresh()
    return geo


def _texts(geo: GeoDatabase, country: str) -> set[str]:
    ranges = geo.ranges(country)
    assert ranges is not None
    return {text for family in ranges for text in family.texts()}


def _reason(geo: GeoDatabase) -> str:
    failure = geo.failure()
    return failure.reason if failure is not None else ""


def _collapsed(networks: list[str]) -> set[str]:
    v4 = collapse_addresses(IPv4Network(each) for each in networks if ":" not in each)
    v6 = collapse_addresses(IPv6Network(each) for each in networks if ":" in each)
    return {str(each) for family in (v4, v6) for each in family}


@given(st.lists(_networks, max_size=40))
def test_neighbours_are_joined_as_the_standard_library_does(networks: list[IPv4Network]) -> None:
    """Into the fewest ranges, when they come in order, as a database gives them."""
    column = Column(32)
    left: list[IPv4Network] = []
    for network in sorted(networks):
        if not any(network.overlaps(other) for other in left):
            left.append(network)
            column.add(int(network.network_address), network.prefixlen)
    joined = [(int(each.network_address), each.prefixlen) for each in collapse_addresses(left)]
    assert list(zip(column.firsts, column.lengths, strict=True)) == joined


def test_each_country_has_its_ranges(tmp_path: Path, geo_database: Path) -> None:
    """Read from the database, and again from what the first run kept."""
    for _ in range(2):
        geo = _database(tmp_path, geoip_country=str(geo_database))
        for country in COUNTRIES:
            assert _texts(geo, country) == _collapsed(list(country_networks()[country]))
        assert geo.ranges("IS") is not None
        assert _texts(geo, "IS") == set()
        assert len(list((tmp_path / "cache").glob("*.ranges"))) == 1


def test_records_of_both_kinds_are_understood(tmp_path: Path) -> None:
    """MaxMind and DB-IP nest the code, others do not."""
    from mmdb_writer import MMDBWriter
    from netaddr import IPSet

    writer = MMDBWriter(ip_version=6, ipv4_compatible=True)
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country_code": "NG"})
    writer.insert_network(IPSet(["203.0.113.0/24"]), {"country": {"iso_code": "NG"}})
    writer.insert_network(IPSet(["192.0.2.0/24"]), {"continent": {"code": "AF"}})
    writer.to_db_file(str(tmp_path / "mixed.mmdb"))
    geo = _database(tmp_path, geoip_country=str(tmp_path / "mixed.mmdb"))
    assert _texts(geo, "NG") == {"198.51.100.0/24", "203.0.113.0/24"}


def test_another_edition_is_noticed_at_the_next_look(tmp_path: Path, geo_database: Path) -> None:
    """And not before: between two looks the answers stay the same. The older expansion goes."""
    path = tmp_path / "country.mmdb"
    shutil.copy(geo_database, path)
    geo = _database(tmp_path, geoip_country=str(path))
    before, digest = _texts(geo, "NG"), geo.digest
    write_country_database(path.with_suffix(".new"), {"NG": ["203.0.113.0/24"]}).replace(path)
    assert _texts(geo, "NG") == before
    geo.refresh()
    assert geo.digest != digest
    assert _texts(geo, "NG") == {"203.0.113.0/24"}
    assert len(list((tmp_path / "cache").glob("*.ranges"))) == 1


def test_no_database_is_told_with_the_cure(tmp_path: Path) -> None:
    for settings in ({}, {"geoip_country": str(tmp_path / "none.mmdb")}):
        geo = _database(tmp_path, **settings)
        assert geo.ranges("NG") is None
        assert geo.digest == ""
        failure = geo.failure()
        assert failure is not None
        assert failure.reason == "GeoDatabaseMissing"
        assert "ARGOS_GEOIP_COUNTRY" in failure.message


@pytest.mark.parametrize("content", [b"", b"no database", b"\xab\xcd\xefMaxMind.com" + b"\xff" * 64])
def test_a_broken_database_is_told_and_stops_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "broken.mmdb").write_bytes(content)
    geo = _database(tmp_path, geoip_country=str(tmp_path / "broken.mmdb"))
    assert geo.ranges("NG") is None
    assert _reason(geo) == "GeoDatabaseUnreadable"


class _Server:
    """Answers every request with `body`, or with an error while there is none. Counts."""

    def __init__(self, body: bytes | None) -> None:
        self.body = body
        self.asked = 0
        self.url = ""


@contextmanager
def _serving(body: bytes | None) -> Iterator[_Server]:
    state = _Server(body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked += 1
            self.send_response(404 if state.body is None else 200)
            self.end_headers()
            self.wfile.write(state.body or b"")

        def log_message(self, *ignored: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        state.url = f"http://127.0.0.1:{server.server_port}/country.mmdb?licence=canary"
        try:
            yield state
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_database_is_downloaded_once_a_week(tmp_path: Path, geo_database: Path, pack: type[bytes]) -> None:
    """Gzipped or not, as DB-IP's and MaxMind's come."""
    with _serving(pack(geo_database.read_bytes())) as server:
        geo = _database(tmp_path, geoip_country_url=server.url)
        assert _texts(geo, "NG")
        geo.refresh()
        _database(tmp_path, geoip_country_url=server.url)
        assert server.asked == 1
        [path] = (tmp_path / "cache").glob("*.mmdb")
        _make_older(path)
        geo.refresh()
        assert server.asked == 2


def test_a_failed_download_keeps_the_last_good_one(tmp_path: Path, geo_database: Path) -> None:
    """It is told, without the licence key in the URL, and not repeated at every look."""
    with _serving(geo_database.read_bytes()) as server:
        geo = _database(tmp_path, geoip_country_url=server.url)
        before = _texts(geo, "NG")
        _make_older(next((tmp_path / "cache").glob("*.mmdb")))
        server.body = None
        for _ in range(3):
            geo.refresh()
        assert server.asked == 2
    stale = geo.stale()
    assert stale is not None
    assert stale.reason == "GeoDatabaseStale"
    assert "HTTP 404" in stale.message
    assert "canary" not in stale.message
    assert _texts(geo, "NG") == before


@pytest.mark.parametrize(
    ("body", "said"),
    [(b"<html>Sign in</html>", "no database"), (gzip.compress(b"x", mtime=0)[:15], "could not be had")],
)
def test_what_is_no_database_is_not_kept(tmp_path: Path, body: bytes, said: str) -> None:
    with _serving(body) as server:
        geo = _database(tmp_path, geoip_country_url=server.url)
    failure = geo.failure()
    assert failure is not None
    assert said in failure.message
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_download_has_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gzip bomb as well: what it becomes counts too."""
    monkeypatch.setattr(download, "MOST_BYTES", 10_000)
    with _serving(gzip.compress(bytes(1_000_000))) as server:
        failure = _database(tmp_path, geoip_country_url=server.url).failure()
    assert failure is not None
    assert "larger than" in failure.message


def _make_older(path: Path) -> None:
    old = path.stat().st_mtime - 8 * 86_400
    os.utime(path, (old, old))
