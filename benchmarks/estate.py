"""What is measured: a configuration repository of N Hosts, and the Caddyfile that serves the same."""

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HOSTS_PER_SERVICE = 100
_GIT_IDENTITY = {
    "GIT_AUTHOR_NAME": "benchmark",
    "GIT_AUTHOR_EMAIL": "benchmark@example.com",
    "GIT_COMMITTER_NAME": "benchmark",
    "GIT_COMMITTER_EMAIL": "benchmark@example.com",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
}


@dataclass(frozen=True, slots=True)
class EdgeAddresses:
    """Where one Caddy is reached: its admin API, and the port it serves on."""

    admin_address: str
    http_port: int
    upstream: str


@dataclass(frozen=True, slots=True)
class Estate:
    """`hosts` Hosts in as many files, a Service for each hundred, and one Edge.

    `checkout` is a work tree whose `origin` is the bare repository `origin`.
    """

    folder: Path
    hosts: int
    edge: EdgeAddresses

    @property
    def checkout(self) -> Path:
        return self.folder / "checkout"

    @property
    def origin(self) -> Path:
        return self.folder / "origin.git"

    def create(self) -> None:
        """Writes the files, commits them and pushes them to a new bare repository."""
        for path, text in self._files():
            place = self.checkout / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        _git("init", "--quiet", "--bare", "--initial-branch=main", str(self.origin), folder=self.folder)
        _git("init", "--quiet", "--initial-branch=main", ".", folder=self.checkout)
        _git("remote", "add", "origin", str(self.origin), folder=self.checkout)
        self._commit("all hosts")
        _git("push", "--quiet", "--set-upstream", "origin", "main", folder=self.checkout)

    def files(self) -> list[Path]:
        """Every YAML file of the checkout."""
        return sorted(self.checkout.rglob("*.yaml"))

    def release(self, number: int, release: str) -> str:
        """Commits another X-Release for one Host, and returns the domain that must show it once pushed."""
        (self.checkout / _host_path(number)).write_text(self._host(number, release))
        self._commit(f"release {release} of {_host_name(number)}")
        return domain_of(number)

    def push(self) -> None:
        _git("push", "--quiet", folder=self.checkout)

    def caddyfile(self, edge: EdgeAddresses, releases: dict[int, str] | None = None) -> str:
        """The same sites for the Caddy at `edge`; `releases` holds what differs from the first commit."""
        changed = releases or {}
        sites = (_site(number, edge, changed.get(number, "first")) for number in range(self.hosts))
        return f"{{\n\tadmin {edge.admin_address}\n\tauto_https off\n}}\n" + "".join(sites)

    def _files(self) -> Iterator[tuple[str, str]]:
        yield "edge.yaml", _EDGE.format(admin=self.edge.admin_address, port=self.edge.http_port)
        for number in range(_service_of(self.hosts - 1) + 1):
            name = _service_name(number)
            yield f"services/{name}.yaml", _SERVICE.format(name=name, address=self.edge.upstream)
        for number in range(self.hosts):
            yield _host_path(number), self._host(number, "first")

    def _host(self, number: int, release: str) -> str:
        return _HOST.format(
            name=_host_name(number),
            domain=domain_of(number),
            service=_service_name(_service_of(number)),
            release=release,
        )

    def _commit(self, message: str) -> None:
        _git("add", "--all", folder=self.checkout)
        _git("commit", "--quiet", "--message", message, folder=self.checkout)


def domain_of(number: int) -> str:
    return f"{_host_name(number)}.example.com"


def git_environment() -> dict[str, str]:
    """The environment in which git neither reads nor asks for anything of the person who measures."""
    return {**os.environ, **_GIT_IDENTITY}


def _git(*arguments: str, folder: Path) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=git_environment(), check=True, capture_output=True)


def _service_of(host: int) -> int:
    return host // HOSTS_PER_SERVICE


def _service_name(number: int) -> str:
    return f"app-{number:03}"


def _host_name(number: int) -> str:
    return f"host-{number:05}"


def _host_path(number: int) -> str:
    return f"hosts/{_host_name(number)}.yaml"


def _site(number: int, edge: EdgeAddresses, release: str) -> str:
    return (
        f"http://{domain_of(number)}:{edge.http_port} {{\n"
        "\tencode zstd gzip\n"
        f"\theader >X-Release {release}\n"
        f"\treverse_proxy {edge.upstream}\n"
        "}\n"
    )


_EDGE = """\
apiVersion: argos.dev/v1
kind: Edge
metadata:
  name: main
spec:
  caddy:
    adminUrl: http://{admin}
    ownership: whole
    listen: ["http://:{port}"]
"""

_SERVICE = """\
apiVersion: argos.dev/v1
kind: Service
metadata:
  name: {name}
spec:
  targets:
    - address: {address}
"""

_HOST = """\
apiVersion: argos.dev/v1
kind: Host
metadata:
  name: {name}
spec:
  edge: main
  domains: [{domain}]
  service: {service}
  tls: {{mode: "off"}}
  compression: true
  headers:
    response:
      set:
        X-Release: {release}
"""
