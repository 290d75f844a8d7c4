"""A real CrowdSec: LAPI alone (`-no-cs`), from a Debian package that was only unpacked.

Facts: CrowdSec 1.4.6, the layout of Debian 12's package `crowdsec`.
"""

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from tests.components.lookup import find_program
from tests.components.ports import free_port
from tests.components.process import RealProcess

HOW_TO_GET = "scripts/components crowdsec"
_DEBIAN_FLUSH = {"max_items": 5000, "max_age": "7d"}


class RealCrowdSec(RealProcess):
    """A LAPI with a machine and a bouncer for us, and a second machine that `cscli` uses.

    `flush` replaces parts of Debian's `db_config.flush` (`{"max_items": 20}`). Without `capabilities` root
    runs it as a container would that has dropped all of them.
    """

    def __init__(
        self, folder: Path, *, flush: Mapping[str, Any] | None = None, capabilities: bool = True
    ) -> None:
        program = find_program("crowdsec", HOW_TO_GET)
        self._root = program.parents[2]
        self._cscli = program.with_name("cscli")
        self._enter = [] if capabilities else ["setpriv", "--bounding-set=-all", "--inh-caps=-all"]
        self._port = free_port()
        self._config = folder / "config.yaml"
        self.folder = folder
        self.lapi_url = f"http://127.0.0.1:{self._port}"
        self.machine_id = "argos"
        self.machine_password = secrets.token_hex(16)
        self.bouncer_key = secrets.token_hex(16)
        self._write_files({**_DEBIAN_FLUSH, **(flush or {})})
        self._register()
        super().__init__(
            [*self._enter, str(program), "-c", str(self._config), "-no-cs"],
            folder / "crowdsec.log",
            self._answers,
            {"HOME": str(folder)},
        )

    def cscli(self, *arguments: str) -> str:
        """What `cscli` prints; raises CalledProcessError with its stderr in the notes."""
        command = [*self._enter, str(self._cscli), "-c", str(self._config), *arguments]
        try:
            return subprocess.run(command, check=True, capture_output=True, text=True).stdout
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise

    def decisions(self, *origins: str) -> Sequence[dict[str, Any]]:
        """The active decisions, of all origins or of some, as LAPI tells them to a bouncer."""
        asked = {"origins": ",".join(origins)} if origins else {}
        answer = httpx.get(
            f"{self.lapi_url}/v1/decisions",
            params=asked,
            headers={"X-Api-Key": self.bouncer_key, "User-Agent": "argos-tests/1"},
            timeout=60,
        )
        return answer.raise_for_status().json() or []

    def _write_files(self, flush: Mapping[str, Any]) -> None:
        for name in ("config", "data", "config/notifications"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        (self.folder / "config" / "profiles.yaml").write_text(json.dumps(_PROFILE))
        (self.folder / "config" / "simulation.yaml").write_text("simulation: off\n")
        self._config.write_text(json.dumps(self._configuration(flush)))

    def _configuration(self, flush: Mapping[str, Any]) -> dict[str, Any]:
        """JSON is YAML; the hub is read in place from the unpacked package."""
        config, data = self.folder / "config", self.folder / "data"
        hub = self._root / "usr" / "share" / "crowdsec" / "hub"
        return {
            "common": {"daemonize": False, "log_media": "stdout", "log_level": "info", "working_dir": "."},
            "config_paths": {
                "config_dir": str(config),
                "data_dir": str(data),
                "simulation_path": str(config / "simulation.yaml"),
                "hub_dir": str(hub),
                "index_path": str(hub / ".index.json"),
                "notification_dir": str(config / "notifications"),
                "plugin_dir": str(self._root / "usr" / "lib" / "crowdsec" / "plugins"),
            },
            "cscli": {"output": "human", "color": "no"},
            "db_config": {
                "type": "sqlite",
                "db_path": str(data / "crowdsec.db"),
                "use_wal": True,
                "flush": dict(flush),
            },
            "plugin_config": {"user": "nobody", "group": "nogroup"},
            "api": {
                "client": {"credentials_path": str(config / "cscli.yaml")},
                "server": {
                    "log_level": "info",
                    "listen_uri": f"127.0.0.1:{self._port}",
                    "profiles_path": str(config / "profiles.yaml"),
                    "trusted_ips": ["127.0.0.1"],
                },
            },
            "prometheus": {"enabled": False},
        }

    def _register(self) -> None:
        """Works on the database, before LAPI runs."""
        config = self.folder / "config"
        add = ("machines", "add", "--force", "--url", self.lapi_url)
        self.cscli(*add, "cscli", "--auto", "--file", str(config / "cscli.yaml"))
        ours = ("--password", self.machine_password, "--file", str(config / "argos.yaml"))
        self.cscli(*add, self.machine_id, *ours)
        self.cscli("bouncers", "add", "argos", "--key", self.bouncer_key, "--output", "raw")

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.lapi_url}/health").is_success
        except httpx.TransportError:
            return False


_PROFILE = {
    "name": "default_ip_remediation",
    "filters": ['Alert.Remediation == true && Alert.GetScope() == "Ip"'],
    "decisions": [{"type": "ban", "duration": "4h"}],
    "on_success": "break",
}
