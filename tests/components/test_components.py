"""The real components themselves: what every other test with one relies on."""

import os
from collections.abc import Callable
from pathlib import Path

import httpx
import maxminddb
import psycopg
import pytest

from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.lookup import MissingComponentError, find_program
from tests.components.ports import free_port
from tests.components.postgres import RealPostgres
from tests.components.upstream import Upstream


def _serving(text: str, port: int) -> dict[str, object]:
    route = {"handle": [{"handler": "static_response", "body": text}]}
    server = {"listen": [f":{port}"], "routes": [route], "automatic_https": {"disable": True}}
    return {"apps": {"http": {"servers": {"main": server}}}}


def test_caddy_serves_what_was_loaded_until_it_is_killed(caddy: RealCaddy) -> None:
    """A killed Caddy is gone, and without --resume comes back with its boot configuration alone."""
    caddy.load(_serving("hello", caddy.http_port))
    assert caddy.get("any.example.com").text == "hello"
    caddy.kill()
    with pytest.raises(httpx.ConnectError):
        caddy.config()
    caddy.start()
    assert set(caddy.config()) == {"admin"}


def test_caddy_that_resumes_comes_back_with_what_was_loaded(make_caddy: Callable[..., RealCaddy]) -> None:
    """`resume` is Caddy's autosave case: a kill loses nothing."""
    caddy = make_caddy(resume=True)
    caddy.load(_serving("hello", caddy.http_port))
    caddy.kill()
    caddy.start()
    assert caddy.get("any.example.com").text == "hello"


def test_caddy_boots_with_the_configuration_given(make_caddy: Callable[..., RealCaddy]) -> None:
    """`config` stands after the start, beside our own admin address."""
    port = free_port()
    make_caddy(config=_serving("booted", port))
    assert httpx.get(f"http://127.0.0.1:{port}").text == "booted"


def test_postgres_keeps_what_was_committed_over_a_kill(make_postgres: Callable[..., RealPostgres]) -> None:
    """And each database that it makes is empty."""
    server = make_postgres()
    url = server.new_database()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    server.kill()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)
    server.start()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    with psycopg.connect(server.new_database()) as connection:
        tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(tables).fetchone() == (0,)


def test_crowdsec_keeps_decisions_over_a_kill(crowdsec: RealCrowdSec) -> None:
    """What cscli adds is what a bouncer sees, also after a kill -9."""
    crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "4h")
    crowdsec.kill()
    crowdsec.start()
    assert [decision["value"] for decision in crowdsec.decisions()] == ["203.0.113.7"]
    assert crowdsec.decisions("argos-decision-none") == []


def test_crowdsec_lets_our_machine_in(crowdsec: RealCrowdSec) -> None:
    """The machine's credentials log in over the API."""
    answer = httpx.post(
        f"{crowdsec.lapi_url}/v1/watchers/login",
        json={"machine_id": crowdsec.machine_id, "password": crowdsec.machine_password, "scenarios": []},
        headers={"User-Agent": "argos-tests/1"},
    )
    assert answer.json()["token"]


def test_nothing_stays_behind(make_caddy: Callable[..., RealCaddy]) -> None:
    """An ended component's process id is free, however it was ended."""
    for end in ("stop", "kill"):
        caddy = make_caddy()
        pid = caddy.pid
        assert pid is not None
        getattr(caddy, end)()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_upstream_says_its_name(upstream: Upstream) -> None:
    """Its answer tells who answered, whatever was asked."""
    assert httpx.get(f"http://{upstream.address}/any?x=1").text == "upstream\n"
    assert upstream.paths == ["/any?x=1"]


def test_geo_database_knows_the_documentation_ranges(geo_database: Path) -> None:
    """Readable by the library the product uses, for both address families."""
    with maxminddb.open_database(geo_database) as reader:
        assert reader.get("198.51.100.9") == {"country": {"iso_code": "NG"}}
        assert reader.get("203.0.113.200") == {"country": {"iso_code": "DE"}}
        assert reader.get("2001:db8::1") == {"country": {"iso_code": "NG"}}
        assert reader.get("8.8.8.8") is None


def test_ports_are_never_handed_out_twice() -> None:
    """A port is ours until the process ends, although nothing listens on it yet."""
    ports = [free_port() for _ in range(20)]
    assert len(set(ports)) == len(ports)


def test_a_missing_program_says_how_to_get_it() -> None:
    """So that a skipped test is an instruction, not a riddle."""
    with pytest.raises(MissingComponentError, match="get it with: scripts/components nothing"):
        find_program("argos-no-such-program", "scripts/components nothing")


def test_caddys_own_ca_stays_its_own(caddy: RealCaddy) -> None:
    """Serving with an internal certificate works, and adds nothing to what the system trusts."""
    trusted = Path("/usr/local/share/ca-certificates")
    before = set(trusted.glob("*")) if trusted.exists() else set()
    route = {"match": [{"host": ["a.example.com"]}], "handle": [{"handler": "static_response", "body": "hi"}]}
    policy = {"subjects": ["a.example.com"], "issuers": [{"module": "internal"}]}
    server = {"listen": [f":{caddy.https_port}"], "routes": [route]}
    caddy.load(
        {
            "apps": {
                "http": {
                    "http_port": caddy.http_port,
                    "https_port": caddy.https_port,
                    "servers": {"main": server},
                },
                "tls": {"automation": {"policies": [policy]}},
            }
        }
    )
    assert caddy.get("a.example.com", tls=True).text == "hi"
    assert (set(trusted.glob("*")) if trusted.exists() else set()) == before
