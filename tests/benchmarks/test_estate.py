"""The repository that is measured."""

import subprocess
from pathlib import Path

import pytest

from benchmarks.estate import EdgeAddresses, Estate

EDGE = EdgeAddresses("127.0.0.1:2019", 8080, "127.0.0.1:3000")


@pytest.fixture
def estate(tmp_path: Path) -> Estate:
    estate = Estate(tmp_path, 101, EDGE)
    estate.create()
    return estate


def _subjects(repository: Path) -> list[str]:
    log = subprocess.run(
        ["git", "-C", str(repository), "log", "--format=%s", "main"],
        check=True,
        capture_output=True,
        text=True,
    )
    return log.stdout.splitlines()


def test_there_is_a_file_for_each_host_a_service_for_a_hundred_and_one_edge(estate: Estate) -> None:
    assert len(list(estate.checkout.glob("hosts/*.yaml"))) == 101
    assert len(list(estate.checkout.glob("services/*.yaml"))) == 2
    assert len(estate.files()) == 101 + 2 + 1


def test_a_release_reaches_the_repository_when_it_is_pushed_and_not_before(estate: Estate) -> None:
    assert estate.release(7, "second") == "host-00007.example.com"
    assert _subjects(estate.origin) == ["all hosts"]
    estate.push()
    assert _subjects(estate.origin) == ["release second of host-00007", "all hosts"]


def test_the_caddyfile_has_a_site_for_each_host(estate: Estate) -> None:
    caddyfile = estate.caddyfile(EDGE, {7: "second"})
    assert caddyfile.count("reverse_proxy 127.0.0.1:3000") == 101
    assert caddyfile.count("header >X-Release second") == 1
