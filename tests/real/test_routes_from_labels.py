"""A stack written for Traefik in a real repository: planned, served by a real Caddy, explained, refused."""

from pathlib import Path

import httpx
import pytest

from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream
from tests.real.docker_hosts import with_compose
from tests.real.estate import Estate, document, edge

COMPOSE = """\
services:
  app:
    image: example/app:1
    ports: ["127.0.0.1:{port}:80"]
    labels:
      - traefik.enable=true
      - traefik.http.routers.app.rule=Host(`{domain}`)
      - traefik.http.routers.app.entrypoints=web
"""
UNREACHABLE = 5
LABEL = "stacks/wiki/compose.yaml:7"


@pytest.fixture
def estate(tmp_path: Path, caddy: RealCaddy, compose: Path) -> Estate:
    """An Edge and a Stack on a Docker host that never reported, so that commands end with UNREACHABLE."""
    found = with_compose(Estate(tmp_path), compose)
    found.write("edge.yaml", edge(caddy, probe={"enabled": False}))
    found.write("agent.yaml", document("Agent", "agent", {"drift": {"mode": "propose"}}))
    found.write("nas.yaml", document("DockerHost", "nas", {"docker": {"address": "127.0.0.1", "agent": {}}}))
    spec = {"host": "nas", "path": "stacks/wiki", "routes": "fromLabels"}
    found.write("wiki.yaml", document("Stack", "wiki", spec))
    return found


def _write(estate: Estate, port: int, domain: str = "wiki.example.com") -> None:
    path = estate.work / "stacks/wiki/compose.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(COMPOSE.format(port=port, domain=domain))


def _visit(caddy: RealCaddy) -> str:
    url = f"http://127.0.0.1:{caddy.http_port}/"
    return httpx.get(url, headers={"Host": "wiki.example.com"}, trust_env=False).text


def test_a_label_is_served_and_everything_tells_where_it_stands(estate: Estate, caddy: RealCaddy) -> None:
    with Upstream("app") as upstream:
        _write(estate, upstream.port)
        estate.push()
        plan = estate.run("plan")
        assert f"+ Host/wiki-app {LABEL}" in " ".join(plan.out.split())
        assert estate.apply().code == UNREACHABLE
        assert _visit(caddy) == "app\n"
        assert "nothing to change" in estate.run("plan").out
        told = estate.run("explain", "Host/wiki-app").out
        assert LABEL in told
        assert "Stack/wiki" in told
        assert "Host/wiki-app" in estate.run("explain", "Stack/wiki").out


def test_fm18_one_bad_label_takes_nothing_down(estate: Estate, caddy: RealCaddy) -> None:
    """The revision is rejected with the label's place, and what was served is served."""
    with Upstream("app") as upstream:
        _write(estate, upstream.port)
        estate.push()
        assert estate.apply().code == UNREACHABLE
        _write(estate, upstream.port, "wiki.example.com`) && Nonsense(`x")
        estate.push("bad")
        refused = estate.apply()
        assert refused.code == 3
        assert f"{LABEL}:9 LabelInvalid" in refused.out + refused.err
        assert "traefik.http.routers.app.rule" in refused.out + refused.err
        assert _visit(caddy) == "app\n"


def test_drift_of_what_nobody_wrote_is_not_proposed(estate: Estate, caddy: RealCaddy) -> None:
    """There is no document to edit: it says which Stack it follows from, and no branch appears."""
    with Upstream("app") as upstream:
        _write(estate, upstream.port)
        estate.push()
        assert estate.apply().code == UNREACHABLE
        path = f"{caddy.admin_url}/id/argos-host-wiki-app/match/0/host"
        httpx.patch(path, json=["other.example.com"]).raise_for_status()
        told = estate.apply()
        assert "it follows from Stack/wiki" in told.out + told.err + estate.status_file("drift.md")
        branches = estate.git("for-each-ref", "--format=%(refname:short)", at=estate.repository)
        assert "/drift/" not in branches
