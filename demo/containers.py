"""The Docker part of the demo: a Compose file that was written for Traefik, in the config repository."""

from demo.repository import ConfigRepository
from tests.components.docker import RealDockerd
from tests.components.ports import free_port

DOMAIN = "tea.example.com"

_HOST = """\
apiVersion: argos.dev/v1
kind: DockerHost
metadata: {{name: house}}
spec:
  docker:
    connection: {{unix: {socket}}}
"""
_STACK = """\
apiVersion: argos.dev/v1
kind: Stack
metadata: {name: tea}
spec:
  host: house
  path: stacks/tea
  routes: fromLabels
  edge: main
  health: {timeout: 1m}
"""
_COMPOSE = """\
services:
  shop:
    image: {image}
    ports: ["127.0.0.1:{port}:80"]
    labels:
      - "traefik.enable=true"
      - "traefik.http.routers.tea.rule=Host(`{domain}`)"
      - "traefik.http.routers.tea.entrypoints=websecure"
      - "traefik.http.routers.tea.tls.certresolver=letsencrypt"
"""


class TeaShop:
    """A Stack in the repository, and what of it runs on the engine."""

    def __init__(self, repository: ConfigRepository, engine: RealDockerd) -> None:
        self._repository = repository
        self._engine = engine
        self._port = free_port()

    def open(self) -> str:
        """Commits the host and the stack; the short id of the commit."""
        self._write("docker/house.yaml", _HOST.format(socket=self._engine.socket))
        self._write("docker/tea.yaml", _STACK)
        self._write_compose(self._engine.web)
        return self._repository.push("A tea shop, from the Compose file that it had under Traefik")

    def spoil(self) -> str:
        """Commits an image that ends at once."""
        self._write_compose(self._engine.crash)
        return self._repository.push("The tea shop gets a new image")

    def _write_compose(self, image: str) -> None:
        text = _COMPOSE.format(image=image, port=self._port, domain=DOMAIN)
        self._write("stacks/tea/compose.yaml", text)

    def _write(self, path: str, text: str) -> None:
        whole = self._repository.work / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        whole.write_text(text)
