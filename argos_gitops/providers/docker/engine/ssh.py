"""An engine behind ssh: a Unix socket of ours, each of whose connections leads through ssh to the engine.

It is what the docker program does for `ssh://` hosts: `docker system dial-stdio` over there, which finds
the engine as the account there does. One ssh connection serves them all (ControlMaster), and stays.
"""

import os
import shlex
import shutil
import socket
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from argos_gitops.model.errors import TerminalError
from argos_gitops.model.inheritance import SSH_PROGRAM
from argos_gitops.model.secret import SecretValue
from argos_gitops.providers.docker.engine.private import PrivateFolder
from argos_gitops.providers.docker.settings import SshConnection
from argos_gitops.supervision.supervised import SupervisedThread

_KEPT_SECONDS = 600
_MOST_CHARACTERS = 300
_EXIT_SECONDS = 10.0


class SshTunnel:
    """Open from its making until `close`. `socket` is what to connect to instead of the engine."""

    def __init__(
        self,
        connection: SshConnection,
        key: SecretValue | None,
        known_hosts: SecretValue | None,
        timeout: timedelta,
    ) -> None:
        program = shutil.which("ssh")
        if program is None:
            raise TerminalError(
                "there is no program `ssh` on PATH; install openssh-client", reason="SshMissing"
            )
        self._folder = PrivateFolder()
        self._ssh = [program, *self._options(connection, key, known_hosts, timeout)]
        self._host = connection.host
        self._running: set[subprocess.Popen[bytes]] = set()
        self._errors = self._folder.path / "errors"
        self.socket = self._folder.path / "docker.sock"
        self._listener = _listening(self.socket)
        self._closed = False
        SupervisedThread(f"ssh {connection.host}", self._accept, lambda: self._closed).start()

    def complaint(self) -> str:
        """The last thing that ssh said; empty when it said nothing."""
        try:
            lines = self._errors.read_text("utf-8", "replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:_MOST_CHARACTERS] if lines else ""

    def close(self) -> None:
        self._closed = True
        self._listener.shutdown(socket.SHUT_RDWR)  # or whoever waits for a connection would wait for ever
        self._listener.close()
        for process in tuple(self._running):
            process.kill()
            process.wait()
        self._leave()
        self._folder.remove()

    def _options(
        self,
        connection: SshConnection,
        key: SecretValue | None,
        known_hosts: SecretValue | None,
        timeout: timedelta,
    ) -> Sequence[str]:
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "ConnectTimeout": str(max(1, int(timeout.total_seconds()))),
            "ServerAliveInterval": "15",
            "ControlMaster": "auto",
            "ControlPath": str(self._folder.path / "control"),
            "ControlPersist": str(_KEPT_SECONDS),
        }
        if known_hosts is not None:
            written = self._folder.write("known_hosts", known_hosts.reveal())
            options |= {"UserKnownHostsFile": str(written), "GlobalKnownHostsFile": "/dev/null"}
        if key is not None:
            options |= {
                "IdentityFile": str(self._folder.write("key", key.reveal())),
                "IdentitiesOnly": "yes",
            }
        given = [part for name, value in options.items() for part in ("-o", f"{name}={value}")]
        return [*given, "-p", str(connection.port)]

    def _accept(self) -> None:
        while not self._closed:
            try:
                accepted, _ = self._listener.accept()
            except OSError:
                if self._closed:
                    return
                raise  # such as too many open files, which passes
            with accepted:
                self._lead_through(accepted)

    def _lead_through(self, accepted: socket.socket) -> None:
        """ssh reads from the connection and writes to it by itself; it ends when either side does."""
        self._running = {process for process in self._running if process.poll() is None}
        command = [*self._ssh, "-T", "--", self._host, shlex.join(["docker", "system", "dial-stdio"])]
        with self._errors.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=accepted.fileno(),
                stdout=accepted.fileno(),
                stderr=errors,
                env=SSH_PROGRAM.of(os.environ),
            )
        self._running.add(process)

    def _leave(self) -> None:
        """Ends the connection that all shared, if there was one."""
        subprocess.run(
            [*self._ssh, "-O", "exit", "--", self._host],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_EXIT_SECONDS,
            check=False,
            env=SSH_PROGRAM.of(os.environ),
        )


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    return listener
