"""compose/: what compose.yaml promises, and that its two small programs do what they say."""

import os
import re
import shutil
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.components.crowdsec import HOW_TO_GET, RealCrowdSec
from tests.conftest import require_component

COMPOSE = Path(__file__).parents[1] / "compose"
DOCUMENT: dict[str, Any] = YAML(typ="safe").load((COMPOSE / "compose.yaml").read_text())
SERVICES: dict[str, Any] = DOCUMENT["services"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_has_limits_health_and_rotated_logs(name: str) -> None:
    """No container can eat the host: memory, processes, CPU and logs end somewhere."""
    service = SERVICES[name]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert service["healthcheck"]["test"][0] == "CMD"
    assert "no-new-privileges:true" in service["security_opt"]


def test_only_the_edge_publishes_ports() -> None:
    """The admin API (2019) and LAPI (8080) are reached on the inner network or not at all."""
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"caddy": ["80:80", "443:443", "443:443/udp"]}
    assert DOCUMENT["networks"]["control"]["internal"] is True
    assert not any("network_mode" in service for service in SERVICES.values())


def test_the_admin_api_listens_on_the_inner_network_only() -> None:
    """Services behind the edge share a network with Caddy, and must not be able to reconfigure it."""
    host = SERVICES["caddy"]["environment"]["CADDY_ADMIN"].partition(":")[0]
    networks = SERVICES["caddy"]["networks"]
    assert [name for name, options in networks.items() if host in options.get("aliases", ())] == ["control"]


def test_images_are_named_by_digest() -> None:
    """A tag that somebody moves changes nothing of what runs; what another variable names is its owner's."""
    images = [service["image"] for name, service in SERVICES.items() if name != "argos-gitops"]
    images += re.findall(r"^FROM (\S+)", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE)
    assert len(images) == 5
    for image in images:
        assert re.search(r":[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}\}?$", image), image


def test_the_image_installs_locked_packages_only() -> None:
    """Each with its digest, the extras that users may ask for and what makes the wheel among them."""
    lines = (COMPOSE / "Dockerfile").read_text().replace("\\\n", " ").splitlines()
    commands = [each for line in lines for each in line.removeprefix("RUN ").split("&&") if "/pip " in each]
    assert len(commands) == 4
    for command in commands:
        assert "--require-hashes" in command or "--no-deps" in command, command
        assert "pip wheel" not in command or "--no-build-isolation" in command, command
    copied = re.findall(r"--from=(\S+)", " ".join(lines))
    assert copied == ["build", "compose"]  # stages of our own, no image that has no digest
    ignored = (COMPOSE / "Dockerfile.dockerignore").read_text()
    for name in re.findall(r"requirements\S*\.lock", " ".join(lines)):
        assert f"!{name}\n" in ignored
        assert (COMPOSE.parent / name).exists()


@pytest.mark.parametrize("name", SERVICES)
def test_no_container_has_the_default_capabilities(name: str) -> None:
    """None but those that it needs, nothing to write but volumes, and no way to get more."""
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == {"caddy": ["NET_BIND_SERVICE"]}.get(name, [])
    assert service["read_only"] is True
    assert service["security_opt"] == ["no-new-privileges:true"]


@pytest.mark.real
@pytest.mark.skipif(os.geteuid() != 0, reason="only root has capabilities to lose")
def test_crowdsec_needs_no_capability(tmp_path: Path) -> None:
    """LAPI and cscli of CrowdSec 1.4.6 as root without any: they register, ban and tell."""
    require_component("crowdsec", HOW_TO_GET)
    with RealCrowdSec(tmp_path, capabilities=False) as crowdsec:
        status = Path(f"/proc/{crowdsec.pid}/status").read_text()
        assert re.search(r"^CapBnd:\s+0{16}$", status, re.MULTILINE)
        assert re.search(r"^CapEff:\s+0{16}$", status, re.MULTILINE)
        crowdsec.cscli("decisions", "add", "--ip", "203.0.113.7", "--duration", "4h")
        assert [decision["value"] for decision in crowdsec.decisions()] == ["203.0.113.7"]


def test_argos_runs_without_rights() -> None:
    """Not root, nothing to write but its own state, no capability."""
    service = SERVICES["argos-gitops"]
    assert service["user"] == "10001:10001"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]


def test_no_secret_stands_in_the_files() -> None:
    """Each secret is a file outside git; variables named like secrets only point at such files."""
    secrets = DOCUMENT["secrets"]
    assert all(set(source) == {"file"} for source in secrets.values())
    for name, service in SERVICES.items():
        assert set(service.get("secrets", ())) <= set(secrets), name
        for variable in service.get("environment", {}):
            assert variable.endswith("_FILE") or not re.search("TOKEN|PASSWORD|SECRET|KEY", variable)
    assert "TOKEN=" not in (COMPOSE / "argos.env.example").read_text()


def test_make_secrets_makes_each_once(tmp_path: Path) -> None:
    """A second run changes nothing, so that a running edge keeps its logins."""
    (tmp_path / "secrets").mkdir()
    shutil.copy(COMPOSE / "make-secrets", tmp_path)
    made = []
    for _ in range(2):
        subprocess.run([tmp_path / "make-secrets"], check=True)
        made.append({path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()})
    first, second = made
    assert first == second
    named = {Path(source["file"]).name for source in DOCUMENT["secrets"].values()}
    assert set(first) == named | {"crowdsec.env"}
    assert len(first["lapi_password"]) == 48
    assert f"AGENT_PASSWORD={first['lapi_password']}\n" in first["crowdsec.env"]


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_follows_readiness(status: int, healthy: bool) -> None:
    """The container is healthy exactly while the agent says that it is ready."""
    test = SERVICES["argos-gitops"]["healthcheck"]["test"]
    assert test[:3] == ["CMD", "python", "-c"]

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # http.server chooses the name
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing on stderr."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        code = test[3].replace("8780", str(server.server_port))
        check = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        server.shutdown()
    assert (check.returncode == 0) is healthy


def test_the_agent_listens_where_its_health_is_asked() -> None:
    service = SERVICES["argos-gitops"]
    port = service["environment"]["ARGOS_LISTEN"].rpartition(":")[2]
    assert f"127.0.0.1:{port}/readyz" in service["healthcheck"]["test"][3]
    assert service["command"] == ["run"]
