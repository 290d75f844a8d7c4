"""A real Docker engine: dockerd with its own containerd, in folders and namespaces of its own.

Facts: Docker Engine 20.10 of Debian 12, with the storage driver vfs, which works on any file system.

The engine lives in a process and a mount namespace of its own: one signal ends it with all shims and
containers, and its mounts go with it. Its network is the host's: published ports are on loopback for
everybody, and containers have addresses that tests can reach.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Self

from tests.components.docker_slot import Slot, claim_slot
from tests.components.lookup import find_program
from tests.components.namespaces import OWN_NAMESPACES, signal_namespace
from tests.components.process import RealProcess
from tests.components.stand_ins import write_stand_ins

HOW_TO_GET = "scripts/components docker"
HOW_TO_GET_COMPOSE = "scripts/components compose"

# /run is hidden, as a containerd of the system has its socket there; what would mount the engine's
# socket into a container finds it where it always is.
_ENTER = """
mount -t tmpfs tmpfs /run
init="$(command -v docker-init)"
exec ${init:+"$init" --} "$0" "$@"
"""


class RealDockerd(RealProcess):
    """An engine that has the images `web`, `crash` and `sleep` (stand_ins.py tells what they are).

    `env` is the whole environment of a program that talks to it: no configuration of whoever runs the
    tests is in it. `socket` is its Unix socket; containers mount it from /var/run/docker.sock.
    """

    web, crash, sleep = "stand-in/web:1", "stand-in/crash:1", "stand-in/sleep:1"

    def __init__(self) -> None:
        dockerd = find_program("dockerd", HOW_TO_GET)
        self._docker = find_program("docker", HOW_TO_GET)
        self._busybox = find_program("busybox", HOW_TO_GET)
        self._slot = claim_slot(self._busybox)
        self._numbers = count(1)
        self._subnets = self._slot.fixed_subnets()
        self.folder = self._slot.folder
        self.socket = self.folder / "docker.sock"
        (self.folder / "daemon.json").write_text("{}")  # else the system's would be read
        self.env = {
            "DOCKER_HOST": f"unix://{self.socket}",
            "DOCKER_CONFIG": str(self.folder / "cli"),
            "DOCKER_BUILDKIT": "0",
            "HOME": str(self.folder),
            "PATH": os.pathsep.join([str(self._docker.parent), os.environ["PATH"]]),
        }
        super().__init__(
            _start_command(dockerd, self._slot),
            self.folder / "dockerd.log",
            self._answers,
            _start_env(dockerd),
        )

    def start(self) -> Self:
        """Starts the engine; the first time it is given its images."""
        super().start()
        if not self.run("images", "--quiet", self.web):
            self._load(
                {name: (name.partition("/")[2][:-2], {}) for name in (self.web, self.crash, self.sleep)}
            )
        return self

    def run(self, *arguments: str, text: str = "") -> str:
        """What `docker <arguments>` prints, with `text` as its input; raises CalledProcessError with what
        docker said in the notes."""
        command = [str(self._docker), *arguments]
        try:
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, input=text, env=self.env
            )
        except subprocess.CalledProcessError as error:
            error.add_note(error.stderr)
            raise
        return done.stdout.strip()

    def add_image(self, name: str, stand_in: str = "web", **config: object) -> None:
        """Another image of a stand-in called `name`, with this in its configuration (`User="nobody"`).

        Without configuration it is the same image under another name.
        """
        tagged = name if ":" in name.rpartition("/")[2] else f"{name}:latest"
        self._load({tagged: (stand_in, config)})

    def new_name(self, prefix: str = "project") -> str:
        """A name that nothing else of this engine has, for a project, network, container or image."""
        return f"{prefix}-{next(self._numbers)}"

    def new_subnet(self) -> str:
        """A subnet (/26) for a network that asks for a certain one; no other network of any engine has it."""
        return str(next(self._subnets))

    def clean(self, project: str | None = None) -> None:
        """Removes all containers, networks and volumes, or those of a Compose project. Images stay."""
        which = ["--filter", f"label=com.docker.compose.project={project}"] if project else []
        for listing, removal in (
            (["ps", "--all", "--quiet"], ["rm", "--force", "--volumes"]),
            (["network", "ls", "--quiet", "--filter", "type=custom"], ["network", "rm"]),
            (["volume", "ls", "--quiet"], ["volume", "rm", "--force"]),
        ):
            if found := self.run(*listing, *which).split():
                self.run(*removal, *found)

    def stop(self) -> None:
        """Asks the engine to end; it ends its containers first."""
        self._end(lambda process: signal_namespace(process, signal.SIGTERM))
        self._slot.sweep()

    def kill(self) -> None:
        """Ends the engine and all its containers at once. Its folder stays for the next start."""
        self._end(lambda process: signal_namespace(process, signal.SIGKILL))
        self._slot.sweep()

    def __exit__(self, *error: object) -> None:
        """Ends it for good: nothing of it is left."""
        if self.pid is not None:
            self.clean()  # also networks with addresses that are not the slot's
        self.kill()
        self._slot.release()

    def _load(self, images: Mapping[str, tuple[str, Mapping[str, object]]]) -> None:
        archive = self.folder / "images.tar"
        write_stand_ins(archive, self._busybox, images)
        self.run("load", "--quiet", "--input", str(archive))
        archive.unlink()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(1)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")
                return b" 200 OK" in connection.recv(64)
            except OSError:
                return False


def _start_command(dockerd: Path, slot: Slot) -> list[str]:
    folder = slot.folder
    return [
        *OWN_NAMESPACES,
        *("sh", "-c", _ENTER, str(dockerd)),
        *("--host", f"unix://{folder}/docker.sock", "--host", "unix:///run/docker.sock"),
        *("--data-root", f"{folder}/data", "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid"),
        *("--config-file", f"{folder}/daemon.json"),
        *("--storage-driver", "vfs", "--bridge", "none", "--shutdown-timeout", "5"),
        *("--log-level", "warn"),
        *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false"),
        *("--default-address-pool", f"base={slot.pool},size=26"),
        *("--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", slot.cgroup),
    ]


def _start_env(dockerd: Path) -> dict[str, str]:
    """Where Debian's packages were only unpacked, these lead to their other programs and plugins."""
    root = dockerd.parents[2]
    programs = [str(root / "usr" / part) for part in ("sbin", "bin")]
    plugins = map(str, root.glob("usr/lib/*/xtables"))
    return {
        "PATH": os.pathsep.join([*programs, os.environ["PATH"], "/usr/sbin", "/sbin"]),
        "XTABLES_LIBDIR": next(plugins, "/usr/lib/xtables"),
    }
