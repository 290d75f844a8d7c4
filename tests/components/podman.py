"""A real Podman, which has no daemon: a namespace of its own is held open, in which its commands run.

Facts: Podman 4.3 of Debian 12, with Docker's runc; cgroups as the machine has them, v1 or v2.
"""

import json
import os
import shlex
import signal
import subprocess
from typing import Self

from tests.components.docker import HOW_TO_GET as HOW_TO_GET_DOCKER
from tests.components.docker_slot import claim_slot
from tests.components.lookup import find_program
from tests.components.namespaces import OWN_NAMESPACES, first_process, signal_namespace
from tests.components.process import RealProcess
from tests.components.stand_ins import write_stand_ins

HOW_TO_GET = "scripts/components podman"


class RealPodman(RealProcess):
    """`program` is Podman with folders of its own: an executable that can be run from anywhere."""

    sleep = "stand-in/sleep:1"

    def __init__(self) -> None:
        self._podman = find_program("podman", HOW_TO_GET)
        self._runc = find_program("runc", HOW_TO_GET)
        self._busybox = find_program("busybox", HOW_TO_GET_DOCKER)
        self._slot = claim_slot(self._busybox)
        self._folder = self._slot.folder
        self._held = self._folder / "held"
        self.program = self._folder / "podman"
        hold = f"mount -t tmpfs tmpfs /run && touch {self._held} && exec sleep infinity"
        command = [*OWN_NAMESPACES, "sh", "-c", hold]
        super().__init__(
            command, self._folder / "podman.log", self._held.exists, {"PATH": os.environ["PATH"]}
        )

    def start(self) -> Self:
        super().start()
        self._write_files()
        archive = self._folder / "images.tar"
        write_stand_ins(archive, self._busybox, {self.sleep: ("sleep", {})})
        self.run("load", "--quiet", "--input", str(archive))
        return self

    def run(self, *arguments: str) -> str:
        """What `podman <arguments>` prints."""
        done = subprocess.run([str(self.program), *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def run_container(self, *arguments: str) -> str:
        """Starts a container in the background, without network, and gives its id."""
        return self.run(
            "run", "--detach", "--network", "none", "--cgroup-parent", self._slot.cgroup, *arguments
        )

    def kill(self) -> None:
        self._end(lambda process: signal_namespace(process, signal.SIGKILL))
        self._slot.sweep()

    def __exit__(self, *error: object) -> None:
        self.kill()
        self._slot.release()

    def _write_files(self) -> None:
        assert self._running is not None
        policy = self._folder / ".config" / "containers" / "policy.json"
        policy.parent.mkdir(parents=True)
        policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        config = self._folder / "containers.conf"
        config.write_text(
            f'[engine]\nconmon_path = ["{self._podman.parent}/conmon"]\nruntime = "runc"\n'
            'events_logger = "file"\ncgroup_manager = "cgroupfs"\n'
            f'[engine.runtimes]\nrunc = ["{self._runc}"]\n'
        )
        env = {"HOME": str(self._folder), "CONTAINERS_CONF": str(config)}
        enter = ["nsenter", "--target", str(first_process(self._running)), "--pid", "--mount"]
        folders = [
            "--root",
            f"{self._folder}/data",
            "--runroot",
            "/run/podman",
            "--tmpdir",
            "/run/podman-tmp",
        ]
        command = [*enter, "env", *(f"{name}={value}" for name, value in env.items()), str(self._podman)]
        line = shlex.join([*command, *folders, "--storage-driver", "vfs"])
        self.program.write_text(f'#!/bin/sh\nexec {line} "$@"\n')
        self.program.chmod(0o755)
