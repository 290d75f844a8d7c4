"""A secret's file that changed makes Caddy load again, where Caddy reads it only while it loads."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from argos_gitops.model.change import Action, Cause, Change, Result
from argos_gitops.providers.caddy.client import AdminClient
from argos_gitops.providers.caddy.compile import files_of, hosts_of
from argos_gitops.providers.caddy.rotation import LoadedFiles
from argos_gitops.providers.caddy.settings import CaddySettings
from tests.components.caddy import RealCaddy
from tests.providers.caddy.world import World, desired, edge, edge_of, host


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "dns_token"
    path.write_text("canary-old\n")
    return path


def test_a_changed_file_is_noticed_until_caddy_has_loaded(tmp_path: Path, secret: Path) -> None:
    """Also by a process that starts afresh; touching the file is no change."""
    folder, paths = tmp_path / "cache", [str(secret), str(tmp_path / "elsewhere")]
    files = LoadedFiles(folder, "main")
    files.know(paths)
    secret.write_text("canary-old\n")
    assert (files.rotated(), files.fingerprint()) == ([], "")
    secret.write_text("canary-new\n")
    for each in (files, LoadedFiles(folder, "main")):
        assert each.rotated() == [str(secret)]
        assert each.fingerprint() != ""
    files.loaded()
    assert LoadedFiles(folder, "main").rotated() == []
    secret.unlink()
    assert files.rotated() == [], "a file that is gone cannot be loaded"


def test_what_is_kept_of_files_shows_nothing(tmp_path: Path, secret: Path) -> None:
    LoadedFiles(tmp_path / "cache", "main").know([str(secret)])
    (kept,) = (tmp_path / "cache").iterdir()
    assert "canary" not in kept.read_text()
    assert kept.stat().st_mode & 0o777 == 0o600


def test_a_lost_cache_counts_what_is_there(tmp_path: Path, secret: Path) -> None:
    LoadedFiles(tmp_path / "cache", "main").know([str(secret)])
    (tmp_path / "cache" / "main-loaded-files.json").write_text("damaged")
    files = LoadedFiles(tmp_path / "cache", "main")
    files.know([str(secret)])
    assert files.rotated() == []


def test_a_rotation_is_a_change_of_the_edge(caddy: RealCaddy, tmp_path: Path, secret: Path) -> None:
    """Seen although neither git nor Caddy moved: the memo of an idle pass does not hold either."""
    dns = {"provider": "example", "options": {"api_token": {"file": str(secret)}}}
    target = edge_of(caddy, acme={"challenge": "dns", "dns": dns})
    resources = (target, host("a", tls={"mode": "auto"}))
    provider = World(target, tmp_path / "cache").provider
    live = provider.observe()
    before = provider.fingerprint(desired(*resources))
    assert not [each for each in provider.compile(desired(*resources), live).values() if each.renewal]
    secret.write_text("canary-new\n")
    assert provider.fingerprint(desired(*resources)) != before
    (renewed,) = [each for each in provider.compile(desired(*resources), live).values() if each.renewal]
    assert renewed.owner == target.key
    assert renewed.renewal.startswith("secret rotated")
    assert "canary" not in renewed.renewal
    provider.close()


def test_hashes_of_passwords_are_such_files(tmp_path: Path) -> None:
    """Of a Host, and of its rules."""
    users = [{"ann": {"file": str(tmp_path / name)}, "bob": {"env": "BOB"}} for name in ("one", "two")]
    rules = [{"basicAuth": {"users": users[1]}}]
    guarded = host("a", basicAuth={"users": users[0]}, rules=rules, response={})
    target = edge()
    section: CaddySettings = target.spec.caddy  # type: ignore[attr-defined] # the world's own Edge
    hosts = hosts_of("main", desired(guarded).resources)
    assert files_of(target, section, hosts.values()) == {str(tmp_path / name) for name in ("one", "two")}


def test_caddy_loads_again_what_it_has(caddy: RealCaddy, world: Callable[..., World]) -> None:
    """What it has already it passes over, unless it is told to load it all the same."""
    here = world(edge_of(caddy))
    here.apply(host("a"))
    client = AdminClient(caddy.admin_url, timedelta(seconds=10))
    raw = client.read()
    tag = raw.tag
    loads = caddy.log.read_text().count("autosaved config")
    assert client.replace(raw.body, tag) == ""
    assert caddy.log.read_text().count("autosaved config") == loads
    assert client.replace(raw.body, tag, again=True) == ""
    assert caddy.log.read_text().count("autosaved config") == loads + 1
    client.close()


def test_a_renewal_makes_caddy_load(caddy: RealCaddy, tmp_path: Path) -> None:
    here = World(edge_of(caddy), tmp_path / "cache")
    here.apply(host("a"))
    live = here.provider.observe()
    found = live.objects["edge/http"]
    renewal = Change(Action.UPDATE, Cause.EXPIRY, found.id, here.edge.key, found.content, found.content)
    loads = caddy.log.read_text().count("autosaved config")
    assert [each.result for each in here.provider.apply(live, [renewal])] == [Result.DONE]
    assert caddy.log.read_text().count("autosaved config") == loads + 1
    here.provider.close()
