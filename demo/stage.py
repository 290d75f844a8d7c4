"""What the demo plays with: real components, a bare git repository, and the command line."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from demo.repository import ConfigRepository
from tests.components.caddy import RealCaddy
from tests.components.crowdsec import RealCrowdSec
from tests.components.docker import HOW_TO_GET_COMPOSE, RealDockerd
from tests.components.geo import write_country_database
from tests.components.lookup import MissingComponentError, find_program
from tests.components.namespaces import require_engine
from tests.components.upstream import Upstream

EXAMPLE = Path(__file__).parents[1] / "example-config"
INSTANCE = "demo"
# Which upstream stands behind which address of the example.
UPSTREAMS = {
    "127.0.0.1:3000": "grafana",
    "127.0.0.1:3001": "shop-large",
    "127.0.0.1:3002": "shop-small",
    "127.0.0.1:3003": "wiki",
}


@dataclass(frozen=True, slots=True)
class Finished:
    """A command of the product that has ended."""

    command: str
    code: int
    text: str


class Stage:
    """Everything that runs, and the folder it lives in; leaving the `with` block ends all of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running = ExitStack()
        self.caddy = RealCaddy(folder / "caddy")
        self.crowdsec = _crowdsec_if_here(folder / "crowdsec")
        self.upstreams = {address: Upstream(name) for address, name in UPSTREAMS.items()}
        self.moved_grafana = Upstream("grafana-on-its-new-server")
        self.engine = _engine_if_here()
        self.repository = ConfigRepository(folder / "config", folder / "config.git")

    def __enter__(self) -> Self:
        for upstream in (*self.upstreams.values(), self.moved_grafana):
            self._running.enter_context(upstream)
        self._running.enter_context(self.caddy)
        if self.crowdsec is not None:
            self._running.enter_context(self.crowdsec)
        if self.engine is not None:
            self._running.enter_context(self.engine)
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def lay_out_repository(self) -> None:
        """The example's edge as a pushed commit, with the addresses of what really runs here."""
        shutil.copytree(EXAMPLE, self.repository.work, ignore=shutil.ignore_patterns("docker", "stacks"))
        write_country_database(self.folder / "country.mmdb")
        self.repository.set_edge(self.caddy, self.crowdsec)
        for address, upstream in self.upstreams.items():
            self.repository.replace("services", address, upstream.address)
        self.repository.begin()

    def argos(self, *arguments: str) -> Finished:
        """Runs a command of the product as a person would, with settings in the environment."""
        done = subprocess.run(
            [sys.executable, "-m", "argos_gitops", *arguments],
            env={**os.environ, **self.settings()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
        )
        return Finished(f"argos-gitops {' '.join(arguments)}", done.returncode, done.stdout)

    def settings(self) -> Mapping[str, str]:
        """The variables with which any argos-gitops command acts on this stage."""
        settings = {
            "ARGOS_REPO": str(self.repository.bare),
            "ARGOS_INSTANCE": INSTANCE,
            "ARGOS_GEOIP_COUNTRY": str(self.folder / "country.mmdb"),
            "XDG_STATE_HOME": str(self.folder / "state"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        if self.crowdsec is not None:
            settings["ARGOS_LAPI_PASSWORD"] = self.crowdsec.machine_password
        if self.engine is not None:
            settings["ARGOS_DOCKER_COMPOSE"] = str(find_program("docker-compose", HOW_TO_GET_COMPOSE))
        return settings


def _crowdsec_if_here(folder: Path) -> RealCrowdSec | None:
    try:
        return RealCrowdSec(folder)
    except MissingComponentError:
        return None


def _engine_if_here() -> RealDockerd | None:
    try:
        require_engine()
        find_program("docker-compose", HOW_TO_GET_COMPOSE)
        return RealDockerd()
    except MissingComponentError:
        return None
