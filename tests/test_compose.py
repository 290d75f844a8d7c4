"""compose/: what compose.yaml promises, and that its two small programs do what they say."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

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


def _run_loop_once(folder: Path, exit_code: int) -> dict[str, str]:
    """Runs apply-loop with an `argos-gitops` that ends with `exit_code`, until its first note."""
    (folder / "argos-gitops").write_text(f'#!/bin/sh\necho "$@" >"{folder}/arguments"\nexit {exit_code}\n')
    (folder / "argos-gitops").chmod(0o755)
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "ARGOS_INTERVAL": "600",
        "ARGOS_LAST_APPLY": str(folder / "last"),
    }
    with subprocess.Popen([COMPOSE / "apply-loop"], env=environment) as loop:
        while loop.poll() is None and not (folder / "last").exists():
            time.sleep(0.01)
        loop.terminate()
        assert loop.wait() == 0
    return environment


@pytest.mark.parametrize(
    ("exit_code", "healthy"), [(0, True), (1, False), (3, False), (4, False), (5, False)]
)
def test_health_follows_the_last_apply(tmp_path: Path, exit_code: int, healthy: bool) -> None:
    """Only an apply that ended well makes the container healthy; the loop itself goes on."""
    environment = _run_loop_once(tmp_path, exit_code)
    assert (tmp_path / "arguments").read_text() == "apply --auto-approve\n"
    check = subprocess.run(
        [COMPOSE / "last-apply-succeeded"], env=environment, capture_output=True, text=True
    )
    assert (check.returncode == 0) is healthy
    assert f"exit code {exit_code}" in check.stdout


def test_an_apply_long_ago_is_not_health(tmp_path: Path) -> None:
    """A loop that hangs is noticed, although its last apply went well."""
    environment = _run_loop_once(tmp_path, 0)
    os.utime(tmp_path / "last", (0, 0))
    assert subprocess.run([COMPOSE / "last-apply-succeeded"], env=environment, check=False).returncode == 1
