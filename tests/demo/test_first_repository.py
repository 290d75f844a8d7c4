"""README's first config repository: each command of it, on a real Caddy."""

import os
import subprocess
import sys
from pathlib import Path

from tests.components.caddy import RealCaddy
from tests.components.upstream import Upstream


def _run(folder: Path, *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "XDG_STATE_HOME": str(folder.parent / "state")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _argos(folder: Path, *arguments: str) -> str:
    return _run(folder, sys.executable, "-m", "argos_gitops", *arguments)


def test_init_validate_plan_apply(tmp_path: Path, caddy: RealCaddy, upstream: Upstream) -> None:
    """What `init` scaffolds is served once the addresses are right."""
    _argos(tmp_path, "init", "edge-config")
    config = tmp_path / "edge-config"
    _replace(config / "edges" / "main.yaml", "http://127.0.0.1:2019", caddy.admin_url)
    listen = f'["https://127.0.0.1:{caddy.https_port}", "http://127.0.0.1:{caddy.http_port}"]'
    _replace(config / "edges" / "main.yaml", '[":443", ":80"]', listen)
    _replace(config / "services" / "app.yaml", "127.0.0.1:3000", upstream.address)
    _run(config, "git", "init", "--quiet")
    _run(config, "git", "add", "--all")
    _run(config, "git", "commit", "--quiet", "--message", "The edge")
    assert "Valid" in _argos(config, "validate")
    assert "Host/app" in _argos(config, "plan")
    _argos(config, "apply", "--auto-approve")
    assert caddy.get("app.example.com", tls=True).text == "upstream\n"
    assert "Nothing to do" in _argos(config, "apply", "--auto-approve")


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
