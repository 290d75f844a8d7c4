"""The Docker part of example-config on a real engine, with stand-ins for its images."""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.components.caddy import RealCaddy
from tests.components.docker import RealDockerd
from tests.components.ports import free_port
from tests.real.docker_hosts import with_compose
from tests.real.estate import Estate

EXAMPLE = Path(__file__).parents[2] / "example-config"
HOME = "/home/agent"
SECRETS = (
    *("ZAI_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN", "STRIPE_SECRET_KEY", "VONAGE_API_KEY", "RESEND_API_KEY"),
    *("PERPLEXITY_API_KEY", "SURREAL_PASSWORD", "CODE_PASSWORD", "CODE_SUDO_PASSWORD"),
)
SERVICES = {
    "aegis-core": {"dashboard", "scheduler", "playwright", "falkordb"},
    "traefik": {"traefik"},
    "open-notebook": {"open-notebook"},
    "code-server": {"code-server"},
    "aegis-docs": {"docs"},
}
DOMAINS = {
    *("aegis.example.com", "notebooks.example.com", "api.notebooks.example.com", "code.example.com"),
}
UNLIMITED = {"cpuLimit", "memoryLimit"}
FINDINGS = {
    # What a careful reader of the stacks would list, service by service.
    "dashboard": {"readOnlyRoot"},
    "scheduler": {"readOnlyRoot", "healthCheck"},
    "playwright": {"readOnlyRoot", "nonRoot", "imageTag", *UNLIMITED},
    "falkordb": {"readOnlyRoot", "nonRoot", "imageTag"},
    "traefik": {"readOnlyRoot", "nonRoot", "healthCheck", *UNLIMITED},
    "open-notebook": {"readOnlyRoot", "nonRoot", "healthCheck", "imageTag", *UNLIMITED},
    "code-server": {"readOnlyRoot", "nonRoot", "healthCheck", "imageTag", *UNLIMITED},
    "docs": {"readOnlyRoot", "nonRoot", "healthCheck", "imageTag", *UNLIMITED},
}
_FINDING = re.compile(r"service (\S+) of \S+ .*\((\w+) of ContainerPolicy/standard\)$")
_yaml = YAML()


class Aegis(Estate):
    """The example as somebody has it who follows it to the letter, on this machine's ports and folders."""

    def lay_out(self, engine: RealDockerd, caddy: RealCaddy) -> None:
        for part in ("docker", "stacks", "edges"):
            shutil.copytree(EXAMPLE / part, self.work / part)
        self._point_at(engine, caddy)
        self._fit_compose_files(engine)
        self.environment |= {f"AEGIS_{name}": f"canary-{name.lower()}" for name in SECRETS}

    def _point_at(self, engine: RealDockerd, caddy: RealCaddy) -> None:
        home, network = str(self.folder / "home"), engine.new_name("proxy")
        for path in (self.work / "docker").glob("*.yaml"):
            text = path.read_text().replace(HOME, home).replace("name: traefik_proxy", f"name: {network}")
            text = text.replace("/var/run/docker.sock", str(engine.socket))
            # The stand-in of Traefik has a command of its own, which says nothing of entry points.
            text = text.replace("routes: fromLabels", "routes: fromLabels\n  traefikConfiguration: ignore")
            path.write_text(text.replace("172.19.0.0/16", engine.new_subnet()))
        edge = _yaml.load(self.work / "edges" / "main.yaml")
        del edge["spec"]["crowdsec"]
        edge["spec"]["caddy"]["adminUrl"] = caddy.admin_url
        edge["spec"]["caddy"]["listen"] = [
            f"https://127.0.0.1:{caddy.https_port}",
            f"http://127.0.0.1:{caddy.http_port}",
        ]
        _yaml.dump(edge, self.work / "edges" / "main.yaml")
        for path in (self.work / "stacks").glob("*/compose.yaml"):
            path.write_text(path.read_text().replace(HOME, home))
        self._network = network

    def _fit_compose_files(self, engine: RealDockerd) -> None:
        for path in (self.work / "stacks").glob("*/compose.yaml"):
            text = re.sub(r'- "\d+:(\d+)"', _on_loopback, path.read_text())
            compose = _yaml.load(text)
            for service in compose["services"].values():
                _fit(service)
                engine.add_image(service["image"])
            for network in compose.get("networks", {}).values():
                network["name"] = self._network
            _yaml.dump(compose, path)

    def compose_file(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = _yaml.load(self.work / "stacks" / name / "compose.yaml")
        return found


def _on_loopback(published: re.Match[str]) -> str:
    return f'- "127.0.0.1:{free_port()}:{published[1]}"'


def _fit(service: dict[str, Any]) -> None:
    """To a small machine, and to stand-ins, which have neither Python nor Redis nor their own command."""
    first, *others = [str(each).rpartition(":")[2] for each in service.get("ports", ["80"])]
    further = "".join(f"httpd -p {port} -h /www; " for port in others)
    service["command"] = ["sh", "-c", f"{further}exec httpd -f -p {first} -h /www"]
    service["environment"] = {**service.get("environment", {}), "PORT": first}
    service.pop("memswap_limit", None)
    if "healthcheck" in service:
        service["healthcheck"] |= {
            "test": ["CMD", "wget", "-q", "-O", "-", f"http://127.0.0.1:{first}/"],
            "interval": "1s",
            "start_period": "1s",
        }
    if "deploy" in service:
        service["deploy"] = {"resources": {"limits": {"cpus": "0.5", "memory": "64M"}}}


@pytest.fixture
def aegis(tmp_path: Path, dockerd: RealDockerd, compose: Path, caddy: RealCaddy) -> Iterator[Aegis]:
    folder = tmp_path / "estate"
    folder.mkdir()
    estate = Aegis(folder)
    with_compose(estate, compose)
    estate.lay_out(dockerd, caddy)
    estate.push("Aegis")
    yield estate
    for project in SERVICES:
        dockerd.clean(project=project)


def _running(engine: RealDockerd) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for line in engine.run("ps", "--format", "{{json .}}").splitlines():
        labels = dict(each.split("=", 1) for each in json.loads(line)["Labels"].split(",") if "=" in each)
        if (project := labels.get("com.docker.compose.project")) in SERVICES:
            found.setdefault(project, set()).add(labels["com.docker.compose.service"])
    return found


def _json(text: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(text)
    return found


def test_policy_findings_are_those_of_a_careful_reader(compose: Path, tmp_path: Path) -> None:
    """In the example as it stands, each at a line of a Compose file."""
    estate = with_compose(Estate(tmp_path), compose)
    validated = estate.run("validate", "--repo", str(EXAMPLE), "-o", "json")
    assert validated.code == 0, validated.out + validated.err
    found: dict[str, set[str]] = {}
    for warning in _json(validated.out)["warnings"]:
        said = _FINDING.match(warning["message"])
        assert said is not None, warning
        assert warning["path"].endswith("/compose.yaml")
        assert warning["line"] > 0
        found.setdefault(said[1], set()).add(said[2])
    assert found == FINDINGS


def test_the_estate_is_planned_applied_and_served(
    aegis: Aegis, dockerd: RealDockerd, caddy: RealCaddy
) -> None:
    """Eight services in five stacks on one network, behind the Caddy that their labels ask for."""
    planned = aegis.run("plan", "-o", "json")
    assert planned.code == 0, planned.out + planned.err
    assert not _json(planned.out)["blocked"]
    applied = aegis.apply()
    assert applied.code == 0, applied.out + applied.err
    assert _running(dockerd) == SERVICES
    for domain in DOMAINS:
        assert caddy.get(domain, tls=True).text == "stand-in\n", domain
    again = aegis.run("plan", "--detailed-exitcode")
    assert again.code == 0, again.out
    everything = planned.out + planned.err + applied.out + applied.err + again.out
    assert "canary-" not in everything
